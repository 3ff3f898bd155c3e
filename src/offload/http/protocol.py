"""uvicorn's HTTP/1.1 protocol, with bounds on what it buffers and answers of our own shape.

What uvicorn 0.54 with httptools does by itself, and what is changed here:

- a header without end is collected in memory for ever; refused here beyond 64 KiB;
- a request that cannot be parsed is answered in plain text without security headers, and a line is
  logged each time, as for an upgrade; answered here as a problem, and not logged;
- the authority of an absolute request target is dropped, so that the Host header would be believed
  beside it; it replaces the Host here (RFC 9112, 3.2.2);
- a target with raw UTF-8, which curl sends as it was typed, is refused; escaped here;
- a body that nobody wants any more is read and dropped without end; the connection ends here after
  16 MiB of it. It is not closed at once, or the client would see a reset in place of the answer.
"""

import logging
import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from offload.http.problems import MEDIA_TYPE, Problem, document
from offload.wire.body import MOST_DROPPED
from offload.wire.security import HEADERS, POLICY

LARGEST_HEAD = 64 << 10

_log = logging.getLogger("offload.http.connection")
_log.setLevel(logging.ERROR)  # what a client sends wrong is not worth a line

_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _log
        self.access_log = False  # uvicorn decides by handlers; a query string carries arguments
        self._head_bytes = 0
        self._is_in_head = True
        self._dropped = 0

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, as long as it is a head of bounded size."""
        if self._is_in_head:
            data = data if self._head_bytes else _escaped(data)
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > LARGEST_HEAD:
            self._refuse_head()

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
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hand the request on, with its target in the usual form."""
        self._is_in_head = False
        self._head_bytes = 0
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
        """Pass a part of the body on; count it where nobody waits for it any more."""
        if self.cycle.response_complete:
            self._dropped += len(body)
            if self._dropped > MOST_DROPPED:
                self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a message; what comes next is a head again."""
        self._is_in_head = True
        super().on_message_complete()

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
