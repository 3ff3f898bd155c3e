"""One idea: threads that make blocking calls for a loop and are used again.

There are as many as there are calls at once. A thread that has had nothing to do for a while ends;
one whose call never ends is a daemon: it keeps no process alive.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from offload.worker.polling.answer import Answer, Raised, Returned

IDLE_SECONDS = 5.0

_Call = tuple[Callable[[], Any], "asyncio.Future[Answer]"]


class SpareThreads:
    """Makes each call at once, in a thread that has nothing to do or in a new one.

    Args:
        loop: where answers are delivered, and where `call` and `close` are called.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = threading.Condition()
        self._calls: deque[_Call] = deque()
        self._idle = 0
        self._is_closed = False

    def call(self, function: Callable[[], Any]) -> "asyncio.Future[Answer]":
        """Call it; the future never fails: what the function raises is an answer too."""
        ended: asyncio.Future[Answer] = self._loop.create_future()
        with self._changed:
            self._calls.append((function, ended))
            if self._idle >= len(self._calls):
                self._changed.notify()
                return ended
        threading.Thread(target=self._serve, name="offload boxes", daemon=True).start()
        return ended

    def close(self) -> None:
        """Let threads end that wait; one that is at a call is left to the end of the process."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _serve(self) -> None:
        while (call := self._next()) is not None:
            function, ended = call
            answer = _answer(function)
            with suppress(RuntimeError):  # the loop is closed: nobody waits for it any more
                self._loop.call_soon_threadsafe(_settle, ended, answer)
            del call, function, ended, answer

    def _next(self) -> _Call | None:
        with self._changed:
            if not self._calls and not self._is_closed:
                self._idle += 1
                self._changed.wait(IDLE_SECONDS)
                self._idle -= 1
            return self._calls.popleft() if self._calls else None


def _answer(function: Callable[[], Any]) -> Answer:
    try:
        return Returned(function())
    except BaseException as error:
        return Raised(error)


def _settle(ended: "asyncio.Future[Answer]", answer: Answer) -> None:
    if not ended.done():
        ended.set_result(answer)
