"""What a client may say in headers about how it is to be answered: `Prefer`, `Idempotency-Key`.

`Prefer` (RFC 7240) is a wish: what is not understood is passed over. `Idempotency-Key` is a promise
to the client: one that cannot be kept is refused.
"""

import re

from msgspec import Struct
from starlette.datastructures import Headers

from offload.http.problems import Problem

LONGEST_WAIT_SECONDS = 60

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Preferences(Struct, frozen=True):
    """What a client prefers.

    Attributes:
        wait: seconds that it would wait for the job's end, within our bound; None if it would not.
        lenient: a wish that comes too late is no error to it.
    """

    wait: int | None = None
    lenient: bool = False


_NONE = Preferences()


def preferences(headers: Headers) -> Preferences:
    """Read the `Prefer` headers; of a preference that stands twice the first one counts."""
    lines = headers.getlist("prefer")
    if not lines:
        return _NONE
    said: dict[str, str] = {}
    for preference in ",".join(lines).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        said.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = said.get("wait", "")
    return Preferences(
        wait=min(int(wait), LONGEST_WAIT_SECONDS) if _SECONDS.fullmatch(wait) else None,
        lenient=said.get("handling", "").lower() == "lenient",
    )


def idempotency_key(headers: Headers) -> str | None:
    """Return the idempotency key, if there is one.

    Raises:
        Problem: malformed-request: it cannot be one.
    """
    keys = headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or _KEY.fullmatch(keys[0]) is None:
        raise Problem(
            "malformed-request",
            "an Idempotency-Key is given once, in 1 to 255 printable ASCII characters "
            "without spaces",
        )
    return keys[0]
