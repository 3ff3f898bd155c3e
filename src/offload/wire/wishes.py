"""What a client may say in headers about how it is to be answered: `Prefer`, `Idempotency-Key`.

`Prefer` (RFC 7240) is a wish: what is not understood is passed over. `Idempotency-Key` is a promise
to the client: one that cannot be kept is refused.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from offload.model import NewJob
from offload.values import decode, encode
from offload.wire.problems import Problem

LONGEST_WAIT_SECONDS = 60

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Headers(Protocol):
    """What is needed of a framework's headers: all lines of one name."""

    def getlist(self, key: str, /) -> list[str]:
        """Return them in their order."""
        ...


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


def digest(face: str, job: NewJob, options: bytes = b"") -> bytes:
    """Tell one request from another: the order in which parameters were given does not count.

    Args:
        face: the route that was used: another one makes another request of it.
        job: from `Task.new_job`.
        options: what else the client said about it, as JSON.
    """
    parts = (face.encode(), job.task.encode(), _sorted(job.params), _sorted(options or b"{}"))
    return hashlib.sha256(b"\0".join(parts)).digest()


def digest_of_all(face: str, starts: Iterable[tuple[NewJob, bytes]]) -> bytes:
    """Tell one request for many jobs from another; their order counts.

    Args:
        face: the route that was used.
        starts: each job, and what else the client said about it, as JSON.
    """
    all_of_it = b"".join(digest(face, job, options) for job, options in starts)
    return hashlib.sha256(all_of_it).digest()


def _sorted(stored: bytes) -> bytes:
    values = decode(stored)
    assert isinstance(values, Mapping)
    return encode(dict(sorted(values.items())))
