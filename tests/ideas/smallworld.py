"""Two workers and two jobs: the real rules of `lifecycle` around a store made of plain records.

Everybody who decides does so from a row that may be old: a worker, whoever asks for a cancel, and
whoever cares for lost jobs read, decide and send in separate steps, and between any two of them
anything may happen. An answer may be lost and the same thing sent again; a worker may die, be told
to end, or be taken for dead while it still runs (then it is dishonest: it believes that it owns).

What can be changed by a fault is gathered in `Rules`. Records are numbered by a `Catalogue`, so
that a state of the world is a tuple of small numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from offload import lifecycle
from offload.errors import AlreadyFinished
from offload.model import (
    FINISHED,
    By,
    Change,
    Crashed,
    Error,
    Failed,
    Job,
    Outcome,
    State,
    Succeeded,
    Wish,
    Yielded,
)
from tests.ideas.samples import a_job
from tests.ideas.searching import Violation

V = TypeVar("V")

NOW = 1000.0
BY = By(actor="the search", door="care")
OUTCOMES: tuple[Outcome, ...] = (
    Succeeded(b"1"),
    Failed(Error("exception", "no")),
    Yielded(),
    Crashed(),
)
SUCCEEDED, FAILED, YIELDED, CRASHED = range(4)
RUNS = -1
"""The stage of a hold whose code still runs; afterwards it is the number of its outcome."""

WORKERS = (0, 1)
NOBODY = 0

STEPS = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "running"),
    ("running", "queued"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
}
"""From which stored state to which a step may lead, written out once more."""


class Phase(IntEnum):
    """How a worker stands; the last two are alive and taken for dead."""

    OFF = 0
    ALIVE = 1
    STOPPING = 2
    DEAD = 3
    DEAD_STOPPING = 4
    SUSPECTED = 5
    STRUCK_OFF = 6


HONEST = frozenset({Phase.ALIVE, Phase.STOPPING})
CLAIMS = frozenset({Phase.ALIVE, Phase.SUSPECTED, Phase.STRUCK_OFF})
TAKEN_FOR_DEAD = frozenset({Phase.DEAD, Phase.DEAD_STOPPING, Phase.SUSPECTED})


class Budget(NamedTuple):
    """How often each misfortune may still happen; it makes the world finite."""

    crashes: int
    drains: int
    suspicions: int
    lost_answers: int


class Hold(NamedTuple):
    """A worker believes that it has a job: what it knows of the row, and how far it is."""

    worker: int
    job: int
    copy: int
    stage: int


class World(NamedTuple):
    """One state of everything.

    Attributes:
        jobs: each job's row; NOBODY's number where it was not started yet.
        phases: how each worker stands.
        lives: how often each worker began anew; its id is made of it.
        holds: who believes to have which job.
        asks: per job the row from which a cancel was decided that is on its way.
        cares: per job the row and the outcome of a rescue that is on its way.
        cancelled: per job whether a cancel was acknowledged.
    """

    jobs: tuple[int, ...]
    phases: tuple[Phase, ...]
    lives: tuple[int, ...]
    holds: tuple[Hold, ...]
    asks: tuple[int, ...]
    cares: tuple[tuple[int, int], ...]
    cancelled: tuple[bool, ...]
    left: Budget


Steps = Iterator[tuple[str, World]]


def compare_and_set(row: Job, change: Change) -> bool:
    """Say whether the store applies the change: the row is the one it was decided from."""
    return row.version == change.after.version - 1 and row.token == change.after.token


def is_ours(held: Job, row: Job) -> bool:
    """Say whether a worker whose change was refused still owns the job (`attempt.settle`)."""
    return row.token == held.token and row.state is State.RUNNING


def has_room(occupied: int, limit: int | None) -> bool:
    return limit is None or occupied < limit


def conclude(job: Job, outcome: Outcome) -> Change:
    return lifecycle.conclude(job, outcome, NOW, BY)


def claim(job: Job, worker: int) -> Job:
    return lifecycle.claim(job, worker, NOW + 30, NOW)


def request(job: Job) -> Change | None:
    try:
        return lifecycle.request(job, Wish.CANCEL, NOW, BY)
    except AlreadyFinished:
        return None


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that decides; a test of the search puts a fault in the place of one of them."""

    compare_and_set: Callable[[Job, Change], bool] = compare_and_set
    is_ours: Callable[[Job, Job], bool] = is_ours
    has_room: Callable[[int, int | None], bool] = has_room
    conclude: Callable[[Job, Outcome], Change] = conclude
    claim: Callable[[Job, int], Job] = claim
    request: Callable[[Job], Change | None] = request


