"""No link on a page leads nowhere, and every page can be found."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, Page, all_pages, page

PAGES = [pytest.param(each, id=each.name) for each in all_pages()]


@pytest.mark.parametrize("each", PAGES)
def test_links_of_a_page_lead_somewhere(each: Page) -> None:
    broken = [
        f"{each.name}:{line}: {to}"
        for line, to in each.links()
        if "://" not in to and not exists(each, to)
    ]

    assert broken == []


def exists(at: Page, to: str) -> bool:
    file, _, anchor = to.partition("#")
    target = (at.path.parent / file).resolve() if file else at.path
    if not target.is_relative_to(ROOT) or not target.is_file():
        return False
    return not anchor or (target.suffix == ".md" and anchor in Page(target).anchors())


@pytest.mark.parametrize("each", PAGES)
def test_links_out_of_the_docs_folder_are_only_in_the_readme(each: Page) -> None:
    if each.path.parent == ROOT:
        return
    leaving = [
        to
        for _, to in each.links()
        if "://" not in to
        and to.partition("#")[0]
        and not (each.path.parent / to.partition("#")[0]).resolve().is_relative_to(DOCS)
    ]

    assert leaving == []


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = set()
    for each in all_pages():
        for block in each.blocks("{toctree}"):
            names = [line for line in block.text.splitlines() if line and line[0] != ":"]
            listed |= {(each.path.parent / f"{name}.md").resolve() for name in names}

    pages = set(DOCS.rglob("*.md")) - {DOCS / "index.md"}
    assert {name(path) for path in pages} == {name(path) for path in listed}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_decision_is_in_its_index() -> None:
    index = page("docs/design/adr/index.md")
    linked = {to for _, to in index.links()}

    assert linked >= {file.name for file in (DOCS / "design" / "adr").glob("0*.md")}


def test_tests_that_pages_name_exist() -> None:
    written = {
        found
        for file in (ROOT / "tests").rglob("test_*.py")
        for found in re.findall(r"def (test_\w+)\(", file.read_text("utf-8"))
    }
    named = {
        (each.name, found)
        for each in all_pages()
        for found in re.findall(r"`(test_\w+)`", each.text)
    }

    assert [pair for pair in sorted(named) if pair[1] not in written] == []


def test_every_snippet_is_of_a_kind_that_the_tests_know() -> None:
    known = {"python", "toml", "ini", "console", "text", "mermaid", "{toctree}"}
    others = {
        (each.name, block.line, block.language)
        for each in all_pages()
        for block in each.blocks()
        if block.language not in known
    }

    assert others == set()
