"""What every request must pass at any HTTP door, and what every answer carries."""

from collections.abc import Collection, Sequence

from offload.wire.problems import Problem

LONGEST_REQUEST_LINE = 8 << 10

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")

STRICT_POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

HEADERS: list[tuple[bytes, bytes]] = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
"""What every answer carries; a page adds a content security policy of its own."""

POLICY = (b"content-security-policy", STRICT_POLICY)

_SPARE = len(b"  HTTP/1.1\r\n")


def check_length(method: str, target: int) -> None:
    """Refuse a request line that is too long.

    Args:
        method: the request's method.
        target: bytes of its path and query.

    Raises:
        Problem: request-line-too-long.
    """
    if len(method) + target + _SPARE > LONGEST_REQUEST_LINE:
        raise Problem(
            "request-line-too-long",
            f"a request line may have {LONGEST_REQUEST_LINE:,} bytes; send parameters as a JSON "
            "body instead",
        )


def check_path(path: str) -> None:
    """Servers decode a path leniently; what was no UTF-8 stands there as U+FFFD.

    Raises:
        Problem: malformed-request.
    """
    if "\ufffd" in path:
        raise Problem("malformed-request", "the path is not UTF-8")


def check_site(
    fetch_sites: Sequence[bytes], origins: Sequence[bytes], own_origins: Collection[bytes]
) -> None:
    """Refuse what a page of another site asks for.

    Judged by Sec-Fetch-Site, which no script can set; older browsers send only the Origin.

    Raises:
        Problem: cross-site.
    """
    if fetch_sites:
        is_own = all(site in (b"same-origin", b"none") for site in fetch_sites)
    else:
        is_own = all(origin.lower() in own_origins for origin in origins)
    if not is_own:
        raise Problem("cross-site", "a page of another site may not ask for this")
