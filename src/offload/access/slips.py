"""Slips: a token that shows one job for a short time, signed and stored nowhere.

    ofj_7.1767225600.3.…      job 7, until that second, given by the holder of token 3, signature

It is signed with the database's own secret and with what is kept of the token that it came from. So
it needs no row, outlives a restart, and ends with that token when that is revoked.
"""

import base64
import hashlib
import hmac
import re

from msgspec import Struct

SLIP_PREFIX = "ofj_"

LONGEST_SECONDS = 86_400.0

USUAL_SECONDS = 3600.0

_SLIP = re.compile(
    rb"ofj_([1-9][0-9]{0,18})\.([0-9]{1,12})\.(-?[0-9]{1,18})\.([\w-]{43})", re.ASCII
)


class Slip(Struct, frozen=True):
    """What a slip says, believed or not.

    Attributes:
        giver: the id of the token that it came from.
        expires_at: a whole second.
    """

    job: int
    expires_at: int
    giver: int
    signature: bytes


def write_slip(secret: str, job: int, expires_at: int, giver: int, digest: bytes) -> str:
    """Write a slip.

    Args:
        secret: the database's own.
        job: which it shows.
        expires_at: until when.
        giver: the id of the token that it comes from.
        digest: what is kept of that token.
    """
    said = f"{job}.{expires_at}.{giver}"
    return f"{SLIP_PREFIX}{said}.{_sign(secret, said.encode(), digest).decode()}"


def read_slip(shown: bytes) -> Slip | None:
    """Read what a slip says; None if it is none."""
    found = _SLIP.fullmatch(shown)
    if found is None:
        return None
    return Slip(int(found[1]), int(found[2]), int(found[3]), found[4])


def is_genuine(slip: Slip, secret: str, digest: bytes) -> bool:
    """Whether it was written with this secret, for the token of this digest."""
    said = f"{slip.job}.{slip.expires_at}.{slip.giver}".encode()
    return hmac.compare_digest(_sign(secret, said, digest), slip.signature)


def _sign(secret: str, said: bytes, digest: bytes) -> bytes:
    key = hmac.digest(secret.encode(), b"offload slip " + digest, hashlib.sha256)
    signature = hmac.digest(key, said, hashlib.sha256)
    return base64.urlsafe_b64encode(signature).rstrip(b"=")
