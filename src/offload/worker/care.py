"""The work that keeps the house in order: rescue the lost, let in what is due, prune the old.

Every worker does all of it, about once a second. Nothing is elected: each step is a
compare-and-set or harmless to repeat.
"""

import logging
from collections.abc import Callable

from offload.clock import Clock
from offload.lifecycle import conclude, expire, left_behind, lose
from offload.model import By, Crashed, Job, Outcome, WorkerInfo, Yielded
from offload.store.base import (
    Abandoned,
    Apply,
    Leave,
    Orphans,
    Overdue,
    Owned,
    Promote,
    Prune,
    Workers,
)
from offload.store.mailbox import Mailbox
from offload.worker.presence import Presence

log = logging.getLogger("offload.care")

BY = By(actor="care", door="care")

PRUNE_BATCH = 500

YOUNG_SECONDS = 10.0
"""A process that holds a job has a worker long before; until then nobody takes it for gone."""


async def care(mailbox: Mailbox, presence: Presence, clock: Clock) -> None:
    """Go round once."""
    await rescue(mailbox, presence, clock)
    await mailbox.ask_soon(Promote(clock.now()))
    await give_up(mailbox, clock)
    await prune(mailbox, clock)


async def rescue(mailbox: Mailbox, presence: Presence, clock: Clock) -> None:
    """Give back what dead workers owned.

    A worker that had been told to end left its jobs interrupted; any other one crashed with them.
    An orphan was claimed by one that was struck off already: no job is charged with that.
    """
    for worker in await mailbox.read_soon(Workers()):
        if not presence.is_alive(worker):
            await _rescue_from(worker, mailbox, presence, clock)
    orphans = await mailbox.read_soon(Orphans())
    await _give_back(orphans, left_behind, mailbox, clock)


async def give_up(mailbox: Mailbox, clock: Clock) -> None:
    """Fail what will never begin: its deadline has passed, or the process that held it is gone."""
    now = clock.now()
    overdue = await mailbox.read_soon(Overdue(now))
    abandoned = await mailbox.read_soon(Abandoned(now - YOUNG_SECONDS))
    changes = {job.id: expire(job, now, BY) for job in overdue}
    changes |= {job.id: lose(job, now, BY) for job in abandoned}
    if changes:
        await mailbox.ask_soon(Apply(tuple(changes.values()), now))


async def prune(mailbox: Mailbox, clock: Clock) -> None:
    """Remove what the queues keep no longer, in small batches so that nobody waits behind it."""
    while await mailbox.ask_soon(Prune(clock.now(), PRUNE_BATCH)) == PRUNE_BATCH:
        continue


async def _rescue_from(
    worker: WorkerInfo, mailbox: Mailbox, presence: Presence, clock: Clock
) -> None:
    await presence.clear(worker)
    jobs = await mailbox.read_soon(Owned(worker.id))
    outcome = Yielded() if worker.stopping else Crashed()
    if jobs:
        word = "stopped" if worker.stopping else "died"
        log.warning(
            "worker %d (pid %d) %s; %d jobs go back", worker.id, worker.pid, word, len(jobs)
        )
    if await _give_back(jobs, lambda job: outcome, mailbox, clock):
        await mailbox.ask_soon(Leave(worker.id))
        presence.forget(worker)


async def _give_back(
    jobs: list[Job], outcome_of: Callable[[Job], Outcome], mailbox: Mailbox, clock: Clock
) -> bool:
    """Conclude each; says whether nothing is left to be done.

    A job that changed meanwhile (a cancel, another rescuer) is seen again at the next round.
    """
    if not jobs:
        return True
    now = clock.now()
    changes = tuple(conclude(job, outcome_of(job), now, BY) for job in jobs)
    answers = await mailbox.ask_soon(Apply(changes, now))
    return all(answer is None for answer in answers)
