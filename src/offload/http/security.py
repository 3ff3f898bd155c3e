"""What every request must pass before anything looks at it.

On every method and path, also those that do not exist:

1. The Host is ours. A page of another site can make its own name lead to this machine (DNS
   rebinding), but it cannot make a browser send our name.
2. The request line is of bounded length.
3. A method that may change something comes from our own pages or from no browser:
   `POST /start/x?a=1` is a request that any web page may send.
4. Where a token is set, it is shown.
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from offload.http.routing import Access, Route
from offload.wire.problems import Problem
from offload.wire.security import (
    LOCAL_NAMES,
    SAFE_METHODS,
    check_length,
    check_path,
    check_site,
)

_WATCHED = frozenset({b"host", b"origin", b"sec-fetch-site", b"authorization"})


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
        token: what clients must show; empty, and nobody must.
        routes: whose access decides where no token is needed.
    """

    def __init__(self, app: ASGIApp, names: Names, token: str, routes: Sequence[Route]) -> None:
        self._app = app
        self._names = names
        self._token = hashlib.sha256(token.encode()).digest() if token else None
        self._open = {route.path for route in routes if route.access is Access.EVERYBODY}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, then hand it on.

        Raises:
            Problem: it is refused.
        """
        if scope["type"] == "http":
            self.check(scope)
        await self._app(scope, receive, send)

    def check(self, scope: Scope) -> None:
        """Refuse what may not pass.

        Raises:
            Problem: malformed-request, wrong-host, request-line-too-long, cross-site, unauthorized.
        """
        said: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for name, value in scope["headers"]:
            if name in _WATCHED:
                said[name].append(value)
        own_origins = self._own_origins(said[b"host"])
        query = scope["query_string"]
        check_length(scope["method"], len(scope["raw_path"]) + len(query) + bool(query))
        check_path(scope["path"])
        if scope["method"] not in SAFE_METHODS:
            check_site(said[b"sec-fetch-site"], said[b"origin"], own_origins)
        if self._token is not None and scope["path"] not in self._open:
            _check_token(said[b"authorization"], self._token)

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


def _check_token(credentials: Sequence[bytes], digest: bytes) -> None:
    scheme, _, token = (credentials[0] if len(credentials) == 1 else b"").partition(b" ")
    shown = hashlib.sha256(token.strip()).digest()
    if scheme.lower() != b"bearer" or not hmac.compare_digest(shown, digest):
        raise Problem(
            "unauthorized",
            "show the server's token: `Authorization: Bearer …`",
            headers={"www-authenticate": 'Bearer realm="offload"'},
        )
