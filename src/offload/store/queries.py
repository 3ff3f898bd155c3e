"""Named queries from a `.sql` file: each begins with a line `-- name: claim`."""

import re
from importlib import resources

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load_queries(*files: str) -> dict[str, str]:
    """Read the queries of these files of this package; a later file overrides by name."""
    queries: dict[str, str] = {}
    for file in files:
        queries.update(_parse(resources.files("offload.store").joinpath(file).read_text("utf-8")))
    return queries


def _parse(text: str) -> dict[str, str]:
    _, *parts = _HEADER.split(text)
    return {
        name: body.strip().rstrip(";") for name, body in zip(parts[::2], parts[1::2], strict=True)
    }
