"""The dashboard: the files that a browser needs, held in memory under the sum of their content.

Nothing here speaks HTTP, and nothing is made for one viewer: the page gets all that it shows from
the public API. Files refer to each other relatively, so the dashboard works under any prefix. Each
stands under the version of all, so that a browser may keep it for good, and a page never mixes
files of two versions.
"""

import gzip
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from msgspec import Struct

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""What the page may do: run and fetch its own files. Text can not become HTML or a script in it."""

FOLDERS = ("shell", "core", "parts", "pages")

_MEDIA_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_PLACE_OF_VERSION = "VERSION"
_NO_MODULE = ("shell", "theme.js")
_PLACE_OF_MODULES = "<!-- modules -->"


class Asset(Struct, frozen=True):
    """A file as it is sent.

    Attributes:
        body: its content.
        packed: the same, compressed with gzip.
        media_type: what it is.
        tag: its entity tag, in quotes.
    """

    body: bytes
    packed: bytes
    media_type: str
    tag: str


class Dashboard(Struct, frozen=True):
    """All files.

    Attributes:
        version: the sum of all of them.
        page: the document that brings the others.
        assets: the others, each under its folder and name.
    """

    version: str
    page: Asset
    assets: dict[tuple[str, str], Asset]

    @property
    def weight(self) -> int:
        """Bytes that a first visit transfers, compressed."""
        return len(self.page.packed) + sum(len(each.packed) for each in self.assets.values())

    def files(self) -> Iterator[tuple[str, Asset]]:
        """Yield the path of each file on the server, and the file."""
        for (folder, name), asset in self.assets.items():
            yield f"/assets/{self.version}/{folder}/{name}", asset


@cache
def dashboard() -> Dashboard:
    """Read the files, once."""
    static = files(__name__) / "static"
    found = {
        (folder, each.name): each.read_bytes()
        for folder in FOLDERS
        for each in sorted((static / folder).iterdir(), key=lambda each: each.name)
        if each.name.rpartition(".")[2] in _MEDIA_TYPES
    }
    page = (static / "index.html").read_text("utf-8")
    version = _sum(page.encode(), *found.values())
    return Dashboard(
        version,
        asset(_page(page, version, found), "text/html; charset=utf-8"),
        {place: asset(body, _media_type(place[1])) for place, body in found.items()},
    )


def _page(template: str, version: str, found: dict[tuple[str, str], bytes]) -> bytes:
    """Name the version, and all modules: the browser need not find them one after the other.

    They are fetched behind what the first picture needs, the style and the theme.
    """
    modules = "\n".join(
        f'<link rel="modulepreload" href="assets/{version}/{folder}/{name}" fetchpriority="low">'
        for folder, name in found
        if name.endswith(".js") and (folder, name) != _NO_MODULE
    )
    filled = template.replace(_PLACE_OF_MODULES, modules).replace(_PLACE_OF_VERSION, version)
    return filled.encode()


def asset(body: bytes, media_type: str) -> Asset:
    """Return a file, compressed and under its sum."""
    return Asset(body, gzip.compress(body, mtime=0), media_type, f'"{_sum(body)}"')


def _media_type(name: str) -> str:
    return _MEDIA_TYPES[name.rpartition(".")[2]]


def _sum(*contents: bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(b"%d:" % len(content) + content)
    return digest.hexdigest()[:16]
