"""The relay: hands on to a server what a browser on this machine asks, and shows it the token.

Answers are handed on as they come: a stream of events stays one. Each request has a thread and a
connection of its own until it is answered. What may be asked at all is judged before (`front`).
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from offload.client.connections import CHUNK, Connections, NotReachedError
from offload.http.body import read_body
from offload.wire.problems import Problem

T = TypeVar("T")

HANDED_ON = frozenset({"v1", "start", "status", "result", "cancel", "pause", "resume", "readyz"})
"""What is asked of the server, by the first part of its path."""

AT_ONCE = 100
"""So many requests; streams of events are the long ones among them."""

LONGEST_SILENCE_SECONDS = 75.0
"""A stream has a sign of life each 15 seconds; an answer may be waited for for 60."""

_ASKED = frozenset(
    {"accept", "content-type", "idempotency-key", "if-none-match", "last-event-id", "prefer"}
)
_ANSWERED = frozenset(
    {
        "content-disposition",
        "content-length",
        "content-type",
        "date",
        "etag",
        "location",
        "preference-applied",
        "retry-after",
        "x-request-id",
    }
)


class Relay:
    """Hands requests on, as an ASGI application.

    Args:
        connections: lead to the server.
        token: what it wants to see; may be empty.

    Attributes:
        ended: set when nothing is to be answered any more; streams end then.
    """

    def __init__(self, connections: Connections, token: str) -> None:
        self.ended = asyncio.Event()
        self._connections = connections
        self._token = token
        self._threads = ThreadPoolExecutor(AT_ONCE, "offload relay")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and its answer back.

        Raises:
            OffloadError: it may not be asked, or the server does not answer.
        """
        request = Request(scope, receive)
        body = await read_body(request)
        leaving = asyncio.ensure_future(self._until_over(receive))
        try:
            connection = await self._thread(self._connect)
            line: socket.socket = connection.sock
            leaving.add_done_callback(lambda _: _cut(line))
            try:
                await self._exchange(connection, request, body, leaving, send)
            finally:
                _cut(line)
                connection.close()
        finally:
            leaving.cancel()

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _exchange(
        self,
        connection: HTTPConnection,
        request: Request,
        body: bytes,
        leaving: "asyncio.Future[None]",
        send: Send,
    ) -> None:
        path = self._connections.address.prefix + _target(request.scope)
        asked = (connection.request, request.method, path, body or None, self._headers(request))
        try:
            await self._thread(*asked)
            response: HTTPResponse = await self._thread(connection.getresponse)
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        await send(_start(response))
        async for part in self._parts(response, leaving):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})

    async def _parts(
        self, response: HTTPResponse, leaving: "asyncio.Future[None]"
    ) -> AsyncIterator[bytes]:
        """Yield what is answered, for as long as anybody reads it.

        Raises:
            ClientDisconnect: it broke off; the browser must not take what it has for the whole.
        """
        while not leaving.done():
            try:
                part = await self._thread(response.read1, CHUNK)
            except (OSError, HTTPException, ValueError) as error:
                if leaving.done():
                    return
                raise ClientDisconnect from error
            if not part:
                return
            yield part

    async def _until_over(self, receive: Receive) -> None:
        """Return when the browser has gone, or this relay is to end."""
        gone, ended = (
            asyncio.ensure_future(_gone(receive)),
            asyncio.ensure_future(self.ended.wait()),
        )
        try:
            await asyncio.wait((gone, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            ended.cancel()

    def _connect(self) -> HTTPConnection:
        try:
            connection = self._connections.connect()
        except NotReachedError as error:
            raise self._unreachable(error) from error
        connection.sock.settimeout(LONGEST_SILENCE_SECONDS)
        return connection

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {name: value for name, value in request.headers.items() if name in _ASKED}
        return headers | ({"authorization": f"Bearer {self._token}"} if self._token else {})

    def _unreachable(self, error: Exception) -> Problem:
        url = self._connections.address.url
        detail = f"the server at {url} does not answer ({error}); is it running?"
        return Problem("server-unreachable", detail)

    async def _thread(self, what: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, what, *args)


def _target(scope: Scope) -> str:
    query = scope["query_string"]
    target: bytes = scope["raw_path"] + (b"?" + query if query else b"")
    return target.decode("ascii")


def _start(response: HTTPResponse) -> dict[str, Any]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.getheaders()
        if name.lower() in _ANSWERED
    ]
    return {"type": "http.response.start", "status": response.status, "headers": headers}


def _cut(line: socket.socket) -> None:
    """End a connection, also under a thread that is reading from it."""
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
