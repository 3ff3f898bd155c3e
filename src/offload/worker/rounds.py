"""The worker's rounds: what has ended is applied and free places are filled, in one transaction.

Hot path, batched both ways. One round at a time; what ends meanwhile goes with the next one. No
claim goes beyond the free places: a claimed job is a running job.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from offload.clock import Clock
from offload.errors import StoreError
from offload.model import Change, Job
from offload.store.base import Apply, Claim, Effects, Gone, Operation
from offload.store.mailbox import Mailbox
from offload.worker.holding import Key

Answer = Job | Gone | None
"""What became of a change; see `Apply`."""

SHORT_SECONDS = 0.001
"""How long the next round waits, at most, for what the last one began: the ends of short jobs then
share a commit. No-op jobs in two processes: 0.53 commits a job instead of 1, 1,180/s instead of
730. It waits for nothing where all have ended, so one job alone is never held up."""


class Rounds:
    """Asks the store, again and again, and hands the answers out.

    Args:
        claim: makes the claim of a round; None where there is nothing to be claimed.
        begin: begins a job that was claimed.
        last_words: takes out what jobs last said of themselves, to be stored before their change.
        heard_again: told once more, after a claim's answer, what was heard while it was on its
            way: it may be about the jobs that it brought.
        failed: told what the store could not do.
        draw: a random number from 0 to 1, for the back-off.

    Attributes:
        is_claiming: a claim is on its way; its answer may bring jobs.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        clock: Clock,
        *,
        claim: Callable[[], Claim | None],
        begin: Callable[[Job], None],
        last_words: Callable[[Iterable[Key]], list[Operation[Any]]],
        heard_again: Callable[[Effects | None], None],
        failed: Callable[[StoreError], None],
        draw: Callable[[], float],
    ) -> None:
        self.is_claiming = False
        self._mailbox = mailbox
        self._clock = clock
        self._make_claim = claim
        self._begin = begin
        self._last_words = last_words
        self._heard_again = heard_again
        self._failed = failed
        self._draw = draw
        self._ready: list[_Ready] = []
        self._owed: list[Operation[Any]] = []
        self._sent: frozenset[int] = frozenset()
        self._heard: list[Effects | None] = []
        self._may_claim = True
        self._wake = asyncio.Event()
        self._begun: set[Key] = set()
        self._all_ended = asyncio.Event()

    async def go(self, until: Callable[[], bool]) -> None:
        """Go round whenever there is something to do, until it is said to be over."""
        failures = 0
        while not until():
            await self._wake.wait()
            self._wake.clear()
            error = await self._round()
            failures = failures + 1 if error else 0
            if error:
                self._failed(error)
                await self._back_off(failures)
            if self._begun:
                await self._let_short_ones_end()

    def wake(self) -> None:
        """Look whether it is over."""
        self._wake.set()

    def look_again(self) -> None:
        """Claim in the next round: perhaps there is work."""
        self._may_claim = True
        self._wake.set()

    def hear(self, effects: Effects | None) -> None:
        """A commit somewhere: perhaps it made something claimable."""
        if self.is_claiming:
            self._heard.append(effects)
        elif effects is None or (effects.claimable and not self._is_of_this_round(effects)):
            self.look_again()

    async def apply(self, change: Change) -> Answer:
        """Store a change with the next round; see `Desk.apply`."""
        ready = _Ready(change, asyncio.get_running_loop().create_future())
        self._ready.append(ready)
        self._begun.discard(ready.key)
        if not self._begun:
            self._all_ended.set()
        self.look_again()
        return await ready.answer

    # --- one round

    async def _round(self) -> StoreError | None:
        """Apply and claim once; returns what the store could not do."""
        ready, self._ready = self._ready, []
        claim = self._make_claim() if self._may_claim else None
        self._may_claim = self._may_claim and claim is None
        self.is_claiming = claim is not None
        self._sent = frozenset(item.key[0] for item in ready) if claim else frozenset()
        applied = self._send(ready) if ready else None
        claimed = self._mailbox.ask_soon(claim) if claim else None
        error = await self._hand_out(ready, applied) if applied else None
        error = (await self._begin_all(claimed) if claimed else None) or error
        self._end_claiming()
        return error

    def _send(self, ready: list["_Ready"]) -> "asyncio.Future[list[Answer]]":
        """Send changes, and before them the last words of each job about itself."""
        self._owed += self._last_words([item.key for item in ready])
        for words in self._owed:
            self._mailbox.ask_soon(words).add_done_callback(ignore_failure)
        changes = tuple(item.change for item in ready)
        return self._mailbox.ask_soon(Apply(changes, self._clock.now()))

    async def _hand_out(
        self, ready: list["_Ready"], applied: "asyncio.Future[list[Answer]]"
    ) -> StoreError | None:
        """Give each attempt its answer; what could not be stored is kept for the next round."""
        try:
            answers = await applied
        except StoreError as error:
            self._ready[:0] = ready
            return error
        self._owed.clear()
        for item, answer in zip(ready, answers, strict=True):
            item.answer.set_result(answer)
        return None

    async def _begin_all(self, claimed: "asyncio.Future[list[Job]]") -> StoreError | None:
        try:
            jobs = await claimed
        except StoreError as error:
            self._may_claim = True
            return error
        for job in jobs:
            self._begin(job)
        self._begun = {(job.id, job.token) for job in jobs}
        return None

    async def _let_short_ones_end(self) -> None:
        """Wait until all have ended that the last round began, for a moment at most."""
        self._all_ended.clear()
        timer = asyncio.get_running_loop().call_later(SHORT_SECONDS, self._all_ended.set)
        await self._all_ended.wait()
        timer.cancel()
        self._begun.clear()

    def _end_claiming(self) -> None:
        self.is_claiming = False
        heard, self._heard = self._heard, []
        for effects in heard:
            self._heard_again(effects)

    def _is_of_this_round(self, effects: Effects) -> bool:
        """Whether it tells of our own changes: the claim behind them has seen what they freed.

        It has seen all else in that transaction too: there claims come last.
        """
        return not self._sent.isdisjoint(effects.changed)

    async def _back_off(self, failures: int) -> None:
        """Wait a little longer after each failure, five seconds at most."""
        await asyncio.sleep(min(5.0, 0.05 * 2 ** min(failures, 8)) * (0.5 + self._draw() / 2))
        self.look_again()


class _Ready:
    """A decided change that waits for its round, and who waits for it."""

    __slots__ = ("answer", "change", "key")

    def __init__(self, change: Change, answer: "asyncio.Future[Answer]") -> None:
        self.change = change
        self.answer = answer
        self.key: Key = (change.after.id, change.after.token)


def ignore_failure(future: "asyncio.Future[Any]") -> None:
    """For what is sent and not missed: a word of progress, or of farewell."""
    if not future.cancelled():
        future.exception()
