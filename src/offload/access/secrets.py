"""Secrets: 256 random bits that are shown once, and their hash, which is all that is kept.

The hash is a plain SHA-256. A slow one (argon2, scrypt) protects what people choose, since that can
be guessed; of 256 random bits nobody tries a noticeable part, so a fast one loses nothing and costs
a request a microsecond.
"""

import hashlib
import secrets

BYTES = 32

PREFIX = "ofl_"
"""Begins every token, so that scanners for leaked secrets can know it."""


def new_secret(prefix: str = "") -> str:
    """Return a secret that nobody has had before."""
    return prefix + secrets.token_urlsafe(BYTES)


def digest_of(secret: str | bytes) -> bytes:
    """Return what is kept of a secret, and looked up when it is shown."""
    shown = secret if isinstance(secret, bytes) else secret.encode("utf-8", "replace")
    return hashlib.sha256(shown).digest()
