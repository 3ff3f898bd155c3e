"""Bytes on the wire that no client library would send: never a 5xx, never a hang, never a start."""

import socket
from collections.abc import Callable

import pytest

from tests.http.conftest import Open
from tests.http.site import Site

Bytes = Callable[[str], bytes]


def _request(line: str, *headers: str, host: str = "Host: {host}", body: bytes = b"") -> Bytes:
    """A request that ends its connection; `{host}` stands for the server's own."""

    def of(name: str) -> bytes:
        lines = [line, host.format(host=name), "Connection: close", *headers]
        head = "\r\n".join(each for each in lines if each)
        return head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body

    return of


def _get(target: str, *headers: str, host: str = "Host: {host}") -> Bytes:
    return _request(f"GET {target} HTTP/1.1", *headers, host=host)


def _start(*headers: str, body: bytes = b"") -> Bytes:
    return _request("POST /start/add HTTP/1.1", _JSON, *headers, body=body)


def _exactly(sent: bytes) -> Bytes:
    return lambda host: sent


def _chunked(size: int) -> bytes:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    return chunk * (size // 65536) + b"0\r\n\r\n"


_JSON = "Content-Type: application/json"
_CHUNKS = "Transfer-Encoding: chunked"
_TWO_MIB = 2 << 20
_BODY = b'{"a": 1}'

PROBES: dict[str, tuple[int, Bytes]] = {
    # ids
    "a raw space in an id": (400, _get("/status?id= 7")),
    "an escaped space in an id": (422, _get("/status?id=%207")),
    "an Arabic digit": (422, _get("/status?id=\u0667")),
    "an underscore": (422, _get("/status?id=1_0")),
    "5,000 digits": (422, _get(f"/status?id={'9' * 5000}")),
    "the same parameter twice": (400, _get("/status?id=1&id=2")),
    "invalid UTF-8, escaped": (400, _get("/status?id=%ff")),
    "invalid UTF-8, raw": (400, _get("/status?id=\udcff")),
    # whom it is addressed to
    "HTTP/1.0 without Host": (400, _request("GET /healthz HTTP/1.0", host="")),
    "HTTP/1.0 with Host": (200, _request("GET /healthz HTTP/1.0")),
    "no Host": (400, _get("/healthz", host="")),
    "two Hosts": (400, _get("/healthz", "Host: localhost")),
    "two foreign Hosts": (400, _get("/healthz", "Host: a", host="Host: b")),
    "a foreign target": (421, _get("http://evil.example/healthz")),
    "a foreign target that starts": (421, _request("POST http://evil.example/start/add HTTP/1.1")),
    "a target with a user": (421, _get("http://localhost@evil.example/")),
    "our own target": (200, _get("http://localhost/healthz")),
    "our own target, foreign Host": (200, _get("http://localhost/healthz", host="Host: evil")),
    "our own target, two Hosts": (400, _get("http://localhost/healthz", "Host: localhost")),
    "our own target, no path": (200, _get("http://localhost")),
    "an asterisk": (404, _request("OPTIONS * HTTP/1.1")),
    # the head
    "CONNECT": (400, _request("CONNECT localhost:80 HTTP/1.1")),
    "an unknown method": (400, _request("BREW /healthz HTTP/1.1")),
    "a 9 KiB request line": (414, _get(f"/status?id={'1' * 9000}")),
    "a request line without end": (414, _exactly(b"GET /" + b"x" * 200_000)),
    "a header without end": (431, _exactly(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000)),
    "headers without end": (431, _exactly(b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 40_000)),
    "a folded header": (400, _get("/healthz", "X: a\r\n b")),
    "a space before the colon": (400, _get("/healthz", "X : a")),
    "bytes beyond ASCII in headers": (200, _get("/healthz", "X: \udcff", "Prefer: \udcff")),
    "an upgrade to a websocket": (200, _get("/healthz", "Upgrade: websocket")),
    # the body
    "a chunked body of 2 MiB": (413, _start(_CHUNKS, body=_chunked(_TWO_MIB))),
    "an announced body of 2 MiB": (
        413,
        _start(f"Content-Length: {_TWO_MIB}", body=b" " * _TWO_MIB),
    ),
    "an announced body of 1 TiB": (413, _start(f"Content-Length: {1 << 40}")),
    "a length beyond 64 bits": (400, _start(f"Content-Length: {'9' * 30}")),
    "2 MiB after 100-continue": (
        413,
        _start("Expect: 100-continue", f"Content-Length: {_TWO_MIB}"),
    ),
    "both a length and chunks": (400, _start("Content-Length: 8", _CHUNKS, body=b"0\r\n\r\n")),
    "two lengths": (400, _start("Content-Length: 8", "Content-Length: 9", body=_BODY)),
    "a negative length": (400, _start("Content-Length: -1")),
    "a length with a sign": (400, _start("Content-Length: +8", body=_BODY)),
    "a broken chunk": (400, _start(_CHUNKS, body=b"zz\r\n")),
    # no HTTP/1.1 at all
    "HTTP/2 without asking": (400, _exactly(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
    "TLS": (400, _exactly(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 50)),
    "noise": (400, _exactly(b"\0\xff\r\n\r\n")),
}


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_is_answered_with_its_code(site: Site, name: str) -> None:
    status, request = PROBES[name]

    received = site.raw(request(site.host))

    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), received[:300]
    assert b"\r\ncache-control: no-store" in head
    assert b"\r\ncontent-security-policy: default-src 'none'" in head
    if status >= 400:
        assert b"\r\ncontent-type: application/problem+json" in head
        assert b'"status":%d' % status in body


def test_text_is_taken_as_a_terminal_sends_it(site: Site) -> None:
    request = (
        f"POST /start/words?text=Zoë😀 HTTP/1.1\r\nHost: {site.host}\r\n"
        "Connection: close\r\nPrefer: wait=20\r\n\r\n"
    )

    received = site.raw(request.encode())

    assert '"result":"Zoë😀"'.encode() in received


def test_a_valid_request_is_answered_before_the_noise_behind_it(open_site: Open) -> None:
    site = open_site(work=False)
    request = f"POST /start/add?a=1 HTTP/1.1\r\nHost: {site.host}\r\nContent-Length: 0\r\n\r\n"

    received = site.raw(request.encode() + b"\0\0\0\r\n\r\n")

    assert received.startswith(b"HTTP/1.1 202 ")
    assert received.count(b"HTTP/1.1 ") == 1


def test_requests_sent_at_once_are_answered_in_their_order(site: Site) -> None:
    head = f"HTTP/1.1\r\nHost: {site.host}\r\n"
    requests = [f"GET /status?id={number} {head}\r\n" for number in ("0", "x", "00")]
    last = f"GET /healthz {head}Connection: close\r\n\r\n"

    received = site.raw("".join([*requests, last]).encode())

    assert received.count(b"invalid-id") == 3
    assert received.endswith(b'{"status":"ok"}')


def test_a_body_that_stops_short_starts_nothing(open_site: Open) -> None:
    site = open_site(work=False)
    request = _start("Content-Length: 20", body=_BODY)(site.host)

    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        connection.sendall(request)

    assert site.start("/start/add?a=1") == 1
    assert len(site.get("/v1/jobs").json["items"]) == 1


def test_an_answer_that_is_refused_early_leaves_the_connection_usable(site: Site) -> None:
    refused = site.ask("POST", "/nothing", b" " * (1 << 20), {"Content-Type": "text/plain"})

    assert refused.status == 404
    assert site.get("/healthz").status == 200


def test_a_body_that_nobody_wants_is_not_read_for_ever(site: Site) -> None:
    request = f"POST /nothing HTTP/1.1\r\nHost: {site.host}\r\nContent-Length: {1 << 40}\r\n\r\n"

    sent = 0
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        connection.sendall(request.encode())
        try:
            while sent < 256 << 20:
                sent += connection.send(b" " * 65536)
        except ConnectionError:
            pass

    assert sent < 64 << 20


def test_a_head_that_nothing_follows_costs_no_answer_and_no_thread(site: Site) -> None:
    heads = [b"", b"GET", b"GET /healthz HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nHost: "]

    silent = [socket.create_connection(("127.0.0.1", site.port)) for _ in heads]
    for connection, head in zip(silent, heads, strict=True):
        connection.sendall(head)

    assert site.get("/healthz").status == 200
    for connection in silent:
        connection.close()
