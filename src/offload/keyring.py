"""Plans for tokens, sessions and links that log in: what doors ask for, one step after the other.

A secret is returned by the plan that made it, and by none after that.
"""

from collections.abc import Sequence

from offload.access.credentials import IDLE_SECONDS, LINK, Known, NewToken, Session, Token
from offload.access.scopes import Scope
from offload.access.secrets import PREFIX, digest_of, new_secret
from offload.errors import ConfigError
from offload.store.access import (
    Begin,
    CreateToken,
    Credentials,
    End,
    NoteUse,
    OfferLink,
    RevokeToken,
    Tokens,
    UseLink,
)
from offload.verbs import Plan

LINK_SECONDS = 600.0
"""For how long a link that was printed logs in."""


def create(
    name: str, scopes: Sequence[Scope], now: float, lasts: float | None, job: int | None
) -> Plan[tuple[Token, str]]:
    """Make a token; returns what is kept of it, and its secret.

    Args:
        name: of the token.
        scopes: what it opens.
        now: the instant.
        lasts: seconds until it opens nothing any more; None is never.
        job: the only job that it shows, if it is restricted to one.

    Raises:
        ConfigError: another token has this name.
    """
    secret = new_secret(PREFIX)
    expires_at = None if lasts is None else now + lasts
    new = NewToken(name, digest_of(secret), tuple(scopes), job, expires_at)
    stored: Token | None = yield CreateToken(new, now)
    if stored is None:
        raise ConfigError(
            f"there is a token named {name!r} already; choose another name, or revoke that one "
            f"first: `offload token revoke {name}`"
        )
    return stored, secret


def revoke(which: str, now: float) -> Plan[Token]:
    """Take a token out of force, by its name or its id; its sessions end with it.

    Raises:
        ConfigError: there is none, or a name and an id are alike.
    """
    found: list[Token] = yield RevokeToken(which, now)
    if not found:
        raise ConfigError(
            f"no token in force has the name or the number {which!r}; `offload token list` shows "
            "them all"
        )
    if len(found) > 1:
        listed = " and ".join(f"{each.id} ({each.name})" for each in found)
        raise ConfigError(
            f"{which!r} is the number of one token and the name of another: {listed}; say the one "
            "that only yours has"
        )
    return found[0]


def tokens() -> Plan[list[Token]]:
    """Read every token, oldest first."""
    found: list[Token] = yield Tokens()
    return found


def known(now: float, version: int = -1) -> Plan[Known | None]:
    """Read all that is in force; None where it is still as it was in that version."""
    found: Known | None = yield Credentials(now, version)
    return found


def note_use(
    used: Sequence[tuple[bytes, float]], prolonged: Sequence[tuple[bytes, float]]
) -> Plan[None]:
    """Note when tokens were used, and until when sessions last by that."""
    yield NoteUse(tuple(used), tuple(prolonged))


def is_guarded(now: float) -> Plan[bool]:
    """Say whether the database holds a token that was not revoked."""
    found = yield from known(now)
    return found is not None and bool(found.tokens)


def log_in(owner: bytes, now: float) -> Plan[tuple[Session, str]]:
    """Begin a session for the holder of a token; returns it, and what the browser is to keep."""
    session, secret = _new_session(owner, now)
    yield Begin(session)
    return session, secret


def log_in_by(link: str, now: float) -> Plan[tuple[Session, str] | None]:
    """Begin a session by a link; None where it was used already, or its time is over."""
    session, secret = _new_session(LINK, now)
    used: bool = yield UseLink(digest_of(link), session)
    return (session, secret) if used else None


def log_out(digest: bytes | None) -> Plan[None]:
    """End a session; all of them where none is named."""
    yield End(digest)


def offer_link(now: float) -> Plan[str]:
    """Make a link that logs in once; returns its secret."""
    secret = new_secret()
    yield OfferLink(digest_of(secret), now, now + LINK_SECONDS)
    return secret


def _new_session(owner: bytes, now: float) -> tuple[Session, str]:
    secret = new_secret()
    return Session(digest_of(secret), owner, now, now + IDLE_SECONDS), secret
