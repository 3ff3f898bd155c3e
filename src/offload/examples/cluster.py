"""A remote service to try offload with: it takes orders over HTTP, works on them and keeps books.

    POST /runs?seconds=9   begins a run, every time anew: 202 and {"run": 1}
    GET  /runs/1           {"passed": 3.2, "seconds": 9.0}

Nothing is computed: the clock does the work, so a run goes on whatever becomes of who began it.
"""

import json
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


class Books:
    """What was ordered, and what was asked.

    Attributes:
        orders: of each run when it was begun and how many seconds it takes.
        looks: how often somebody has asked how a run is.
    """

    def __init__(self) -> None:
        self.orders: list[tuple[float, float]] = []
        self.looks = 0
        self._writing = threading.Lock()

    def order(self, seconds: float) -> int:
        """Begin a run; returns its number, from 1."""
        with self._writing:
            self.orders.append((time.monotonic(), seconds))
            return len(self.orders)

    def look(self, run: int) -> dict[str, float]:
        """Return how many seconds of a run have passed, and how many it takes.

        Raises:
            LookupError: there is no such run.
        """
        if not 1 <= run <= len(self.orders):
            raise LookupError(f"there is no run {run}")
        with self._writing:
            self.looks += 1
            began_at, seconds = self.orders[run - 1]
        return {"passed": round(min(time.monotonic() - began_at, seconds), 1), "seconds": seconds}


class Cluster:
    """The service, on a free port of this machine, while a `with` block lasts.

    Attributes:
        books: what was ordered and asked.
    """

    def __init__(self) -> None:
        self.books = Books()
        self._server = _Server(self.books)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingTCPServer):
    # HTTPServer would look up a name for this machine, which may take long where there is none.
    daemon_threads = True

    def __init__(self, books: Books) -> None:
        super().__init__(("127.0.0.1", 0), lambda *call: _Request(books, *call))


class _Request(BaseHTTPRequestHandler):
    def __init__(self, books: Books, *call: Any) -> None:
        self._books = books
        super().__init__(*call)

    def do_POST(self) -> None:
        """Begin a run."""
        asked = urlsplit(self.path)
        try:
            seconds = float(parse_qs(asked.query)["seconds"][0])
        except (KeyError, ValueError):
            self.send_error(HTTPStatus.BAD_REQUEST, "say how long it takes: /runs?seconds=9")
            return
        self._answer(HTTPStatus.ACCEPTED, {"run": self._books.order(seconds)})

    def do_GET(self) -> None:
        """Say how a run is."""
        try:
            found = self._books.look(int(self.path.removeprefix("/runs/")))
        except (LookupError, ValueError) as error:
            self.send_error(HTTPStatus.NOT_FOUND, str(error))
            return
        self._answer(HTTPStatus.OK, found)

    def _answer(self, status: HTTPStatus, found: dict[str, Any]) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no log."""
