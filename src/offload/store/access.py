"""Tokens, sessions and links that log in: what is asked for, and what carries it out.

Each of these may be run again after a commit whose result is not known, and comes to the same.
"""

from typing import Any

from offload.access.credentials import Known, NewToken, Session, Token
from offload.access.scopes import Scope, scopes_text
from offload.store.base import Operation, Query
from offload.store.session import Session as Open


class CreateToken(Operation[Token | None], frozen=True):
    """Store a new token; None where its name belongs to another one that is in force."""

    token: NewToken
    now: float


class RevokeToken(Operation[list[Token]], frozen=True):
    """Take a token out of force, by its name or its id, and end its sessions.

    Answers with those that were found; with more than one nothing is done.
    """

    which: str
    now: float


class NoteUse(Operation[None], frozen=True):
    """Note when tokens were used, (digest, instant), and how long sessions last by that."""

    tokens: tuple[tuple[bytes, float], ...] = ()
    sessions: tuple[tuple[bytes, float], ...] = ()


class Begin(Operation[None], frozen=True):
    """Begin a session of a browser."""

    session: Session


class End(Operation[None], frozen=True):
    """End one session; without a digest all of them."""

    digest: bytes | None = None


class OfferLink(Operation[None], frozen=True):
    """Store a link that logs in once."""

    digest: bytes
    now: float
    expires_at: float


class UseLink(Operation[bool], frozen=True):
    """Begin a session by a link; False where it was used already, or its time is over."""

    digest: bytes
    session: Session


class Credentials(Query[Known | None], frozen=True):
    """Read what is in force; None where it is still of the version that is known."""

    now: float
    version: int = -1


class Tokens(Query[list[Token]], frozen=True):
    """Read every token, the revoked ones too, oldest first."""


# --- what is written


def create_token(session: Open, creating: CreateToken) -> Token | None:
    """Store a new token, unless its name is taken."""
    new = creating.token
    row = {
        "name": new.name,
        "digest": new.digest,
        "scopes": scopes_text(new.scopes),
        "job": new.job,
        "now": creating.now,
        "expires_at": new.expires_at,
    }
    session.do("add_token", row)
    session.do("access_changed")
    found = session.one("token_of_digest", {"digest": new.digest})
    return None if found is None else _token(found)


def revoke_token(session: Open, revoking: RevokeToken) -> list[Token]:
    """Take a token out of force."""
    found = [_token(row) for row in session.all("find_tokens", {"which": revoking.which})]
    if len(found) == 1:
        session.do("revoke_token", {"id": found[0].id, "now": revoking.now})
        session.do("drop_sessions_of", {"owner": found[0].digest})
        session.do("access_changed")
    return found


def note_use(session: Open, noting: NoteUse) -> None:
    """Note when credentials were used. A longer session is a change, the rest is none."""
    session.many("use_token", [(used_at, digest) for digest, used_at in noting.tokens])
    prolonged = [(expires_at, digest) for digest, expires_at in noting.sessions]
    if session.many("prolong_session", prolonged):
        session.do("access_changed")


def begin(session: Open, beginning: Begin) -> None:
    """Begin a session; those that are over are cleared away."""
    _begin(session, beginning.session)


def end(session: Open, ending: End) -> None:
    """End a session, or all of them."""
    if ending.digest is None:
        session.do("drop_sessions")
    else:
        session.do("drop_session", {"digest": ending.digest})
    session.do("access_changed")


def offer_link(session: Open, offering: OfferLink) -> None:
    """Store a link; those whose time is over are cleared away."""
    session.do("drop_old_links", {"now": offering.now})
    session.do("add_link", {"digest": offering.digest, "expires_at": offering.expires_at})


def use_link(session: Open, using: UseLink) -> bool:
    """Use a link up, and begin the session."""
    begun = using.session
    row = {"digest": using.digest, "session": begun.digest, "now": begun.created_at}
    if not session.do("use_link", row).rowcount:
        return False
    _begin(session, begun)
    return True


def _begin(session: Open, begun: Session) -> None:
    session.do("drop_old_sessions", {"now": begun.created_at})
    session.do(
        "add_session",
        {
            "digest": begun.digest,
            "owner": begun.owner,
            "created_at": begun.created_at,
            "expires_at": begun.expires_at,
        },
    )
    session.do("access_changed")


# --- what is read


def credentials(session: Open, query: Credentials) -> Known | None:
    """Read what is in force, if it has changed."""
    said = dict(session.all("access_version"))
    version = int(said["access"])
    if version == query.version:
        return None
    tokens = tuple(_token(row) for row in session.all("tokens_in_force"))
    sessions = tuple(_session(row) for row in session.all("sessions", {"now": query.now}))
    return Known(version, said["secret"], tokens, sessions)


def tokens(session: Open, query: Tokens) -> list[Token]:
    """Read every token."""
    return [_token(row) for row in session.all("all_tokens")]


def _token(row: Any) -> Token:
    token_id, name, digest, scopes, *rest = row
    return Token(token_id, name, bytes(digest), tuple(map(Scope, scopes.split())), *rest)


def _session(row: Any) -> Session:
    digest, owner, created_at, expires_at = row
    return Session(bytes(digest), bytes(owner), created_at, expires_at)
