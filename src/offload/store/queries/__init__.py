"""Named queries from the `.sql` files of this folder: each begins with a line `-- name: claim`."""

import re
from importlib import resources

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load_queries() -> dict[str, str]:
    """Read all queries. A name that stands twice is a fault of ours."""
    queries: dict[str, str] = {}
    for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            found = _parse(file.read_text("utf-8"))
            if twice := queries.keys() & found.keys():
                raise AssertionError(f"{file.name}: these queries stand twice: {sorted(twice)}")
            queries |= found
    return queries


def _parse(text: str) -> dict[str, str]:
    _, *parts = _HEADER.split(text)
    return {
        name: body.strip().rstrip(";") for name, body in zip(parts[::2], parts[1::2], strict=True)
    }
