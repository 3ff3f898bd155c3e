"""A route is declared once: method, path, handler, who may use it, and what it does, in words.

Starlette finds the path; what stands behind a path answers each of its methods, HEAD and OPTIONS
too, and refuses all others with the exact list.
"""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from itertools import groupby

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from offload.http import permits
from offload.http.door import Door
from offload.wire.problems import Problem, allow, wrong_method

Handler = Callable[[Door, Request], Awaitable[Response]]


class Access(StrEnum):
    """Who may use a route, where there are tokens: everybody, or whoever has this scope."""

    EVERYBODY = "everybody"
    READ = "read"
    SUBMIT = "submit"
    CONTROL = "control"
    ADMIN = "admin"


class Route(Struct, frozen=True):
    """One thing that can be asked.

    Attributes:
        method: GET or POST; a GET changes nothing.
        path: with names in braces.
        handler: answers it.
        access: who may.
        summary: what it does, in a few words.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    summary: str


class Resource:
    """All that can be asked at one path, as an ASGI application."""

    def __init__(self, door: Door, routes: Sequence[Route]) -> None:
        self._door = door
        self._routes = {route.method: route for route in routes}
        if "GET" in self._routes:
            self._routes["HEAD"] = self._routes["GET"]
        self.allow = allow(self._routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for this path."""
        route = self._routes.get(scope["method"])
        if route is not None:
            permits.check(scope, route.access, route.path)
            response = await route.handler(self._door, Request(scope, receive))
        elif scope["method"] == "OPTIONS":
            response = Response(status_code=204, headers={"allow": self.allow})
        else:
            raise wrong_method(scope["method"], self.allow)
        await response(scope, receive, send)


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at every other path."""
    raise Problem("not-found", "there is nothing at this address; `/` shows what there is")


def router(door: Door, routes: Sequence[Route]) -> Router:
    """Return the application that finds the resource for a path."""
    found = [
        StarletteRoute(path, Resource(door, list(group)), name=path)
        for path, group in groupby(routes, key=lambda route: route.path)
    ]
    return Router(found, redirect_slashes=False, default=nothing_here)
