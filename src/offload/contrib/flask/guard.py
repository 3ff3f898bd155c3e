"""What a request must pass before anything looks at it; closed, unless somebody says who may.

1. The request line is of bounded length, and the path is UTF-8.
2. A method that may change something comes from our own pages or from no browser.
3. The app's own function lets it in. Where there is none: only in debug or testing, and only under
   a name of this machine: a page of another site can make its name lead here (DNS rebinding).
"""

from collections.abc import Callable
from urllib.parse import quote

from flask import request

from offload.contrib.flask.desk import AppOffload
from offload.wire.problems import Problem
from offload.wire.security import LOCAL_NAMES, SAFE_METHODS, check_length, check_path, check_site

Authorize = Callable[[str], bool]
"""Given a verb (`start`, `status`, `result`, `cancel`), says whether the request at hand may."""


def check(desk: AppOffload, authorize: Authorize | None, verb: str) -> None:
    """Refuse what may not pass.

    Raises:
        Problem: request-line-too-long, malformed-request, cross-site, wrong-host, forbidden.
    """
    check_length(request.method, len(quote(request.path)) + 1 + len(request.query_string))
    check_path(request.path)
    if request.method not in SAFE_METHODS:
        check_site(_lines("Sec-Fetch-Site"), _lines("Origin"), _own_origins())
    if authorize is None:
        _check_open(desk)
    elif not authorize(verb):
        raise Problem("forbidden", f"this app does not let you {verb} jobs")


def _lines(header: str) -> list[bytes]:
    return [line.encode() for line in request.headers.getlist(header)]


def _own_origins() -> set[bytes]:
    """Return the origins of the app's own pages; a proxy in front of it may speak TLS."""
    host = request.host.lower()
    return {f"{scheme}://{host}".encode() for scheme in ("http", "https")}


def _check_open(desk: AppOffload) -> None:
    if not (desk.flask_app.debug or desk.flask_app.testing):
        desk.say_closed_once()
        raise Problem("forbidden", "these routes are closed; the app's log says how to open them")
    name, colon, port = request.host.lower().rpartition(":")
    if (name if colon and port.isdigit() else request.host.lower()) not in LOCAL_NAMES:
        raise Problem(
            "wrong-host",
            f"without authorize= these routes do not answer to the name {request.host[:200]!r}; "
            "address the app as localhost",
        )
