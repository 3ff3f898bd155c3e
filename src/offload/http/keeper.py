"""The keeper: knows who may come in, and hears within a second what has changed about that.

Requests are judged by what was last read. From half a second on, the next request has it read
again, beside itself; after a whole second it waits for that, but not for ever: while the database
does not answer, what was last known counts for half a minute, and then nobody comes in. For whoever
is unknown it is looked once more, so that a token opens as soon as it was made.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

from offload import keyring
from offload.access.credentials import IDLE_SECONDS, Known
from offload.access.ring import Ring, Visitor
from offload.app import Offload
from offload.errors import OffloadError, StoreUnavailable

LOOK_AGAIN_SECONDS = 0.5
STALE_SECONDS = 1.0
NEW_SECONDS = 0.02
"""So often, at most, it is looked whether whoever is unknown is new."""

PATIENCE_SECONDS = 30.0

NOTED_EVERY_SECONDS = 60.0
"""How exactly it is kept when a token was last used."""

PROLONGED_EVERY_SECONDS = 3600.0

_NOTHING = Known(-1, "")


class Keeper:
    """Judges by the credentials that an Offload's database holds, and the server's own token.

    Args:
        app: the Offload.
        token: the one that the server was started with; empty, and there is none.
        is_local: only this machine reaches the server, so it is open where there is no credential.
        monotonic: the clock by which what was read grows old.
    """

    def __init__(
        self,
        app: Offload,
        token: str = "",
        *,
        is_local: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._token = token
        self._is_local = is_local
        self._monotonic = monotonic
        self._ring = Ring(_NOTHING, token)
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._used: dict[bytes, float] = {}
        self._noted: dict[bytes, float] = {}
        self._prolonged: dict[bytes, float] = {}

    @property
    def is_open(self) -> bool:
        """Whether nobody has to show anything, as far as is known."""
        return self._ring.is_empty and self._is_local

    @property
    def ring(self) -> Ring:
        """What was last read."""
        return self._ring

    def fresh(self) -> Ring | None:
        """Return what is valid; None where it has to be read first."""
        age = self._monotonic() - self._read_at
        if age > LOOK_AGAIN_SECONDS:
            self._look()
            return self._ring if age <= STALE_SECONDS else None
        return self._ring

    async def look(self) -> Ring:
        """Read what is valid.

        Raises:
            StoreError: the database has not answered for too long.
        """
        reading = self._look()
        failure: OffloadError = StoreUnavailable("the tokens could not be read")
        try:
            async with asyncio.timeout(STALE_SECONDS):
                await asyncio.shield(reading)
        except OffloadError as error:
            failure = error
        except TimeoutError:
            pass
        if self._monotonic() - self._read_at > PATIENCE_SECONDS:
            raise failure
        return self._ring

    async def look_for_somebody_new(self) -> Ring:
        """Read once more, unless that was done just now: a new token opens at once."""
        if self._monotonic() - self._read_at < NEW_SECONDS:
            return self._ring
        return await self.look()

    def forget(self) -> None:
        """Something was changed here: the next request looks first."""
        self._read_at = min(self._read_at, self._monotonic() - STALE_SECONDS - 0.001)

    def now(self) -> float:
        """Return the instant by which credentials are over."""
        return self._app.now()

    def saw(self, visitor: Visitor) -> None:
        """Note that somebody was let in; stored once a minute."""
        self._used[visitor.digest] = self._app.now()
        if visitor.session is not None:
            self._prolong(visitor.session.digest, visitor.session.expires_at)

    def still_knows(self, visitor: Visitor) -> bool:
        """Whether somebody who was let in would be let in again."""
        self.fresh()
        return self._ring.knows(visitor, self._app.now())

    def _prolong(self, session: bytes, expires_at: float) -> None:
        until = self._app.now() + IDLE_SECONDS
        if until - expires_at > PROLONGED_EVERY_SECONDS:
            self._prolonged[session] = until

    # --- the database

    def _look(self) -> "asyncio.Task[None]":
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(_heard)
        return self._reading

    async def _read(self) -> None:
        asked_at = self._monotonic()
        if self._app.database.exists():  # where it was never made, nobody was given anything
            plan = keyring.known(self._app.now(), self._ring.known.version)
            known = await self._app.perform(plan)
            if known is not None:
                self._ring = Ring(known, self._token)
        self._read_at = asked_at
        with contextlib.suppress(OffloadError):  # it is only for people
            await self._note()

    async def _note(self) -> None:
        """Store when tokens were used, of each once a minute."""
        due = [
            (digest, used_at)
            for digest, used_at in self._used.items()
            if used_at - self._noted.get(digest, float("-inf")) >= NOTED_EVERY_SECONDS
        ]
        prolonged, self._prolonged = [*self._prolonged.items()], {}
        self._used.clear()
        self._noted.update(due)
        if due or prolonged:
            await self._app.perform(keyring.note_use(due, prolonged))


def _heard(reading: "asyncio.Task[None]") -> None:
    """Whoever waited was told; where nobody did, the next request tries again."""
    if not reading.cancelled():
        reading.exception()
