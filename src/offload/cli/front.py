"""The front of a server elsewhere: its dashboard, at an address of this machine.

The browser never has the server's token, so whoever reaches this front may do what the token
opens. It listens to this machine only, answers to this machine's names only, and refuses what
pages of other sites ask, as a server itself does.
"""

import contextlib
import re
import socket
from collections.abc import Iterator
from urllib.parse import quote

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from offload.cli.relay import HANDED_ON, Relay
from offload.dashboard import POLICY, Asset, dashboard
from offload.dashboard.element import HEADERS, PATH, element
from offload.errors import OffloadError
from offload.http import problems
from offload.http.boundary import Sender
from offload.http.page import FOR_GOOD
from offload.http.problems import Problem
from offload.http.security import Names
from offload.wire.security import SAFE_METHODS, check_length, check_path, check_site

_STEP = re.compile(rb"(?i)(?:^|/)(?:\.|%2e){1,2}(?:/|$)")
"""A step upwards, by which a path could leave what was named as the server."""


class Front:
    """The dashboard's own files, and behind them the server.

    Args:
        relay: hands on what is asked of the server.
        names: the names under which this front may be addressed.
    """

    def __init__(self, relay: Relay, names: Names) -> None:
        self._relay = relay
        self._names = names
        self._files: dict[str, tuple[Asset, dict[str, str]]] = {
            "/": (dashboard().page, {"content-security-policy": POLICY}),
            PATH: (element(), HEADERS),
        }
        for path, asset in dashboard().files():
            self._files[path] = (asset, {"cache-control": FOR_GOOD})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever happens."""
        sender = Sender(send)
        try:
            check(self._names, scope)
            await self._answer(scope)(scope, receive, sender)
        except ClientDisconnect:
            return
        except OffloadError as error:
            if not sender.started:
                await problems.answer(error, quote(scope["path"]))(scope, receive, sender)

    def _answer(self, scope: Scope) -> ASGIApp:
        """Return what answers a request.

        Raises:
            Problem: not-found.
        """
        if scope["method"] in SAFE_METHODS and scope["path"] in self._files:
            return _file(Request(scope), *self._files[scope["path"]])
        if scope["path"].split("/")[1] in HANDED_ON:
            return self._relay
        raise Problem("not-found", "there is nothing at this address; `/` is the dashboard")


def check(names: Names, scope: Scope) -> None:
    """Refuse what may not be asked, as a server does.

    Raises:
        Problem: malformed-request, wrong-host, request-line-too-long, cross-site.
    """
    said: dict[bytes, list[bytes]] = {b"host": [], b"sec-fetch-site": [], b"origin": []}
    for name, value in scope["headers"]:
        if name in said:
            said[name].append(value)
    own = names.origins.get(b",".join(said[b"host"]).lower())
    if own is None:
        raise Problem("wrong-host", "this dashboard answers to localhost and 127.0.0.1 only")
    check_length(scope["method"], len(scope["raw_path"]) + len(scope["query_string"]) + 1)
    check_path(scope["path"])
    if _STEP.search(scope["raw_path"]):
        raise Problem("malformed-request", "the path has a step upwards")
    if scope["method"] not in SAFE_METHODS:
        check_site(said[b"sec-fetch-site"], said[b"origin"], own)


def _file(request: Request, found: Asset, more: dict[str, str]) -> Response:
    """Send a file, or 304 where the browser has it."""
    headers = {"etag": found.tag, **more}
    if found.tag in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    return Response(found.body, 200, headers, found.media_type)


class Server(uvicorn.Server):
    """uvicorn without its signal handlers; its streams end before it waits for them.

    Args:
        front: what answers.
        relay: ends the streams.
        listener: the socket that it listens with.
    """

    def __init__(self, front: Front, relay: Relay, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                front,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,  # query strings carry arguments
                proxy_headers=False,
                server_header=False,
                date_header=False,  # the server's own is handed on: the dashboard goes by it
                timeout_graceful_shutdown=2,
            )
        )
        self._relay = relay
        self._listener = listener

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the process."""
        yield

    async def run_to_end(self) -> None:
        """Serve until `stop`."""
        await self.serve(sockets=[self._listener])
        self._relay.close()

    def stop(self) -> None:
        """Tell it to stop; on its loop."""
        self._relay.ended.set()
        self.should_exit = True
