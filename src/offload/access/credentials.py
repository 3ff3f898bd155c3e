"""Credentials as they are stored: tokens, and the sessions of browsers; never the secrets."""

from msgspec import Struct

from offload.access.scopes import Scope


class NewToken(Struct, frozen=True):
    """A token that is to be stored.

    Attributes:
        name: tells it from all others that are in force; shown in logs and histories.
        digest: what is kept of its secret.
        scopes: what it opens, as it was said.
        job: the only job that it shows, if it is restricted to one.
        expires_at: from when on it opens nothing; None is never.
    """

    name: str
    digest: bytes
    scopes: tuple[Scope, ...]
    job: int | None = None
    expires_at: float | None = None


class Token(Struct, frozen=True):
    """A token that is stored.

    Attributes:
        last_used_at: when it was last shown, to a minute; None if it never was.
        revoked_at: since when it opens nothing, whatever its time.
    """

    id: int
    name: str
    digest: bytes
    scopes: tuple[Scope, ...]
    job: int | None
    created_at: float
    expires_at: float | None
    last_used_at: float | None
    revoked_at: float | None

    def state(self, now: float) -> str:
        """Say in one word how it stands: `valid`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= now
        return "expired" if is_over else "valid"


class Session(Struct, frozen=True):
    """A browser that has logged in.

    Attributes:
        digest: what is kept of its cookie.
        owner: the digest of the token that it logged in with, and ends with; `LINK` for one that
            came by the link that the server printed.
        expires_at: when it ends, unless it is used before.
    """

    digest: bytes
    owner: bytes
    created_at: float
    expires_at: float


LINK = b"link"
"""Owns the sessions that began with the server's own link."""

IDLE_SECONDS = 30 * 86_400.0
"""For how long a session lasts without being used."""


class Known(Struct, frozen=True):
    """All credentials that a database holds, at one moment.

    Attributes:
        version: grows with each change.
        secret: what the database signs with.
        tokens: those that were not revoked, the expired ones too.
        sessions: those that have not ended.
    """

    version: int
    secret: str
    tokens: tuple[Token, ...] = ()
    sessions: tuple[Session, ...] = ()