class Catalogue:
    """Gives each record a number, and each question about records one answer."""

    def __init__(self, rules: Rules) -> None:
        self.rows: list[Job] = [a_job(state=State.CANCELLED, id=0)]
        self._numbers: dict[Job, int] = {}
        self.conclude = cache(self._conclude)
        self.request = cache(self._request)
        self.claim = cache(self._claim)
        self.applied = cache(self._applied)
        self.seen_anew = cache(self._seen_anew)
        self._rules = rules

    def number(self, row: Job) -> int:
        if row not in self._numbers:
            self._numbers[row] = len(self.rows)
            self.rows.append(row)
        return self._numbers[row]

    def _conclude(self, copy: int, outcome: int) -> Change:
        return self._rules.conclude(self.rows[copy], OUTCOMES[outcome])

    def _request(self, copy: int) -> Change | None:
        return self._rules.request(self.rows[copy])

    def _claim(self, row: int, worker: int) -> int:
        return self.number(self._rules.claim(self.rows[row], worker))

    def _applied(self, row: int, copy: int, outcome: int) -> int | None:
        """Return the row as the change leaves it, None where the change is refused.

        The outcome -1 is the cancel that somebody asked for.
        """
        change = self.request(copy) if outcome < 0 else self.conclude(copy, outcome)
        assert change is not None
        if not self._rules.compare_and_set(self.rows[row], change):
            return None
        _check_step(self.rows[row], change.after)
        return self.number(change.after)

    def _seen_anew(self, copy: int, row: int, outcome: int) -> int | None:
        """Return what a refused worker goes on with, None where the job is not its own any more."""
        held, current = self.rows[copy], self.rows[row]
        after = self.conclude(copy, outcome).after
        stood_already = (current.token, current.version, current.state) == (
            after.token,
            after.version,
            after.state,
        )
        if stood_already or not self._rules.is_ours(held, current):
            return None
        anew = replace(held, version=current.version, requested=current.requested)
        return self.number(anew)


