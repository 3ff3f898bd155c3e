"""Other people's pages: from which origins scripts may ask, and what browsers are told of that.

A page of an allowed origin may read with a token that it shows, and change something only with one;
cookies never count for it. What browsers ask beforehand (a preflight) is answered here.
"""

import re
from collections.abc import Iterable, Sequence

from starlette.types import Scope

from offload.errors import ConfigError

_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)

Headers = list[tuple[bytes, bytes]]

_VARY = (b"vary", b"Origin")

_SHOWN = (
    b"access-control-expose-headers",
    b"ETag, Location, Retry-After, Preference-Applied, WWW-Authenticate, X-Request-Id",
)

_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, "
        b"X-Request-Id",
    ),
    (b"access-control-max-age", b"600"),
]

_KEY = "offload.told"


class Origins:
    """The origins from which scripts may ask.

    Args:
        allowed: each as a browser names it: `https://example.org`, with a port if it has one.

    Raises:
        ConfigError: one of them is no origin; says how it is written.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(_checked(each.strip()) for each in allowed if each.strip())

    def welcomes(self, origins: Sequence[bytes]) -> bool:
        """Whether a request with these Origin headers comes from an allowed page."""
        return len(origins) == 1 and origins[0] in self._allowed

    def tell(self, scope: Scope, origins: Sequence[bytes]) -> None:
        """Note what the answer says of it, whatever the answer is."""
        if not self._allowed:
            return
        told: Headers = [_VARY]
        if self.welcomes(origins):
            told += [(b"access-control-allow-origin", origins[0]), _SHOWN]
            if is_preflight(scope):
                told += _PREFLIGHT
        scope[_KEY] = told


def told(scope: Scope) -> Headers:
    """Return what an answer says of it."""
    noted: Headers = scope.get(_KEY, [])
    return noted


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks beforehand."""
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


def _checked(origin: str) -> bytes:
    if _ORIGIN.fullmatch(origin) is None:
        raise ConfigError(
            f"--allow-origin: {origin!r} is no origin; write it as browsers do: "
            "https://example.org, in small letters, with a port if it has one and without a path"
        )
    return origin.encode()
