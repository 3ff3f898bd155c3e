"""The dashboard over HTTP: the page at `/`, and the files that it names.

They hold nothing but what everybody can install, so no token is asked for the files.
"""

from starlette.requests import Request
from starlette.responses import Response

from offload.dashboard import POLICY, Asset, dashboard
from offload.dashboard.element import HEADERS, PATH, element
from offload.http.door import Door
from offload.http.routing import Access, Handler, Route
from offload.wire.query import read_no_query

FOR_GOOD = "public, max-age=31536000, immutable"


async def show(door: Door, request: Request) -> Response:
    """Give the page."""
    read_no_query(request.scope["query_string"])
    return _answer(request, dashboard().page, {"content-security-policy": POLICY})


def routes() -> tuple[Route, ...]:
    """Return one route for each file: its address has the version, so it may be kept for good.

    The element for other people's pages has an address that stays, so browsers ask for a newer one.
    """
    kept = {"cache-control": FOR_GOOD}
    found = [(path, asset, kept) for path, asset in dashboard().files()]
    return tuple(
        Route("GET", path, _giving(asset, more), Access.EVERYBODY, "give a file of the dashboard")
        for path, asset, more in (*found, (PATH, element(), HEADERS))
    )


def _giving(asset: Asset, more: dict[str, str]) -> Handler:
    async def give(door: Door, request: Request) -> Response:
        read_no_query(request.scope["query_string"])
        return _answer(request, asset, more)

    return give


def _answer(request: Request, found: Asset, more: dict[str, str]) -> Response:
    """Send a file, compressed where the client can read that; or 304 where it has it."""
    headers = {"etag": found.tag, "vary": "accept-encoding", **more}
    if found.tag in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(found.packed, 200, headers, found.media_type)
    return Response(found.body, 200, headers, found.media_type)
