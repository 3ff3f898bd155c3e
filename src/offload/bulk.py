"""One verb for many jobs: asked of all that a filter leaves, page by page, and counted.

It is bounded, in jobs and in time, so that no request lasts for ever: what is left begins at
`before`.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from offload import lifecycle, verbs
from offload.errors import Evicted, JobError, OffloadError, Refused, UnknownJob
from offload.filters import Filter, page
from offload.model import Job, State, Wish
from offload.store.base import Found, Get, Listed
from offload.verbs import Act, Answer, Plan

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
    refused: dict[type[OffloadError], int]
    begun: frozenset[tuple[str, str]]
    before: int | None


def carry_out(bulk: Bulk, act: Act) -> Plan[Done]:
    """Ask it of job after job, newest first, until all were asked or it has lasted long enough."""
    begun_at, tally = act.now(), _Tally()
    before: int | None = bulk.before
    while True:
        jobs, before = yield from _next(bulk, before, tally)
        tally.count((yield from _ask(bulk, jobs, act)))
        is_long = tally.matched >= MOST_JOBS or act.now() - begun_at >= MOST_SECONDS
        if before is None or is_long:
            return tally.done(before)


class _Tally:
    """What came of it so far."""

    def __init__(self) -> None:
        self.matched = self.changed = self.unchanged = 0
        self.refused: Counter[type[OffloadError]] = Counter()
        self.begun: set[tuple[str, str]] = set()

    def count(self, answers: Sequence[Answer]) -> None:
        self.matched += len(answers)
        for answer in answers:
            if isinstance(answer, tuple):
                self._note(*answer)
            else:
                self.refused[type(answer)] += 1

    def _note(self, job: Job, changed: bool) -> None:
        self.changed += changed
        self.unchanged += not changed
        if changed and job.state is State.QUEUED:
            self.begun.add((job.task, job.queue))

    def note_missing(self, found: Found, ids: Sequence[int]) -> None:
        missing = [each for each in ids if each not in found.jobs]
        self.matched += len(missing)
        for each in missing:
            self.refused[Evicted if each <= found.issued else UnknownJob] += 1

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


def _ask(bulk: Bulk, jobs: Sequence[Job], act: Act) -> Plan[list[Answer]]:
    """Ask it of these jobs, or only say what would come of it; answers for each."""
    if bulk.wish is None:
        answers = []
        for job in jobs:
            answers.append((yield from _retried(job, act, preview=bulk.preview)))
        return answers
    if bulk.preview:
        return [verbs.expected_of(job, bulk.wish, act.now(), act.by) for job in jobs]
    return (yield from verbs.request_of_each(jobs, bulk.wish, act.now, act.by, bulk.reason))


def _retried(job: Job, act: Act, *, preview: bool) -> Plan[Answer]:
    try:
        if preview:
            return lifecycle.retry(job, act.now(), act.by).after, True
        return (yield from verbs.retry(job.id, act.now, act.by)), True
    except (Refused, JobError) as error:
        return error
