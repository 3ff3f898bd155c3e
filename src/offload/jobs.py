"""Many jobs in one hand: all that a filter leaves, asked for the same thing, and counted."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from offload.bulk import Bulk, Done
from offload.errors import OffloadError
from offload.model import Wish
from offload.verbs import checked_reason


class Tally(Struct, frozen=True):
    """What came of asking many jobs: `matched` is `changed`, `unchanged` and all that refused.

    Attributes:
        preview: nothing was changed; it was only counted what would be.
        matched: the jobs that were looked at.
        changed: those that this changed, or would change.
        unchanged: those that were so already.
        refused: how many refused, by the error that each of them would have raised by itself.
    """

    preview: bool = False
    matched: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: Mapping[type[OffloadError], int] = {}

    def plus(self, done: Done) -> "Tally":
        """Return it with what came of further jobs."""
        return Tally(
            self.preview,
            self.matched + done.matched,
            self.changed + done.changed,
            self.unchanged + done.unchanged,
            dict(Counter(self.refused) + Counter(done.refused)),
        )


class _Desk(Protocol):
    """What the handle needs of the Offload that gave it out."""

    def ask_jobs(self, bulk: Bulk) -> Tally: ...
    async def aask_jobs(self, bulk: Bulk) -> Tally: ...


class Jobs:
    """The jobs that a filter leaves; see `Offload.jobs`. To look at them is `Offload.list`.

    Nothing is read when this is made: each verb goes through the jobs as they are then, newest
    first, all of them, however many there are, and returns a `Tally`. Where the filter names no
    states, a verb is about the jobs that it can change: `cancel` and `pause` about those that have
    not ended, `retry` about those that failed or were cancelled.

    With `preview=True` a verb changes nothing and counts what it would change. A verb that was
    broken off can be asked again: what it has done already is no change the second time. (A job
    that a first `retry` has begun, and that failed anew meanwhile, is tried once more.)
    """

    def __init__(self, which: Bulk, desk: _Desk) -> None:
        self._which = which
        self._desk = desk

    def cancel(self, *, preview: bool = False) -> Tally:
        """Ask for them to be cancelled; see `Job.cancel`."""
        return self._desk.ask_jobs(self._asked(Wish.CANCEL, preview=preview))

    async def acancel(self, *, preview: bool = False) -> Tally:
        """The same without blocking the loop."""
        return await self._desk.aask_jobs(self._asked(Wish.CANCEL, preview=preview))

    def pause(self, reason: str | None = None, *, preview: bool = False) -> Tally:
        """Ask for them to stand still, each by itself; see `Job.pause`.

        Jobs that are started later are not paused: that is `Offload.pause`, of a queue or a task.

        Args:
            reason: why, for whoever looks at them; at most 500 characters.
            preview: change nothing, only count.
        """
        asked = self._asked(Wish.PAUSE, preview=preview, reason=checked_reason(reason))
        return self._desk.ask_jobs(asked)

    async def apause(self, reason: str | None = None, *, preview: bool = False) -> Tally:
        """The same without blocking the loop."""
        asked = self._asked(Wish.PAUSE, preview=preview, reason=checked_reason(reason))
        return await self._desk.aask_jobs(asked)

    def resume(self, *, preview: bool = False) -> Tally:
        """Let those of them that are paused go on; see `Job.resume`."""
        return self._desk.ask_jobs(self._asked(Wish.RESUME, preview=preview))

    async def aresume(self, *, preview: bool = False) -> Tally:
        """The same without blocking the loop."""
        return await self._desk.aask_jobs(self._asked(Wish.RESUME, preview=preview))

    def retry(self, *, preview: bool = False) -> Tally:
        """Try those of them anew that failed or were cancelled; see `Job.retry`."""
        return self._desk.ask_jobs(self._asked(None, preview=preview))

    async def aretry(self, *, preview: bool = False) -> Tally:
        """The same without blocking the loop."""
        return await self._desk.aask_jobs(self._asked(None, preview=preview))

    def _asked(self, wish: Wish | None, **said: Any) -> Bulk:
        return replace(self._which, wish=wish, **said)

    def __repr__(self) -> str:
        return f"Jobs({self._which.narrowed if self._which.ids is None else self._which.ids})"
