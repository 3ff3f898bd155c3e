"""The outermost layer: every error becomes a problem, every answer gets its headers."""

import asyncio
from urllib.parse import quote

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offload.errors import Draining, OffloadError
from offload.http import problems
from offload.http.door import Door
from offload.wire.security import HEADERS, POLICY


class Boundary:
    """Stands between the server and the routes.

    Args:
        app: what is inside.
        door: tells whether the server stops.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever happens."""
        if scope["type"] == "http":
            await self._answer(scope, receive, Sender(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: "Sender") -> None:
        try:
            await self._app(scope, receive, send)
        except OffloadError as error:
            await _refuse(error, scope, receive, send)
        except ClientDisconnect:
            return
        except Exception as error:
            problems.log.exception("%s %s failed", scope["method"], scope["path"])
            await _refuse(_failure(error), scope, receive, send)
        except asyncio.CancelledError:
            # The time for a graceful stop is over, and the server ends what is still being asked.
            if not self._door.draining:
                raise
            await _refuse(Draining("the server stops"), scope, receive, send)


class Sender:
    """Sends an answer with what every answer carries."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        if not self.started:
            self.started = True
            headers = message["headers"]
            own = {name for name, _ in headers}
            usual = (each for each in (*HEADERS, POLICY) if each[0] not in own)
            message["headers"] = [*headers, *usual]
        await self._send(message)


async def _refuse(error: OffloadError, scope: Scope, receive: Receive, send: Sender) -> None:
    """Answer with the problem, unless another answer is under way already."""
    if send.started:
        raise error
    await problems.answer(error, quote(scope["path"]))(scope, receive, send)


def _failure(error: Exception) -> OffloadError:
    failure = problems.Problem("internal-error", "")
    failure.__cause__ = error
    return failure