@dataclass(slots=True)
class SmallWorld:
    """What can happen in a world, step by step; `steps` is what a search calls."""

    limit: int | None
    budget: Budget
    jobs: int = 2
    rules: Rules = field(default_factory=Rules)
    catalogue: Catalogue = field(init=False)

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(self.rules)

    def first(self) -> World:
        """Nothing was started and nobody works."""
        none = (NOBODY,) * self.jobs
        return World(
            jobs=none,
            phases=(Phase.OFF,) * len(WORKERS),
            lives=(0,) * len(WORKERS),
            holds=(),
            asks=none,
            cares=((NOBODY, 0),) * self.jobs,
            cancelled=(False,) * self.jobs,
            left=self.budget,
        )

    def is_final(self, world: World) -> bool:
        """Every job that was started has its outcome, and no code runs."""
        rows = self.catalogue.rows
        return not world.holds and all(
            number == NOBODY or rows[number].state in FINISHED for number in world.jobs
        )

    def by_itself(self, label: str) -> bool:
        """Say whether a step needs nobody outside: no start, and no cancel to end it all."""
        return not label.startswith(("start", "a cancel"))

    def steps(self, world: World) -> Steps:
        """Yield everything that can happen next; raises where a rule is broken.

        Raises:
            Violation: this world, or a step out of it, breaks a rule.
        """
        self._check(world)
        yield from self._starts(world)
        for worker in WORKERS:
            yield from self._life_of(worker, world)
            yield from self._claims(worker, world)
            yield from self._strays(worker, world)
        for hold in world.holds:
            yield from self._ends(hold, world)
        for job, number in enumerate(world.jobs):
            if number != NOBODY:
                yield from self._asks(job, world)
                yield from self._cares(job, world)

    # --- jobs and workers come and go

    def _starts(self, world: World) -> Steps:
        if NOBODY in world.jobs:
            job = world.jobs.index(NOBODY)
            row = self.catalogue.number(a_job(id=job + 1))
            yield f"start job {job}", _with_row(world, job, row)

    def _life_of(self, worker: int, world: World) -> Steps:
        phase, left = world.phases[worker], world.left
        busy = any(hold.worker == worker for hold in world.holds)
        if phase is Phase.OFF:
            lives = _put(world.lives, worker, world.lives[worker] + 1)
            yield f"worker {worker} enters", _turn(world._replace(lives=lives), worker, Phase.ALIVE)
        if phase is Phase.ALIVE and left.crashes:
            poorer = world._replace(left=left._replace(crashes=left.crashes - 1))
            yield f"worker {worker} dies", _die(poorer, worker, Phase.DEAD)
        if phase is Phase.ALIVE and left.drains:
            poorer = world._replace(left=left._replace(drains=left.drains - 1))
            yield f"worker {worker} is told to end", _turn(poorer, worker, Phase.STOPPING)
        if phase is Phase.ALIVE and left.suspicions:
            poorer = world._replace(left=left._replace(suspicions=left.suspicions - 1))
            yield f"worker {worker} is taken for dead", _turn(poorer, worker, Phase.SUSPECTED)
        if phase is Phase.STOPPING and busy:
            yield f"worker {worker} ends at once", _die(world, worker, Phase.DEAD_STOPPING)
        if phase in {Phase.STOPPING, Phase.STRUCK_OFF} and not busy:
            yield f"worker {worker} leaves", _turn(world, worker, Phase.OFF)
        if phase is Phase.SUSPECTED:
            yield f"worker {worker} is struck off", _turn(world, worker, Phase.STRUCK_OFF)
        if phase in {Phase.DEAD, Phase.DEAD_STOPPING} and not self._owns(worker, world):
            yield f"worker {worker} is forgotten", _turn(world, worker, Phase.OFF)

    def _claims(self, worker: int, world: World) -> Steps:
        if world.phases[worker] not in CLAIMS:
            return
        rows = [self.catalogue.rows[number] for number in world.jobs]
        waiting = [job for job, row in enumerate(rows) if row.claimable]
        if not waiting or not self.rules.has_room(_occupied(rows), self.limit):
            return
        job = waiting[0]
        if world.cancelled[job]:
            raise Violation("S9", f"job {job} is claimed after its cancel was acknowledged")
        number = self.catalogue.claim(world.jobs[job], _id(worker, world))
        _check_step(rows[job], self.catalogue.rows[number])
        claimed = _with_row(world, job, number)
        yield f"worker {worker} claims job {job}", _hold(claimed, Hold(worker, job, number, RUNS))
        if world.left.lost_answers:
            yield f"worker {worker} claims job {job} and never hears of it", _loses(claimed)

    def _strays(self, worker: int, world: World) -> Steps:
        """A renewal shows a worker that it owns what it never began: it gives that back."""
        if world.phases[worker] not in HONEST:
            return
        for job, number in enumerate(world.jobs):
            mine = self.catalogue.rows[number].worker == _id(worker, world)
            if mine and not any(h.worker == worker and h.job == job for h in world.holds):
                stray = Hold(worker, job, number, YIELDED)
                yield f"worker {worker} gives back the stray job {job}", _hold(world, stray)

    # --- attempts end

    def _ends(self, hold: Hold, world: World) -> Steps:
        if hold.stage != RUNS:
            yield from self._sends(hold, world)
            return
        for outcome, verb in ((SUCCEEDED, "succeeds"), (FAILED, "fails")):
            ended = _swap(world, hold, hold._replace(stage=outcome))
            yield f"job {hold.job} {verb} on worker {hold.worker}", ended
        if self._was_told_to_stop(hold, world):
            ended = _swap(world, hold, hold._replace(stage=YIELDED))
            yield f"job {hold.job} stops on worker {hold.worker}", ended

    def _was_told_to_stop(self, hold: Hold, world: World) -> bool:
        row, copy = self.catalogue.rows[world.jobs[hold.job]], self.catalogue.rows[hold.copy]
        return (
            world.phases[hold.worker] is Phase.STOPPING
            or row.token != copy.token
            or row.state is not State.RUNNING
            or row.requested is not None
        )

    def _sends(self, hold: Hold, world: World) -> Steps:
        """The outcome arrives at the store; where the row is newer it is decided again."""
        row = world.jobs[hold.job]
        label = f"worker {hold.worker} sends the outcome {hold.stage} of job {hold.job}"
        after = self.catalogue.applied(row, hold.copy, hold.stage)
        if after is not None:
            self._check_holder(hold, world)
            applied = _with_row(world, hold.job, after)
            yield label, _swap(applied, hold, None)
            if world.left.lost_answers:
                yield f"{label} and gets no answer", _loses(applied)
            return
        anew = self.catalogue.seen_anew(hold.copy, row, hold.stage)
        again = None if anew is None else hold._replace(copy=anew)
        yield f"{label} and is refused", _swap(world, hold, again)

    def _check_holder(self, hold: Hold, world: World) -> None:
        row, copy = self.catalogue.rows[world.jobs[hold.job]], self.catalogue.rows[hold.copy]
        if row.token != copy.token or row.worker != copy.worker:
            raise Violation("S4", f"a stale holder changed job {hold.job}")

    # --- wishes and care

    def _asks(self, job: int, world: World) -> Steps:
        """Somebody reads the job and decides to cancel; later the decision arrives."""
        row, copy = world.jobs[job], world.asks[job]
        if copy == NOBODY:
            if not world.cancelled[job] and self.catalogue.request(row) is not None:
                yield f"a cancel of job {job} is decided", _asking(world, job, row)
            return
        after = self.catalogue.applied(row, copy, -1)
        if after is None:
            yield f"the cancel of job {job} is refused", _asking(world, job, NOBODY)
            return
        applied = _with_row(world, job, after)
        applied = applied._replace(cancelled=_put(world.cancelled, job, True))
        yield f"the cancel of job {job} is acknowledged", _asking(applied, job, NOBODY)
        if world.left.lost_answers:
            yield f"the cancel of job {job} arrives, its answer is lost", _loses(applied)

    def _cares(self, job: int, world: World) -> Steps:
        """Whoever finds a dead worker's job decides what becomes of it; later that arrives."""
        row, (copy, outcome) = world.jobs[job], world.cares[job]
        if copy == NOBODY:
            found = self._found_lost(job, world)
            if found is not None:
                yield f"job {job} is found lost", _caring(world, job, row, found)
            return
        after = self.catalogue.applied(row, copy, outcome)
        applied = world if after is None else _with_row(world, job, after)
        yield f"job {job} is rescued" if after else "too late", _caring(applied, job, NOBODY, 0)
        if after is not None and world.left.lost_answers:
            yield f"job {job} is rescued, the answer is lost", _loses(applied)

    def _found_lost(self, job: int, world: World) -> int | None:
        """Return the outcome of a job whose owner is taken for dead or is not known any more."""
        owner = self.catalogue.rows[world.jobs[job]].worker
        if owner is None:
            return None
        for worker in WORKERS:
            if _id(worker, world) == owner and world.phases[worker] in TAKEN_FOR_DEAD:
                return YIELDED if world.phases[worker] is Phase.DEAD_STOPPING else CRASHED
            if _id(worker, world) == owner and world.phases[worker] in HONEST:
                return None
        return CRASHED

    def _owns(self, worker: int, world: World) -> bool:
        owner = _id(worker, world)
        return any(self.catalogue.rows[number].worker == owner for number in world.jobs)

    # --- what must hold in every state

    def _check(self, world: World) -> None:
        rows = [self.catalogue.rows[number] for number in world.jobs]
        if self.limit is not None and _occupied(rows) > self.limit:
            raise Violation("S12", f"{_occupied(rows)} slots are taken of {self.limit}")
        for number, row in zip(world.jobs, rows, strict=True):
            if number != NOBODY:
                _check_row(row)
        self._check_holds(world, rows)

    def _check_holds(self, world: World, rows: list[Job]) -> None:
        leases = [(hold.job, self.catalogue.rows[hold.copy].token) for hold in world.holds]
        if len(set(leases)) < len(leases):
            raise Violation("S2", "two holders have the same job under the same token")
        for hold in world.holds:
            if hold.stage != RUNS or world.phases[hold.worker] not in HONEST:
                continue
            row, copy = rows[hold.job], self.catalogue.rows[hold.copy]
            if row.state is not State.RUNNING:
                raise Violation("S10", f"job {hold.job} is {row.state} and its code runs")
            if row.token != copy.token or row.worker != copy.worker:
                raise Violation("S2", f"job {hold.job} has another owner and its code still runs")


