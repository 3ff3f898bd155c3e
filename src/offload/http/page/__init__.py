"""A page for people: what is served, lines to copy, and the state of things.

One document without anything fetched from elsewhere. Its style and its script are allowed by their
hash, so that nothing else on it could ever run; and every value on it is escaped by the template.
"""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from offload.http.door import Door
from offload.http.page import commands, state
from offload.http.page.html import Html, fill, hash_source
from offload.model import State
from offload.wire.query import read_no_query

NEWEST = 20

_folder = files(__name__)
_PAGE = (_folder / "page.html").read_text("utf-8")
_STYLE = (_folder / "page.css").read_text("utf-8")
_SCRIPT = (_folder / "page.js").read_text("utf-8")


POLICY = (
    f"default-src 'none'; style-src {hash_source(_STYLE)}; script-src {hash_source(_SCRIPT)}; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


async def show(door: Door, request: Request) -> Response:
    """Show the page."""
    read_no_query(request.scope["query_string"])
    address = f"http://{request.headers['host']}"
    document = fill(
        _PAGE,
        served=door.served or "tasks",
        address=address,
        style=Html(_STYLE),
        script=Html(_SCRIPT),
        lines=commands.lines(door, address),
        tasks=commands.tasks(door),
        **await _state_of_things(door),
    )
    headers = {"content-security-policy": POLICY}
    return Response(document, 200, headers, "text/html; charset=utf-8")


async def _state_of_things(door: Door) -> dict[str, Html]:
    counts = await door.app.acounts()
    jobs = await door.app.alist(limit=NEWEST)
    waiting = next((job for job in reversed(jobs) if job.state is State.QUEUED), None)
    reason = None if waiting is None else await door.app.areason(waiting)
    return {
        "states": state.tally(counts),
        "note": state.note(waiting, reason),
        "jobs": state.table(jobs, door.app.now()),
    }
