"""What every request must pass before anything looks at it.

On every method and path, also those that do not exist:

1. The Host is ours. A page of another site can make its own name lead to this machine (DNS
   rebinding), but it cannot make a browser send our name.
2. The request line is of bounded length.
3. A method that may change something comes from our own pages or from no browser:
   `POST /start/x?a=1` is a request that any web page may send.
4. It shows a credential, where there are any: a token, the cookie of a browser that has logged in,
   or, to look at one job only, a token in the address. What the route needs of it is judged where
   the route is known (`permits`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from msgspec import Struct
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offload.access.ring import Ring, Visitor
from offload.http import permits
from offload.http.cookies import session_shown
from offload.http.keeper import Keeper
from offload.http.origins import Origins, is_preflight
from offload.http.permits import Entry, unauthorized
from offload.http.routing import Access, Route
from offload.http.throttle import Throttle
from offload.wire.problems import Problem
from offload.wire.security import (
    LOCAL_NAMES,
    SAFE_METHODS,
    check_length,
    check_path,
    check_site,
)

_WATCHED = frozenset({b"host", b"origin", b"sec-fetch-site", b"authorization", b"cookie"})

_IN_ADDRESS = b"access_token="

Said = dict[bytes, list[bytes]]


class Names(Struct, frozen=True):
    """The names under which the server may be addressed, each as it stands in a Host header.

    Attributes:
        origins: for each name the origins of its own pages.
    """

    origins: dict[bytes, frozenset[bytes]]

    @classmethod
    def of(cls, bound: str, port: int, allowed: Iterable[str] = ()) -> "Names":
        """Collect the names of this machine and those that were allowed.

        Args:
            bound: the name or address that the server listens at, as in a URL.
            port: the port that it listens at; a name counts with it, and alone.
            allowed: further names; one that says a port counts with that port only. They may stand
                for a proxy that speaks TLS.
        """
        origins: dict[bytes, frozenset[bytes]] = {}
        for name in (*LOCAL_NAMES, bound):
            for host in _with_port(name, port):
                origins[host] = frozenset({b"http://" + host})
        for name in allowed:
            for host in _with_port(name, port):
                origins[host] = frozenset({b"http://" + host, b"https://" + host})
        return cls(origins)


def _with_port(name: str, port: int) -> tuple[bytes, ...]:
    host = name.strip().lower()
    says_port = host.rpartition("]")[2].count(":") == 1
    return (host.encode(),) if says_port else (host.encode(), f"{host}:{port}".encode())


class Guard:
    """Lets a request pass, or refuses it.

    Args:
        app: what is guarded.
        names: the names under which the server may be addressed.
        keeper: knows who may come in.
        routes: whose access decides where nothing has to be shown.
        origins: from which other pages may ask.
        throttle: counts what clients start.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: Names,
        keeper: Keeper,
        routes: Sequence[Route],
        *,
        origins: Origins | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self._app = app
        self._names = names
        self._keeper = keeper
        everybodys = {route.path for route in routes if route.access is Access.EVERYBODY}
        closed = {route.path for route in routes if route.access is not Access.EVERYBODY}
        self._open = everybodys - closed
        below = {path.partition("{")[0] for path in self._open if "{" in path}
        self._open_below = tuple(
            prefix for prefix in below if not any(path.startswith(prefix) for path in closed)
        )
        self._origins = origins or Origins()
        self._throttle = throttle or Throttle(None)
        self._unnamed = Entry(self._throttle, None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, then hand it on.

        Raises:
            Problem: malformed-request, wrong-host, request-line-too-long, cross-site, unauthorized.
            StoreError: it cannot be found out who may come in.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = self._check(scope)
        if self._origins.welcomes(said[b"origin"]) and is_preflight(scope):
            await Response(status_code=204)(scope, receive, send)
        elif scope["path"] in self._open or scope["path"].startswith(self._open_below):
            permits.show_keeper(self._keeper, scope)
            await self._app(scope, receive, send)
        else:
            ring = self._keeper.fresh() or await self._keeper.look()
            await self._let_in(ring, said, scope, receive, send)

    def _check(self, scope: Scope) -> Said:
        """Refuse what may not pass, whoever asks; returns the headers that matter."""
        said: Said = defaultdict(list)
        for name, value in scope["headers"]:
            if name in _WATCHED:
                said[name].append(value)
        own_origins = self._own_origins(said[b"host"])
        self._origins.tell(scope, said[b"origin"])
        query = scope["query_string"]
        check_length(scope["method"], len(scope["raw_path"]) + len(query) + bool(query))
        check_path(scope["path"])
        is_safe = scope["method"] in SAFE_METHODS
        if not is_safe and not (said[b"origin"] and self._is_welcome(said)):
            check_site(said[b"sec-fetch-site"], said[b"origin"], own_origins)
        return said

    def _is_welcome(self, said: Said) -> bool:
        """Whether an allowed page shows a token of its own; a cookie is none."""
        shows_token = bool(said[b"authorization"]) and not self._keeper.is_open
        return shows_token and self._origins.welcomes(said[b"origin"])

    async def _let_in(
        self, ring: Ring, said: Said, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if self._keeper.is_open:
            _take_token(scope)
            permits.put(self._unnamed, scope)
            await self._app(scope, receive, send)
            return
        in_address = _take_token(scope)
        try:
            visitor = self._known(ring, said, in_address)
        except Problem as refusal:
            found = await self._somebody_new(ring, said, in_address)
            if found is None:
                await _refuse(refusal, said, scope, receive, send)
                return
            visitor = found
        self._keeper.saw(visitor)
        permits.put(Entry(self._throttle, visitor), scope)
        if scope["method"] == "GET":
            send = _While(self._keeper, visitor, send)
        await self._app(scope, receive, send)

    async def _somebody_new(
        self, ring: Ring, said: Said, in_address: bytes | None
    ) -> Visitor | None:
        """Look once more for who is unknown: the credential may have been made just now."""
        newer = await self._keeper.look_for_somebody_new()
        try:
            return None if newer is ring else self._known(newer, said, in_address)
        except Problem:
            return None

    def _known(self, ring: Ring, said: Said, in_address: bytes | None) -> Visitor:
        """Say who asks, by the first of these that is shown.

        Raises:
            Problem: unauthorized.
        """
        now = self._keeper.now()
        if said[b"authorization"]:
            visitor = ring.of_token(_bearer(said[b"authorization"]), now)
            if visitor is None:
                raise unauthorized(
                    "this token is not valid, or not any more; `offload token list` shows those "
                    "that are",
                    "invalid_token",
                )
            return visitor
        if in_address is not None:
            visitor = ring.of_slip(in_address, now)
            if visitor is None:
                raise unauthorized(
                    "a token in an address has to be one for a single job, and valid; show any "
                    "other one as `Authorization: Bearer …`",
                    "invalid_token",
                )
            return visitor
        cookie = session_shown(said[b"cookie"], said[b"host"][0])
        if cookie is None:
            raise unauthorized("show a token: `Authorization: Bearer …`")
        visitor = ring.of_session(cookie, now)
        if visitor is None:
            raise unauthorized("your session has ended; log in again at /login", "invalid_token")
        return visitor

    def _own_origins(self, hosts: Sequence[bytes]) -> frozenset[bytes]:
        if len(hosts) != 1:
            raise Problem("malformed-request", "a request names its Host once")
        origins = self._names.origins.get(hosts[0].lower())
        if origins is None:
            name = hosts[0].decode("ascii", "replace")[:200]
            raise Problem(
                "wrong-host",
                f"this server does not answer to the name {name!r}; address it as localhost, "
                "or start it with --allow-host and that name",
            )
        return origins


class _While:
    """Sends an answer for as long as who asked for it may see it: a stream ends with its token."""

    def __init__(self, keeper: Keeper, visitor: Visitor, send: Send) -> None:
        self._keeper = keeper
        self._visitor = visitor
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message.get("more_body") and not self._keeper.still_knows(self._visitor):
            await self._send({"type": "http.response.body"})
            raise ClientDisconnect
        await self._send(message)


def _bearer(credentials: Sequence[bytes]) -> bytes:
    """Return the token that an Authorization header shows; empty where it shows none."""
    scheme, _, token = (credentials[0] if len(credentials) == 1 else b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def _take_token(scope: Scope) -> bytes | None:
    """Take the token out of the address of a GET; routes never see it, and no log does."""
    query: bytes = scope["query_string"]
    if _IN_ADDRESS not in query or scope["method"] not in ("GET", "HEAD"):
        return None
    parts = query.split(b"&")
    shown = [part for part in parts if part.startswith(_IN_ADDRESS)]
    scope["query_string"] = b"&".join(part for part in parts if part not in shown)
    return shown[0].removeprefix(_IN_ADDRESS) if len(shown) == 1 else b"" if shown else None


async def _refuse(refusal: Problem, said: Said, scope: Scope, receive: Receive, send: Send) -> None:
    """Lead a person to the login; tell a program what is wrong.

    Raises:
        Problem: the refusal.
    """
    if not _is_somebody_reading(scope, said):
        raise refusal
    await _to_login(scope)(scope, receive, send)


def _is_somebody_reading(scope: Scope, said: Said) -> bool:
    """Whether a person has typed this address into a browser, and can log in."""
    if scope["method"] != "GET" or said[b"authorization"]:
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _to_login(scope: Scope) -> Response:
    """Lead to the page that asks for a token; relative, so that it holds below a prefix too."""
    path = scope["path"].lstrip("/")
    up = "../" * path.count("/") or "./"
    following = f"?next={quote(path, safe='/')}" if path else ""
    return Response(status_code=303, headers={"location": f"{up}login{following}"})
