"""The cookie of a browser that has logged in: its name, how it is set, and how it is found.

It is for this server only: `HttpOnly`, so no script reads it, and `SameSite=Strict`, so no other
site's page makes a browser send it. Browsers do not tell ports apart, so its name has the port. It
says no path: then it holds where /login was found, below the prefix of a proxy too.
"""

from collections.abc import Sequence

NAME = b"offload_session"

LASTS_SECONDS = 365 * 86_400
"""For the browser; the server ends a session sooner, when it is not used."""


def cookie_name(host: bytes) -> bytes:
    """Return the name of the cookie of the server that a Host header names."""
    _, colon, port = host.rpartition(b"]")[2].rpartition(b":")
    return NAME + b"_" + port if colon and port.isdigit() else NAME


def session_shown(cookies: Sequence[bytes], host: bytes) -> bytes | None:
    """Return what the Cookie headers show for this server; None if they do not."""
    if not cookies:
        return None
    name = cookie_name(host)
    for pair in b";".join(cookies).split(b";"):
        found, equals, value = pair.strip().partition(b"=")
        if found == name and equals:
            return value
    return None


def set_session(host: bytes, secret: str, *, is_encrypted: bool) -> str:
    """Return the header that gives a browser its session.

    Args:
        host: what the request names.
        secret: the session's.
        is_encrypted: the browser speaks TLS, to a proxy; then it never sends it without.
    """
    return _cookie(host, secret, LASTS_SECONDS, is_encrypted=is_encrypted)


def drop_session(host: bytes, *, is_encrypted: bool) -> str:
    """Return the header that takes it away."""
    return _cookie(host, "", 0, is_encrypted=is_encrypted)


def _cookie(host: bytes, value: str, seconds: int, *, is_encrypted: bool) -> str:
    flags = "; HttpOnly; SameSite=Strict" + ("; Secure" if is_encrypted else "")
    return f"{cookie_name(host).decode()}={value}; Max-Age={seconds}{flags}"
