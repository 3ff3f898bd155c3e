"""The access log: one line for each request, and an id to find it by.

Query strings are not written: they carry arguments. Nothing is written unless the logger
`offload.access` lets INFO pass; then it is method, path, status, milliseconds, the request's id,
where it came from, and the name of the token that it showed; never the token.
"""

import logging
import re
import secrets
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offload.http.live import Live, put
from offload.http.origins import told
from offload.http.permits import visitor_of

log = logging.getLogger("offload.access")
log.setLevel(logging.WARNING)  # a line for each request is for those who ask for it

NAME = b"x-request-id"

_ID = re.compile(rb"[A-Za-z0-9._:-]{1,100}")


class Attended:
    """The outermost layer: gives each request its id, and writes down how it was answered.

    An id that the client sends, or a proxy, is kept, so that a request can be followed through.

    Args:
        app: what is inside.
        live: what the server holds, for the handlers.
    """

    def __init__(self, app: ASGIApp, live: Live) -> None:
        self._app = app
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        put(self._live, scope)
        answering = _Answering(send, scope, _id_of(scope))
        began = time.perf_counter()
        try:
            await self._app(scope, receive, answering)
        finally:
            if log.isEnabledFor(logging.INFO):
                _write(scope, answering, time.perf_counter() - began)


class _Answering:
    """Sends an answer under the request's id, with what pages of other sites are told."""

    def __init__(self, send: Send, scope: Scope, request_id: bytes) -> None:
        self.request_id = request_id
        self.status = 0
        self._send = send
        self._scope = scope

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            more = told(self._scope)
            message["headers"] = [*message["headers"], (NAME, self.request_id), *more]
        await self._send(message)


def _id_of(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == NAME and _ID.fullmatch(value):
            sent: bytes = value
            return sent
    return secrets.token_hex(8).encode()


def _write(scope: Scope, answering: _Answering, seconds: float) -> None:
    client: Any = scope.get("client")
    visitor = visitor_of(scope)
    log.info(
        "%s %s %s %.1f ms %s %s%s",
        scope["method"],
        scope["raw_path"].decode("ascii", "replace"),  # escaped, as it came: it is one line
        answering.status or "unanswered",
        seconds * 1000,
        answering.request_id.decode(),
        client[0] if client else "-",
        "" if visitor is None else f" {visitor.name!r}",
    )