def _check_row(row: Job) -> None:
    """Hold the row against itself: counters agree, and what does not run holds nothing."""
    runs = row.state is State.RUNNING
    if row.occupies_slot is not runs or (row.worker is not None) is not runs:
        raise Violation("S12", f"job {row.id} is {row.state} with the wrong owner or slot")
    ended_by_crash = row.error is not None and row.error.code == "crash-loop"
    expected = row.token - row.interrupts - row.crashes + ended_by_crash
    if row.attempt != expected:
        raise Violation("S3", f"job {row.id} is at attempt {row.attempt}, not {expected}")
    if row.crashes > lifecycle.MAX_CRASHES or (
        row.crashes == lifecycle.MAX_CRASHES and row.state is not State.FAILED
    ):
        raise Violation("S19", f"job {row.id} crashed {row.crashes} times and is {row.state}")


def _check_step(row: Job, after: Job) -> None:
    """Hold a step of one job against the diagram, and its counters against those before."""
    if row.state in FINISHED:
        raise Violation("S5", f"job {row.id} was {row.state} and changed")
    if (row.state.value, after.state.value) not in STEPS:
        raise Violation("S6", f"job {row.id} went from {row.state} to {after.state}")
    if after.version != row.version + 1:
        raise Violation("S22", f"job {row.id} went from version {row.version} to {after.version}")
    if (row.state, after.state) == (State.QUEUED, State.RUNNING):
        if after.token != row.token + 1:
            raise Violation("S3", f"job {row.id} is claimed again under token {after.token}")
    elif after.token != row.token:
        raise Violation("S4", f"a holder of token {after.token} changed job {row.id}")


