"""A few connections to one server, each kept between requests, for as many threads as there are.

A request has a limit of time as a whole, so that an answer that trickles in holds up nobody.
Proxies that the environment names are not used. A certificate is checked as Python's `ssl` does.
"""

import http.client
import ssl
import threading
import time
from collections.abc import Mapping

from msgspec import Struct

from offload.client.address import Address

MOST_IDLE = 8
"""So many connections are kept that nobody uses."""

IDLE_SECONDS = 4.0
"""So long one is kept; a server closes it after five."""

CHUNK = 1 << 16


class Request(Struct, frozen=True):
    """What is sent.

    Attributes:
        path: with its query, below the server's address.
        seconds: for which the server is asked to wait before it answers.
        is_repeatable: to do it twice is the same as to do it once.
    """

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}
    seconds: float = 0.0
    is_repeatable: bool = False


class Answer(Struct, frozen=True):
    """What a server answered; `retry_after`: seconds after which it wants to be asked again."""

    status: int
    media_type: str
    body: bytes
    retry_after: float | None = None


class NotReachedError(Exception):
    """There is no connection: nothing was sent."""


class BrokenOffError(Exception):
    """The request was sent, perhaps, and the answer did not come, or not whole.

    Attributes:
        was_kept: the connection was kept from before; the server may just have closed it.
    """

    def __init__(self, cause: Exception, *, was_kept: bool) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.was_kept = was_kept


class Connections:
    """Exchanges requests for answers. For any number of threads.

    Args:
        address: the server's.
        timeout: seconds within which it must have answered, beside those it is asked to wait.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        self.timeout = timeout
        self._idle: list[tuple[http.client.HTTPConnection, float]] = []
        self._lock = threading.Lock()
        self._times_forgotten = 0
        self._trust: ssl.SSLContext | None = None

    def exchange(self, request: Request) -> Answer:
        """Send a request and read the answer.

        Raises:
            NotReachedError: there is no connection.
            BrokenOffError: it is not known what became of the request.
        """
        # What must not be done twice never goes over a connection that may be closed by now.
        times_forgotten = self._times_forgotten
        kept = self._kept() if request.is_repeatable else None
        connection = kept or self.connect()
        try:
            answer, is_open = self._talk(connection, request)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise BrokenOffError(error, was_kept=kept is not None) from error
        except BaseException:
            connection.close()
            raise
        if not is_open or not self._keep(connection, times_forgotten):
            connection.close()
        return answer

    def connect(self) -> http.client.HTTPConnection:
        """Return a new connection.

        Raises:
            NotReachedError: there is nobody.
        """
        address = self.address
        connection: http.client.HTTPConnection
        if address.is_safe:
            self._trust = self._trust or ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                address.host, address.port, timeout=self.timeout, context=self._trust
            )
        else:
            connection = http.client.HTTPConnection(
                address.host, address.port, timeout=self.timeout
            )
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NotReachedError(str(error)) from error
        return connection

    def _talk(
        self, connection: http.client.HTTPConnection, request: Request
    ) -> tuple[Answer, bool]:
        """Return the answer, and whether the connection can be used again."""
        give_up_at = time.monotonic() + self.timeout + request.seconds
        socket = connection.sock
        socket.settimeout(self.timeout + request.seconds)
        path = self.address.prefix + request.path
        connection.request(request.method, path, request.body, dict(request.headers))
        with connection.getresponse() as response:
            expected, parts, count = response.length, [], 0
            while expected is None or count < expected:
                socket.settimeout(_left(give_up_at))
                part = response.read1(CHUNK)
                if not part:
                    break
                parts.append(part)
                count += len(part)
            if expected is not None and count < expected:
                raise http.client.IncompleteRead(b"", expected - count)
            answer = Answer(
                response.status,
                response.headers.get_content_type(),
                b"".join(parts),
                seconds_of(response.headers.get("Retry-After")),
            )
            return answer, not response.will_close

    def _kept(self) -> http.client.HTTPConnection | None:
        with self._lock:
            while self._idle:
                connection, since = self._idle.pop()
                if time.monotonic() - since < IDLE_SECONDS:
                    return connection
                connection.close()
        return None

    def _keep(self, connection: http.client.HTTPConnection, times_forgotten: int) -> bool:
        """Keep a connection, unless all were let go of since it was taken."""
        with self._lock:
            has_room = len(self._idle) < MOST_IDLE and times_forgotten == self._times_forgotten
            if has_room:
                self._idle.append((connection, time.monotonic()))
            return has_room

    def forget(self) -> None:
        """Close what nobody uses just now."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._times_forgotten += 1
        for connection, _ in idle:
            connection.close()

    def abandon(self) -> None:
        """In a forked child: let go of what is the parent's; nothing is said on it."""
        for connection, _ in self._idle:
            connection.close()


def seconds_of(retry_after: str | None) -> float | None:
    """Read `Retry-After` in seconds; a date, which no server of ours sends, is passed over."""
    if retry_after is None or not retry_after.isascii() or not retry_after.isdigit():
        return None
    return float(retry_after[:9])


def _left(give_up_at: float) -> float:
    left = give_up_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the answer did not come whole in time")
    return left
