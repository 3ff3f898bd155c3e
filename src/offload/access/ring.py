"""The ring: every credential that is valid, looked up by what a request shows.

What is shown is hashed, and the hash is looked up and then compared in constant time. How long the
look-up takes may say something of the hash of what was shown, never of a hash that is kept, and
from a hash nobody comes back to a secret.
"""

import hmac

from msgspec import Struct

from offload.access.credentials import LINK, Known, Session, Token
from offload.access.scopes import EVERYTHING, Scope, opened_by
from offload.access.secrets import digest_of
from offload.access.slips import is_genuine, read_slip


class Visitor(Struct, frozen=True):
    """Who asks, as far as a credential says.

    Attributes:
        name: for logs and histories; never a secret.
        opens: what they may do.
        digest: what is kept of the token behind it; tells one client from another.
        giver: the id of that token; 0 is the one that the server was started with.
        job: the only job that they may look at.
        expires_at: from when on they are nobody.
        session: the session by which they came.
    """

    name: str
    opens: frozenset[Scope]
    digest: bytes
    giver: int
    job: int | None = None
    expires_at: float | None = None
    session: Session | None = None


SERVERS_OWN = 0
"""The id of the token that the server was started with; stored ones count from 1."""

BY_LINK = -1
"""The same for who came by the link that the server printed."""


class Ring:
    """What is valid at a moment.

    Args:
        known: what the database holds.
        token: the one that the server was started with; empty, and there is none.

    Attributes:
        known: as given.
        is_empty: nobody was ever given a credential that still counts, so none can be asked for.
            A token that has expired counts: a door does not open because time goes by.
    """

    def __init__(self, known: Known, token: str = "") -> None:
        self.known = known
        visitors = [_holder(each) for each in known.tokens]
        if token:
            visitors.append(Visitor("server token", EVERYTHING, digest_of(token), SERVERS_OWN))
        self.is_empty = not visitors
        self._tokens = {each.digest: each for each in visitors}
        by_link = Visitor("link", EVERYTHING, LINK, BY_LINK)
        self._owners = self._tokens if self.is_empty else {**self._tokens, LINK: by_link}
        self._givers = {each.giver: each for each in self._owners.values()}
        self._sessions = {each.digest: each for each in known.sessions}

    def of_token(self, shown: bytes, now: float) -> Visitor | None:
        """Say who shows this token, or this slip; None if it is nobody's, or over."""
        digest = digest_of(shown)
        visitor = self._tokens.get(digest)
        if visitor is not None and hmac.compare_digest(visitor.digest, digest):
            return _unless_over(visitor, now)
        return self.of_slip(shown, now)

    def of_slip(self, shown: bytes, now: float) -> Visitor | None:
        """Say who shows this token for a single job; None if it is none, nobody's, or over."""
        slip = read_slip(shown)
        if slip is None:
            visitor = self._tokens.get(digest_of(shown))
            is_for_a_job = visitor is not None and visitor.job is not None
            return _unless_over(visitor, now) if visitor is not None and is_for_a_job else None
        giver = self._givers.get(slip.giver)
        if giver is None or _unless_over(giver, now) is None:
            return None
        if not is_genuine(slip, self.known.secret, giver.digest):
            return None
        holder = Visitor(
            f"{giver.name} (job {slip.job})",
            frozenset({Scope.READ}),
            giver.digest,
            giver.giver,
            slip.job,
            slip.expires_at,
        )
        return _unless_over(holder, now)

    def knows(self, visitor: Visitor, now: float) -> bool:
        """Whether somebody who was let in before would still be."""
        giver = self._givers.get(visitor.giver)
        if giver is None or giver.digest != visitor.digest or _unless_over(giver, now) is None:
            return False
        has_ended = visitor.session is not None and visitor.session.digest not in self._sessions
        return not has_ended and _unless_over(visitor, now) is not None

    def of_session(self, shown: bytes, now: float) -> Visitor | None:
        """Say whose browser shows this cookie; None if its session has ended."""
        digest = digest_of(shown)
        session = self._sessions.get(digest)
        if session is None or not hmac.compare_digest(session.digest, digest):
            return None
        owner = self._owners.get(session.owner)
        if owner is None or session.expires_at <= now or _unless_over(owner, now) is None:
            return None
        return Visitor(
            f"{owner.name} (browser)",
            owner.opens,
            owner.digest,
            owner.giver,
            owner.job,
            owner.expires_at,
            session,
        )


def _holder(token: Token) -> Visitor:
    opens = opened_by(token.scopes)
    return Visitor(token.name, opens, token.digest, token.id, token.job, token.expires_at)


def _unless_over(visitor: Visitor, now: float) -> Visitor | None:
    is_over = visitor.expires_at is not None and visitor.expires_at <= now
    return None if is_over else visitor
