"""The project's pages as their source has them: fenced blocks, headings, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[^`\n]*)$")
_FILE = re.compile(r"# (?P<name>[\w/-]+\.(?:py|toml))$")
_HEADING = re.compile(r"^(#{1,6}) +(.+?)\s*$")
_TARGET = re.compile(r"^\((?P<name>[\w-]+)\)=$")
_LINK = re.compile(r"!?\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<to>[^()\s]+)\)")
_CODE = re.compile(r"`[^`\n]*`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `line` is that of its first line of content."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that the reader is to make of it: its first line is a comment with the name."""
        named = _FILE.match(self.text.partition("\n")[0])
        return named["name"] if named else None


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path below the project's root."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    def blocks(self, *languages: str) -> list[Block]:
        """Its fenced blocks of these languages, in their order; all when none is named."""
        return [
            block for block in _blocks(self.text) if not languages or block.language in languages
        ]

    def prose(self) -> list[str]:
        """Its lines, those inside fences left empty so that line numbers stay."""
        lines = self.text.splitlines()
        for block in _blocks(self.text):
            inside = range(block.line - 1, block.line - 1 + block.text.count("\n") + 1)
            for index in inside:
                lines[index] = ""
        return lines

    def anchors(self) -> set[str]:
        """What a link may name after the `#`: headings as the generator writes them, targets."""
        found: set[str] = set()
        for line in self.prose():
            if heading := _HEADING.match(line):
                found.add(_free(slug(heading[2]), found))
            elif target := _TARGET.match(line):
                found.add(target["name"])
        return found

    def links(self) -> list[tuple[int, str]]:
        """Where each of its links leads, with the line that it stands on."""
        return [
            (number, link["to"])
            for number, line in enumerate(self.prose(), 1)
            for link in _LINK.finditer(_CODE.sub("``", line))
        ]

    def section(self, title: str) -> str:
        """The source from a heading to the next one of its level or above."""
        lines, level = [], 0
        for line in self.text.splitlines():
            heading = _HEADING.match(line)
            if level and heading and len(heading[1]) <= level:
                break
            if heading and heading[2] == title:
                level = len(heading[1])
            if level:
                lines.append(line)
        assert lines, f"{self.name} has no section {title!r}"
        return "\n".join(lines)

    def rows(self, title: str = "") -> list[list[str]]:
        """The rows of the tables of a section, or of the whole page, without headers."""
        text = self.section(title) if title else self.text
        return list(_rows(text))


def all_pages() -> list[Page]:
    """Every page that users read."""
    return [Page(ROOT / "README.md"), *(Page(path) for path in sorted(DOCS.rglob("*.md")))]


def page(name: str) -> Page:
    """The page of that path below the project's root."""
    return Page(ROOT / name)


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub and MyST make it."""
    text = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return text.strip().replace(" ", "-")


def _free(wanted: str, taken: set[str]) -> str:
    numbered = (f"{wanted}-{number}" for number in range(1, 1000))
    return wanted if wanted not in taken else next(each for each in numbered if each not in taken)


def _blocks(text: str) -> Iterator[Block]:
    opened: re.Match[str] | None = None
    inside: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, inside, start = fence, [], number + 1
        elif opened and line.strip() == opened["ticks"]:
            yield Block(opened["language"].strip(), "\n".join(inside), start)
            opened = None
        elif opened:
            inside.append(line.removeprefix(opened["indent"]))
    assert opened is None, f"a fence is never closed: {opened}"


def _rows(text: str) -> Iterator[list[str]]:
    lines = [line for line in text.splitlines() if not line.startswith("```")]
    for above, line in zip(["", *lines], lines, strict=False):
        if not line.startswith("|") or set(line) <= set("|-: ") or not above.startswith("|"):
            continue
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
