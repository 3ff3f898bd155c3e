"""`GET /v1/session`: who asks, and what they may do; what is not theirs a page need not offer."""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from offload.access.scopes import EVERYTHING, Scope
from offload.http import answers
from offload.http.door import Door
from offload.http.permits import visitor_of
from offload.shapes import write
from offload.wire.query import read_no_query


class SessionShape(Struct, frozen=True):
    """Who asks.

    Attributes:
        name: of the token behind it; null where nobody has to say.
        scopes: all that it opens.
    """

    name: str | None
    scopes: tuple[Scope, ...]


async def show(door: Door, request: Request) -> Response:
    """Tell who asks what they may do."""
    read_no_query(request.scope["query_string"])
    visitor = visitor_of(request.scope)
    opens = EVERYTHING if visitor is None else visitor.opens
    name = None if visitor is None else visitor.name
    return answers.json(write(SessionShape(name, tuple(each for each in Scope if each in opens))))
