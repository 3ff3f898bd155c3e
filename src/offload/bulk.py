"""One verb for many jobs: asked of all that a filter leaves, page by page, and counted.

It is bounded, in jobs and in time, so that no request lasts for ever: what is left begins at
`before`.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from offload import errors, lifecycle, verbs
from offload.filters import Filter, page
from offload.model import Change, Job, State, Wish
from offload.store.base import Apply, Found, Get, Gone, Listed
from offload.verbs import Act, Plan

MOST_JOBS = 10_000
"""How many jobs one operation looks at; the rest is for the next."""

MOST_SECONDS = 5.0

PAGE = 500

_CONCERNED: dict[Wish | None, tuple[State, ...]] = {
    Wish.CANCEL: (State.QUEUED, State.RUNNING, State.PAUSED),
    Wish.PAUSE: (State.QUEUED, State.RUNNING),
    Wish.RESUME: (State.PAUSED, State.RUNNING),
    None: (State.FAILED, State.CANCELLED),
}
"""Which jobs a verb is about, where the filter names no states; None is to retry."""


class Bulk(Struct, frozen=True):
    """What is wanted of which jobs.

    Attributes:
        narrowed: which jobs.
        ids: only these; all when None.
        wish: what is asked of them; None tries them anew.
        reason: why they are to be paused.
        preview: count only, change nothing.
        before: where it goes on; None at the beginning.
    """

    narrowed: Filter
    ids: tuple[int, ...] | None = None
    wish: Wish | None = None
    reason: str | None = None
    preview: bool = False
    before: int | None = None


class Done(Struct, frozen=True):
    """What came of it. `matched` is `changed`, `unchanged` and all that were refused, together.

    Attributes:
        matched: jobs that the filter left, or whose ids were given.
        changed: those that it changed, or would change.
        unchanged: those that were so already.
        refused: the others, by the kind of error.
        begun: tasks and queues of the jobs that wait again.
        before: where the rest begins; None where there is none.
    """

    matched: int
    changed: int
    unchanged: int
    refused: dict[type[errors.OffloadError], int]
    begun: frozenset[tuple[str, str]]
    before: int | None


def carry_out(bulk: Bulk, act: Act) -> Plan[Done]:
    """Ask it of job after job, newest first, until all were asked or it has lasted long enough."""
    begun_at, tally = act.now(), _Tally()
    before: int | None = bulk.before
    while True:
        jobs, before = yield from _next(bulk, before, tally)
        yield from _ask(bulk, jobs, act, tally)
        is_long = tally.matched >= MOST_JOBS or act.now() - begun_at >= MOST_SECONDS
        if before is None or is_long:
            return tally.done(before)


class _Tally:
    """What came of it so far."""

    def __init__(self) -> None:
        self.matched = self.changed = self.unchanged = 0
        self.refused: Counter[type[errors.OffloadError]] = Counter()
        self.begun: set[tuple[str, str]] = set()

    def note(self, job: Job, changed: bool) -> None:
        self.changed += changed
        self.unchanged += not changed
        if changed and job.state is State.QUEUED:
            self.begun.add((job.task, job.queue))

    def note_missing(self, found: Found, ids: Sequence[int]) -> None:
        missing = [each for each in ids if each not in found.jobs]
        self.matched += len(missing)
        for each in missing:
            self.refused[errors.Evicted if each <= found.issued else errors.UnknownJob] += 1

    def done(self, before: int | None) -> Done:
        begun, refused = frozenset(self.begun), dict(self.refused)
        return Done(self.matched, self.changed, self.unchanged, refused, begun, before)


def _next(bulk: Bulk, before: int | None, tally: _Tally) -> Plan[tuple[Sequence[Job], int | None]]:
    """Read the next jobs, and where those after them begin."""
    narrowed = bulk.narrowed
    if not narrowed.states:
        narrowed = replace(narrowed, states=_CONCERNED[bulk.wish])
    if bulk.ids is None:
        listed: Listed = yield from page(narrowed, PAGE, before)
        return listed.jobs, listed.before
    ids = sorted({each for each in bulk.ids if before is None or each < before}, reverse=True)
    asked = ids[:PAGE]
    found: Found = yield Get(tuple(asked), bodies=False)
    tally.note_missing(found, asked)
    jobs = [found.jobs[each] for each in asked if each in found.jobs]
    return jobs, asked[-1] if len(ids) > PAGE else None


def _ask(bulk: Bulk, jobs: Sequence[Job], act: Act, tally: _Tally) -> Plan[None]:
    """Decide for each job; what can be done together is one change of the database."""
    tally.matched += len(jobs)
    if bulk.wish is None:
        for job in jobs:
            yield from _counted(job, _retried(job, bulk, act), tally)
        return
    changes: list[Change] = []
    for job in jobs:
        try:
            change = lifecycle.request(job, bulk.wish, act.now(), act.by, bulk.reason)
        except errors.OffloadError as error:
            tally.refused[type(error)] += 1
            continue
        if change is None or bulk.preview:
            tally.note(job if change is None else change.after, change is not None)
        else:
            changes.append(change)
    yield from _apply(bulk, bulk.wish, changes, act, tally)


def _apply(bulk: Bulk, wish: Wish, changes: list[Change], act: Act, tally: _Tally) -> Plan[None]:
    """Apply all at once; where somebody was faster, that job is asked by itself."""
    if not changes:
        return
    answers: list[Job | Gone | None] = yield Apply(tuple(changes), act.now())
    for change, answer in zip(changes, answers, strict=True):
        if answer is None:
            tally.note(change.after, changed=True)
        else:
            job = change.after
            again = verbs.request(job.id, wish, act.now, act.by, bulk.reason)
            yield from _counted(job, again, tally)


def _retried(job: Job, bulk: Bulk, act: Act) -> Plan[tuple[Job, bool]]:
    if bulk.preview:
        return lifecycle.retry(job, act.now(), act.by).after, True
    return (yield from verbs.retry(job.id, act.now, act.by)), True


def _counted(job: Job, plan: Plan[tuple[Job, bool]], tally: _Tally) -> Plan[None]:
    try:
        tally.note(*(yield from plan))
    except (errors.Refused, errors.JobError) as error:
        tally.refused[type(error)] += 1
