"""The address of a server, taken apart."""

import re
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from offload.errors import ConfigError

_UNFIT = re.compile(r"[^\x21-\x7e]|[<>\"\\^`{|}]")
"""What stands in no address as it is."""


class Address(Struct, frozen=True):
    """Where a server is.

    Attributes:
        url: as it was given.
        is_safe: it is asked over TLS, and its certificate is checked.
        prefix: the path before the routes, if a proxy has put one there.
    """

    url: str
    is_safe: bool
    host: str
    port: int | None
    prefix: str


def address_of(url: str) -> Address:
    """Take an address apart.

    Raises:
        ConfigError: it is none, or has parts that mean nothing here.
    """
    parts = _parts(url)
    if parts is None or _UNFIT.search(url):
        raise ConfigError(f"{url!r} is no address of a server; write http://127.0.0.1:8080")
    is_safe = parts.scheme == "https"
    return Address(url, is_safe, parts.hostname or "", parts.port, parts.path.rstrip("/"))


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        is_address = (
            parts.scheme in ("http", "https")
            and bool((parts.hostname or "").encode("idna"))
            and parts.port != 0
            and not (parts.username or parts.query or parts.fragment)
        )
    except ValueError:  # a port that is no number, half a bracket, a name that cannot be
        return None
    return parts if is_address else None
