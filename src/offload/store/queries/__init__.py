"""Named queries from the `.sql` files of this folder: each begins with a line `-- name: claim`.

Lines that several queries of a file share stand once, below `-- fragment: narrowed`; a line
`{narrowed}` in a query stands for them. Without a fragment of that name it is no SQL, so a slip of
the pen is loud.
"""

import re
from importlib import resources

_HEADER = re.compile(r"^-- (name|fragment): (\w+)$", re.MULTILINE)
_PLACE = re.compile(r"^[ \t]*\{(\w+)\}$", re.MULTILINE)


def load_queries() -> dict[str, str]:
    """Read all queries. A name that stands twice is a fault of ours."""
    queries: dict[str, str] = {}
    for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            found = parse(file.read_text("utf-8"))
            if twice := queries.keys() & found.keys():
                raise AssertionError(f"{file.name}: these queries stand twice: {sorted(twice)}")
            queries |= found
    return queries


def parse(text: str) -> dict[str, str]:
    """Return the queries of a file, with its fragments in their places."""
    _, *parts = _HEADER.split(text)
    said: dict[str, dict[str, str]] = {"name": {}, "fragment": {}}
    for kind, name, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        said[kind][name] = body.strip("\n").rstrip().rstrip(";")
    fragments = said["fragment"]
    return {name: _filled(body, fragments).strip() for name, body in said["name"].items()}


def _filled(body: str, fragments: dict[str, str]) -> str:
    return _PLACE.sub(lambda found: fragments.get(found[1], found[0]), body)
