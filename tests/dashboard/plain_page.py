"""Pages of other people, in which a job is shown; served as they would be."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Page, Route

from offload.dashboard.element import PATH, element

STRICT = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""A policy under which nothing works that is not clean."""


def html(*bodies: str, script: str = PATH) -> str:
    """Return a page with these pieces."""
    head = '<!doctype html><html lang="en"><head><title>mine</title>'
    more = f'<script src="{script}" defer></script></head>'
    return f"{head}{more}<body><main><h1>Mine</h1>{''.join(bodies)}</main></body></html>"


def place(page: Page, address: str, text: str, policy: str = STRICT) -> str:
    """Put a page beside a server's own, as a proxy would; returns where."""

    def give(route: Route) -> None:
        headers = {"content-security-policy": policy}
        route.fulfill(body=text, content_type="text/html; charset=utf-8", headers=headers)

    page.route(f"{address}/mine", give)
    return f"{address}/mine"


@contextmanager
def elsewhere() -> Iterator[tuple[str, dict[str, str]]]:
    """Serve pages at an origin of their own; gives it, and what stands at which path."""
    pages: dict[str, str] = {}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == PATH:
                self._give(element().body, element().media_type)
            elif self.path in pages:
                self._give(pages[self.path].encode(), "text/html; charset=utf-8")
            else:
                self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _give(self, body: bytes, media_type: str) -> None:
            self.send_response(200)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pages
    finally:
        server.shutdown()
        server.server_close()
