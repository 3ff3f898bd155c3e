"""A stream of what happens, read as server-sent events, and gone on with after every break.

The server gives an id with each event and takes the last one back; so nothing is missed and nothing
comes twice, whatever happened to the connection. It sends something every 15 seconds; one that has
sent nothing for much longer is gone.
"""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from offload.client.asking import Asking, Failed
from offload.client.connections import Answer, NotReachedError, Request, seconds_of
from offload.client.repeating import Pauses
from offload.errors import OffloadError, StoreUnavailable, Undecodable
from offload.values import decode

SILENCE_SECONDS = 40.0
"""The server beats every 15 s."""

LONGEST_LINE = 1 << 24

Told = Mapping[str, Any]
"""An event, progress, or a reset, as JSON has it."""


class Following:
    """What a stream tells, one by one. For one thread; `close` may be called on another.

    Args:
        asking: the server.
        path: of the stream, with its query.
        after: the id of the last event that is known; None is now.

    Attributes:
        last_id: the id of the last event that was given, to go on from in another program.
        is_connected: somebody listens just now.
    """

    def __init__(self, asking: Asking, path: str, after: int | None) -> None:
        self.last_id = after
        self.is_connected = False
        self._asking = asking
        self._path = path
        self._is_over = False
        self._closed = threading.Event()
        self._connection: http.client.HTTPConnection | None = None

    def __iter__(self) -> Iterator[Told]:
        """Yield what is told, until the server says that nothing more will come.

        Raises:
            StoreUnavailable: the server was away for longer than the patience.
            OffloadError: what it refuses.
        """
        for told in self.parts():
            if told is not None:
                yield told

    def parts(self) -> Iterator[Told | None]:
        """The same, and None for each sign of life in between, the first when it is connected."""
        pauses = Pauses(self._asking.patience, time.monotonic)
        while not self._closed.is_set():
            refusal: OffloadError
            wanted: float | None = None
            try:
                for told in self._connected():
                    pauses = Pauses(self._asking.patience, time.monotonic)
                    yield told
                if self._is_over:
                    return
                refusal = StoreUnavailable(f"the stream of {self._asking.url} has ended")
            except _RefusedError as error:
                if not error.passes:
                    raise error.error from None
                refusal, wanted = error.error, error.after
            except NotReachedError as error:
                refusal = self._asking.unreachable(error.__cause__)
            except (OSError, http.client.HTTPException, ValueError) as error:
                refusal = StoreUnavailable(f"the stream of {self._asking.url} broke off: {error}")
            finally:
                self._hang_up()
            pause = pauses.next(wanted)
            if pause is None:
                raise refusal
            self._closed.wait(pause)

    def close(self) -> None:
        """End it; whoever goes through it sees the end at once."""
        self._closed.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> Iterator[Told | None]:
        self._is_over = False
        headers = {"Accept": "text/event-stream"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = str(self.last_id)
        sent = self._asking.signed(Request("GET", self._path))
        sent = replace(sent, headers={**sent.headers, **headers})
        connection = self._connection = self._asking.connections.connect()
        assert connection.sock is not None
        connection.sock.settimeout(SILENCE_SECONDS)
        prefix = self._asking.connections.address.prefix
        connection.request("GET", prefix + sent.path, None, dict(sent.headers))
        with connection.getresponse() as response:
            self._check(response)
            if not self._is_over:
                self.is_connected = True
                yield from self._read(response)

    def _check(self, response: http.client.HTTPResponse) -> None:
        """See that it is a stream.

        Raises:
            _RefusedError: it is none.
        """
        kind = response.headers.get_content_type()
        if response.status == 204:
            self._is_over = True
        elif response.status != 200 or kind != "text/event-stream":
            after = seconds_of(response.headers.get("Retry-After"))
            answer = Answer(response.status, kind, response.read(), after)
            raise _RefusedError(self._asking, answer)

    def _read(self, response: http.client.HTTPResponse) -> Iterator[Told | None]:
        """Read the stream's fields, up to the empty line that ends each event."""
        data: list[bytes] = []
        last_id = self.last_id
        while line := response.readline(LONGEST_LINE):
            if self._closed.is_set():
                return
            if not line.endswith(b"\n"):
                return  # cut off: it comes again
            name, _, value = line.rstrip(b"\r\n").partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                data.append(value)
            elif name == b"id" and value.isdigit():
                last_id = int(value)
            elif line.strip() == b"":
                told = _told(b"\n".join(data)) if data else None
                self.last_id, data = last_id, []
                yield told
            elif name == b"":
                yield None

    def _hang_up(self) -> None:
        self.is_connected = False
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _told(data: bytes) -> Told:
    try:
        told = decode(data)
    except Undecodable as error:
        raise ValueError(str(error)) from error
    if not isinstance(told, dict):
        raise ValueError(f"{data[:80]!r} is no event")
    return told


class _RefusedError(Exception):
    """The server gives no stream."""

    def __init__(self, asking: Asking, answer: Answer) -> None:
        super().__init__(answer.status)
        failed = asking.understood(answer, is_repeatable=True)
        self.error: OffloadError = StoreUnavailable(
            f"{asking.url} answered {answer.status}, {answer.media_type} in place of a stream"
        )
        self.passes = answer.status == 429
        self.after = answer.retry_after
        if isinstance(failed, Failed):
            self.error, self.passes = failed.error, self.passes or failed.again
