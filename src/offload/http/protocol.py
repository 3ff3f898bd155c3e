"""uvicorn's HTTP/1.1 protocol, bounded in what it buffers and in time, with answers of our shape.

What uvicorn 0.54 with httptools does by itself, and what is changed here:

- a header without end is collected in memory for ever; refused here beyond 64 KiB;
- a request that cannot be parsed is answered in plain text without security headers, and a line is
  logged each time, as for an upgrade; answered here as a problem, and not logged;
- the authority of an absolute request target is dropped, so that the Host header would be believed
  beside it; it replaces the Host here (RFC 9112, 3.2.2);
- a target with raw UTF-8, which curl sends as it was typed, is refused; escaped here;
- a body that nobody wants any more is read and dropped without end; the connection ends here after
  16 MiB of it. It is not closed at once, or the client would see a reset in place of the answer;
- only the pause between two requests is limited in time. Here a head, a body and the taking of an
  answer have deadlines, which no single byte puts off; and connections are counted, see `crowd`.
"""

import asyncio
import contextlib
import logging
import re
import socket
import struct
from enum import Enum, auto
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from offload.http.crowd import Crowd
from offload.http.problems import MEDIA_TYPE, Problem, document
from offload.wire.body import MOST_DROPPED
from offload.wire.security import HEADERS, POLICY

LARGEST_HEAD = 64 << 10

_log = logging.getLogger("offload.http.connection")
_log.setLevel(logging.ERROR)  # what a client sends wrong is not worth a line

_AT_ONCE = struct.pack("ii", 1, 0)  # linger no second

_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class _Part(Enum):
    """What is coming in."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


def protocol_of(crowd: Crowd) -> type["BoundedProtocol"]:
    """Return the protocol for the connections of one server."""
    return type("CountedProtocol", (BoundedProtocol,), {"crowd": crowd})


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    Attributes:
        crowd: all connections of the server.
    """

    crowd: ClassVar[Crowd]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _log
        self.access_log = False  # uvicorn decides by handlers; a query string carries arguments
        self._head_bytes = 0
        self._is_in_head = True
        self._dropped = 0
        self._is_counted = False
        self._part = _Part.HEAD
        self._timed: _Part | None = None
        self._timed_since = 0.0
        self._received = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None

    # --- time and place

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, if there is one; from now on the first head is awaited."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._is_counted = self.crowd.enter(self)
        if not self._is_counted:
            self._refuse("too-many-connections", "all are in use; try again soon")
            return
        self._keep_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        for timer in (self._deadline, self._write_deadline):
            if timer is not None:
                timer.cancel()
        if self._is_counted:
            self._is_counted = False
            self.crowd.leave(self)
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Close at once, and let the kernel keep nothing for the client either."""
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def pause_writing(self) -> None:
        """The client takes less than is sent: it has some seconds to take some of it."""
        super().pause_writing()
        self._write_deadline = self.loop.call_later(self.crowd.limits.write, self._drop)

    def resume_writing(self) -> None:
        """It has."""
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _drop(self) -> None:
        self.crowd.gone += 1
        self.give_way()

    def _keep_time(self) -> None:
        """See to it that what is coming in has a deadline; what is all here needs none."""
        if self._part is self._timed:
            return
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._timed = self._part
        self._timed_since = self.loop.time()
        if self._part is not _Part.NOTHING:
            limits = self.crowd.limits
            seconds = limits.head if self._part is _Part.HEAD else limits.body
            self._deadline = self.loop.call_later(seconds, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        """Refuse what takes too long, unless it is we who do not read."""
        self._deadline = None
        if self.transport.is_closing():
            return
        seconds = self._seconds_left()
        if seconds > 0:
            self._deadline = self.loop.call_later(seconds, self._look_at_the_clock)
        else:
            self.crowd.gone += 1
            self._refuse_slow()

    def _seconds_left(self) -> float:
        limits = self.crowd.limits
        if self.flow.read_paused:
            return limits.head
        if self._part is _Part.HEAD:
            return 0.0
        allowed = max(limits.body, self._received / limits.rate)
        return allowed - (self.loop.time() - self._timed_since)

    def _refuse_slow(self) -> None:
        cycle: Any = self.cycle
        is_body = self._part is _Part.BODY
        says_nothing = self.headers is None
        if says_nothing or (is_body and (cycle.response_started or self.pipeline)):
            self.transport.abort()
            return
        self._refuse("too-slow", "the request takes too long to come in")
        if is_body:  # whoever waits for the rest of it is told that nothing comes
            cycle.disconnected = True
            cycle.message_event.set()

    # --- what comes in

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, as long as it is a head of bounded size."""
        if self._is_in_head:
            data = data if self._head_bytes else _escaped(data)
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > LARGEST_HEAD:
            self._refuse_head()
        self._keep_time()

    def _refuse_head(self) -> None:
        if self.transport.is_closing():
            return
        if self.headers:
            self._refuse("header-too-large", f"a header may have {LARGEST_HEAD:,} bytes")
        else:
            self._refuse("request-line-too-long", "the request line does not end")

    def on_message_begin(self) -> None:
        """Begin to collect a head."""
        self._dropped = 0
        self._part, self._timed = _Part.HEAD, None
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hand the request on, with its target in the usual form."""
        self._is_in_head = False
        self._head_bytes = 0
        self._part = _Part.BODY
        self._received = 0
        target = None if self.url.startswith(b"/") else _ABSOLUTE.match(self.url)
        if target is not None:
            self._believe(target[1])
            rest = self.url[target.end() :]
            self.url = rest if rest.startswith(b"/") else b"/" + rest
        super().on_headers_complete()

    def _believe(self, authority: bytes) -> None:
        """Put the target's authority in place of the Host; two Hosts stay, and are refused."""
        others = [pair for pair in self.headers if pair[0] != b"host"]
        if len(self.headers) == len(others) + 1:
            self.headers[:] = [*others, (b"host", authority)]

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on; count it, also where nobody waits for it any more."""
        self._received += len(body)
        if self.cycle.response_complete:
            self._dropped += len(body)
            if self._dropped > MOST_DROPPED:
                self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a message; what comes next is a head again."""
        self._is_in_head = True
        self._part = _Part.NOTHING
        if not self.cycle.response_complete and self._is_counted:
            self.crowd.asks(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what was asked meanwhile, or wait for more."""
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last and self._is_counted:
            self.crowd.falls_silent(self)

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed."""
        self._refuse("malformed-request", "this is not an HTTP/1.1 request")

    def _refuse(self, kind: str, detail: str) -> None:
        """Answer what is no request, and close; a request before it is answered first, alone."""
        cycle: Any = self.cycle
        if cycle is not None and not (cycle.response_complete or cycle.more_body):
            cycle.keep_alive = False
            self.flow.pause_reading()
            return
        body, status = document(Problem(kind, detail), "")
        headers = [
            *self.server_state.default_headers,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *HEADERS,
            POLICY,
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[status], lines, body))
        self.transport.close()


def _escaped(head: bytes) -> bytes:
    """Escape what is not ASCII in the first line."""
    line, end, rest = head.partition(b"\n")
    if line.isascii():
        return head
    return _NOT_ASCII.sub(lambda byte: b"%%%02X" % ord(byte[0]), line) + end + rest
