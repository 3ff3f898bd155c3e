"""What a kind of problem means: the address in every problem's `type`, for programs and people.

Nobody needs a token for it: whoever is refused for want of one may read why.
"""

import re

from starlette.requests import Request
from starlette.responses import Response

from offload.http import answers
from offload.http.door import Door
from offload.http.page.html import Html, fill, join
from offload.shapes import write
from offload.wire.explaining import ProblemKind, explained
from offload.wire.problems import Problem
from offload.wire.query import read_no_query

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$name - offload</title>
<h1>$title</h1>
<p>Problem <code>$name</code>, status $status.</p>
<h2>When it is met</h2>
<p>$cause</p>
<h2>What to do</h2>
<p>$remedy</p>
<p><a href="/docs">All addresses</a></p>
</html>
"""

_CODE = re.compile(r"`([^`]*)`")


async def show(door: Door, request: Request) -> Response:
    """Explain a kind of problem."""
    read_no_query(request.scope["query_string"])
    found = explained(request.path_params["kind"])
    if found is None:
        raise Problem("not-found", "there is no such kind of problem; /docs names them all")
    if "text/html" not in request.headers.get("accept", ""):
        return answers.json(write(found), headers={"vary": "accept"})
    headers = {"vary": "accept", "content-security-policy": POLICY}
    return Response(_page(found), 200, headers, "text/html; charset=utf-8")


def _page(kind: ProblemKind) -> Html:
    return fill(
        _PAGE,
        name=kind.type.removeprefix("/problems/"),
        title=kind.title,
        status=kind.status,
        cause=_words(kind.cause),
        remedy=_words(kind.remedy),
    )


def _words(text: str) -> Html:
    """Write text with code in backquotes as HTML."""
    pieces = enumerate(_CODE.split(text))
    return join(fill("<code>$it</code>" if n % 2 else "$it", it=piece) for n, piece in pieces)