def _occupied(rows: list[Job]) -> int:
    return sum(row.occupies_slot for row in rows)


def _id(worker: int, world: World) -> int:
    return 10 * world.lives[worker] + worker + 1


def _put(values: tuple[V, ...], index: int, value: V) -> tuple[V, ...]:
    return (*values[:index], value, *values[index + 1 :])


def _with_row(world: World, job: int, row: int) -> World:
    return world._replace(jobs=_put(world.jobs, job, row))


def _turn(world: World, worker: int, phase: Phase) -> World:
    phases = (*world.phases[:worker], phase, *world.phases[worker + 1 :])
    return world._replace(phases=phases)


def _die(world: World, worker: int, phase: Phase) -> World:
    """A process ends: its code and all that it had not sent yet are gone."""
    holds = tuple(hold for hold in world.holds if hold.worker != worker)
    return _turn(world._replace(holds=holds), worker, phase)


def _hold(world: World, hold: Hold) -> World:
    return world._replace(holds=tuple(sorted((*world.holds, hold))))


def _swap(world: World, hold: Hold, other: Hold | None) -> World:
    kept = [h for h in world.holds if h != hold]
    return world._replace(holds=tuple(sorted(kept if other is None else [*kept, other])))


def _loses(world: World) -> World:
    left = world.left._replace(lost_answers=world.left.lost_answers - 1)
    return world._replace(left=left)


def _asking(world: World, job: int, copy: int) -> World:
    return world._replace(asks=_put(world.asks, job, copy))


def _caring(world: World, job: int, copy: int, outcome: int) -> World:
    cares = (*world.cares[:job], (copy, outcome), *world.cares[job + 1 :])
    return world._replace(cares=cares)
