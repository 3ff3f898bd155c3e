"""Asking: a request is sent as often as it takes, and the value that was answered is given back."""

import threading
import time
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from offload.client.address import address_of
from offload.client.connections import (
    Answer,
    BrokenOffError,
    Connections,
    NotReachedError,
    Request,
)
from offload.client.refusals import error_of, kind_of
from offload.client.repeating import Pauses, is_worth_repeating
from offload.errors import ConfigError, OffloadError, StoreUnavailable, StoreUncertain, Undecodable
from offload.values import decode

TIMEOUT_SECONDS = 10.0
"""How long the server may take to answer, beyond the time that it is asked to wait."""

PATIENCE_SECONDS = 30.0
"""So long a server that was there is asked again; to start it anew takes less."""


class Failed(Struct, frozen=True):
    """A try that has brought no value.

    Attributes:
        error: what is raised unless there is another try.
        again: there may be another.
        after: seconds after which the server wants to be asked again.
    """

    error: OffloadError
    again: bool = False
    after: float | None = None


class Asking:
    """Asks one server. For any number of threads.

    Args:
        url: the server's address, `http://127.0.0.1:8080`; a path before the routes may follow.
        token: what the server wants to see, if it wants one.
        timeout: seconds within which the server must answer.
        patience: seconds for which one that does not answer is asked again, where that is safe.

    Raises:
        ConfigError: this is no address, or no token.
    """

    def __init__(self, url: str, token: str, timeout: float, patience: float) -> None:
        if not token.isascii() or not token.isprintable():
            raise ConfigError("the token has characters that no token has; was it copied whole?")
        self.connections = Connections(address_of(url), timeout)
        self.url = url
        self.patience = patience
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._was_answered = False
        self._closed = threading.Event()

    def ask(self, request: Request) -> Any:
        """Send a request and return the value that the server answers.

        Raises:
            StoreUnavailable: it does not answer; nothing was changed, or to ask again is safe.
            StoreUncertain: it was asked for a change and never said what became of it.
            OffloadError: what it refused.
        """
        pauses, closed = Pauses(self.patience, time.monotonic), self._closed
        request = self.signed(request)
        while True:
            found = self._try(request)
            if not isinstance(found, Failed):
                return found
            pause = pauses.next(found.after) if found.again else None
            if pause is None or closed.wait(pause):
                raise found.error

    def signed(self, request: Request) -> Request:
        """Return a request with the headers that every one has."""
        headers = {"Accept": "application/json", **self._headers, **request.headers}
        if request.body:
            headers["Content-Type"] = "application/json"
        return replace(request, headers=headers)

    def close(self) -> None:
        """Let go of the connections; whoever is asking again gives up. Later verbs begin anew."""
        closed, self._closed = self._closed, threading.Event()
        closed.set()
        self.connections.forget()

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone."""
        self.connections.abandon()

    # --- one try

    def _try(self, request: Request) -> Any:
        """Return the value, or why there is none."""
        try:
            answer = self._exchanged(request)
        except NotReachedError as error:
            # Who has never seen the server has the wrong address, or has not started it.
            return Failed(self.unreachable(error.__cause__), again=self._was_answered)
        except BrokenOffError as error:
            return Failed(self._lost(error.cause, request), again=request.is_repeatable)
        self._was_answered = True
        return self.understood(answer, is_repeatable=request.is_repeatable)

    def _exchanged(self, request: Request) -> Answer:
        try:
            return self.connections.exchange(request)
        except BrokenOffError as error:
            if not error.was_kept:
                raise
        self.connections.forget()  # the server has closed them, as it does with idle ones
        return self.connections.exchange(request)

    def understood(self, answer: Answer, *, is_repeatable: bool) -> Any:
        """Return the value of an answer, or why there is none."""
        if answer.status == 204:
            return None
        if not answer.media_type.endswith("json") or 300 <= answer.status < 400:
            again = is_worth_repeating(answer, "", is_repeatable=is_repeatable)
            return Failed(self._stranger(answer), again, answer.retry_after)
        try:
            value = decode(answer.body)
        except Undecodable as error:
            return Failed(StoreUnavailable(f"the answer of {self.url} cannot be read: {error}"))
        if answer.status < 400:
            return value
        problem = value if isinstance(value, dict) else {}
        again = is_worth_repeating(answer, kind_of(problem), is_repeatable=is_repeatable)
        return Failed(error_of(problem, answer.retry_after), again, answer.retry_after)

    # --- what is said of it

    def _stranger(self, answer: Answer) -> OffloadError:
        if answer.status >= 500:
            return StoreUnavailable(
                f"what stands before the server at {self.url} answered {answer.status}: the server "
                "itself cannot be reached just now; try again, or look whether it runs"
            )
        return ConfigError(
            f"what answers at {self.url} is no offload server (it answered "
            f"{answer.status}, {answer.media_type}); mend the address"
        )

    def unreachable(self, error: BaseException | None) -> StoreUnavailable:
        """Say that there is no connection."""
        if isinstance(error, ConnectionRefusedError):
            return StoreUnavailable(
                f"no server answers at {self.url}; start one with `offload serve`, or name another "
                "address (--server, OFFLOAD_SERVER)"
            )
        return StoreUnavailable(f"the server at {self.url} cannot be reached: {error}")

    def _lost(self, error: Exception, request: Request) -> OffloadError:
        if not request.is_repeatable:
            return StoreUncertain(
                f"the server at {self.url} was asked to {request.method} {request.path}, and did "
                f"not say what became of it ({_named(error)}); look at it before you ask again"
            )
        if isinstance(error, TimeoutError):
            seconds = self.connections.timeout + request.seconds
            return StoreUnavailable(
                f"the server at {self.url} did not answer within {seconds:g} s; try again"
            )
        return StoreUnavailable(
            f"the server at {self.url} cannot be reached: {_named(error)}; look whether it runs, "
            "and try again"
        )


def _named(error: Exception) -> str:
    return str(error) or type(error).__name__
