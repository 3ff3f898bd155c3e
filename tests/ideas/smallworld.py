"""Two workers and two jobs: the real rules of `lifecycle` around a store made of plain records.

Everybody who decides does so from a row that may be old: a worker, whoever asks for a cancel, and
whoever cares for lost jobs read, decide and send in separate steps, and between any two of them
anything may happen. An answer may be lost and the same thing sent again; a worker may die, be told
to end, or be taken for dead while it still runs (then it is dishonest: it believes that it owns).

Where a job is `polled` its code only starts work elsewhere; the job then waits without a slot, and
whoever claims it later goes on asking. What decides is in `smallrules`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from offload.lifecycle import Move
from offload.model import FINISHED, Job, OnCrash, State, Wish
from tests.ideas.samples import a_job
from tests.ideas.searching import Violation
from tests.ideas.smallrules import (
    CANCELS,
    CRASHED,
    FAILED,
    GOES_ON,
    LEFT,
    LOST,
    PAUSES,
    RESUMES,
    SNOOZED,
    STANDS_STILL,
    STOPPED,
    SUCCEEDED,
    TRIES_ANEW,
    WAITS_ELSEWHERE,
    YIELDED,
    Catalogue,
    Rules,
    check_plain_row,
    check_row,
    check_step,
)

V = TypeVar("V")

RUNS = -1
"""The stage of a hold whose code still runs; afterwards it is the number of its outcome."""

TELLS, ASKS = WAITS_ELSEWHERE, -4
"""Further stages where the work goes on elsewhere: its handle is to be stored; it is asked about.
"""

FROZEN = -5
"""The stage of a hold whose code stands still, and is known to: the others are about to be."""

FREEZING = STANDS_STILL
"""It stands still, and that is on its way to the store."""

WORKERS = (0, 1)
NOBODY = 0


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
CLAIMS = frozenset({Phase.ALIVE, Phase.SUSPECTED})
TAKEN_FOR_DEAD = frozenset({Phase.DEAD, Phase.DEAD_STOPPING, Phase.SUSPECTED})


class Budget(NamedTuple):
    """How often each misfortune may still happen; it makes the world finite."""

    crashes: int
    drains: int
    suspicions: int
    lost_answers: int
    snoozes: int = 0
    new_tries: int = 0
    pauses: int = 0
    resumes: int = 0


class Elsewhere(IntEnum):
    """How it stands with the work that a job has started elsewhere."""

    NOTHING = 0
    KNOWN = 1
    TOLD = 2


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
        asks: per job the row from which a wish was decided that is on its way, and the wish.
        cares: per job the row and the outcome of a rescue that is on its way.
        cancelled: per job whether a cancel was acknowledged.
        begun: per job how often its code has begun since it was given an attempt anew.
        works: per job what is stored of its work elsewhere, and whether that was told of a cancel.
    """

    jobs: tuple[int, ...]
    phases: tuple[Phase, ...]
    lives: tuple[int, ...]
    holds: tuple[Hold, ...]
    asks: tuple[tuple[int, int], ...]
    cares: tuple[tuple[int, int], ...]
    cancelled: tuple[bool, ...]
    begun: tuple[int, ...]
    works: tuple[Elsewhere, ...]
    left: Budget


_WISHES = {CANCELS: "cancel", PAUSES: "pause", RESUMES: "resume"}

Steps = Iterator[tuple[str, World]]


@dataclass(slots=True)
class SmallWorld:
    """What can happen in a world, step by step; `steps` is what a search calls."""

    limit: int | None
    budget: Budget
    jobs: int = 2
    job: Job = field(default_factory=a_job)
    polled: bool = False
    rules: Rules = field(default_factory=Rules)
    catalogue: Catalogue = field(init=False)

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(self.rules)

    @property
    def is_plain(self) -> bool:
        """Whether only interrupts and crashes give an attempt back."""
        left = self.budget
        return not (self.polled or left.snoozes or left.new_tries or left.pauses) and (
            self.job.options.on_crash is OnCrash.AGAIN
        )

    def first(self) -> World:
        """Nothing was started and nobody works."""
        none = (NOBODY,) * self.jobs
        return World(
            jobs=none,
            phases=(Phase.OFF,) * len(WORKERS),
            lives=(0,) * len(WORKERS),
            holds=(),
            asks=((NOBODY, 0),) * self.jobs,
            cares=((NOBODY, 0),) * self.jobs,
            cancelled=(False,) * self.jobs,
            begun=(0,) * self.jobs,
            works=(Elsewhere.NOTHING,) * self.jobs,
            left=self.budget,
        )

    def is_final(self, world: World) -> bool:
        """Every job that was started has its outcome or stands still as wanted; no code runs."""
        rows = self.catalogue.rows
        return all(hold.stage == FROZEN for hold in world.holds) and all(
            number == NOBODY or rows[number].state in FINISHED or _stands_still(rows[number])
            for number in world.jobs
        )

    def by_itself(self, label: str) -> bool:
        """Say whether a step needs nobody outside: no start, and no cancel to end it all."""
        return not label.startswith(("start", "a wish", "somebody"))

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
                yield from self._comes_due(job, world)
                yield from self._tries_anew(job, world)
                yield from self._cares(job, world)

    # --- jobs and workers come and go

    def _starts(self, world: World) -> Steps:
        if NOBODY in world.jobs:
            job = world.jobs.index(NOBODY)
            row = self.catalogue.number(replace(self.job, id=job + 1))
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
        resuming = [job for job, row in enumerate(rows) if _waits_to_go_on(row)]
        mine = [job for job in resuming if rows[job].worker == _id(worker, world)]
        if mine:
            yield from self._takes_back(worker, mine[0], world)
            return
        waiting = [job for job, row in enumerate(rows) if row.claimable]
        if not waiting or not self.rules.has_room(_occupied(rows) + len(resuming), self.limit):
            return
        job = min(waiting, key=lambda job: (not rows[job].ahead, job))
        is_to_be_told = rows[job].requested is Wish.CANCEL and rows[job].handle is not None
        if world.cancelled[job] and not is_to_be_told:
            raise Violation("S9", f"job {job} is claimed after its cancel was acknowledged")
        number = self.catalogue.claim(world.jobs[job], _id(worker, world))
        check_step(rows[job], self.catalogue.rows[number], Move.CLAIM)
        claimed = _with_row(world, job, number)
        held = _hold(claimed, Hold(worker, job, number, RUNS))
        yield f"worker {worker} claims job {job}", self._begins(held, worker, job, number)
        if world.left.lost_answers:
            yield f"worker {worker} claims job {job} and never hears of it", _loses(claimed)

    def _takes_back(self, worker: int, job: int, world: World) -> Steps:
        """A worker's own paused job goes on, ahead of all others, when there is room."""
        rows = [self.catalogue.rows[number] for number in world.jobs]
        if not self.rules.may_resume(_occupied(rows), self.limit):
            return
        after = self.catalogue.applied(world.jobs[job], world.jobs[job], GOES_ON)
        assert after is not None
        resumed = _with_row(world, job, after)
        for hold in world.holds:
            if (hold.worker, hold.job) == (worker, job) and hold.stage == FROZEN:
                resumed = _swap(resumed, hold, hold._replace(copy=after, stage=RUNS))
        yield f"worker {worker} takes job {job} back", resumed

    def _begins(self, world: World, worker: int, job: int, number: int) -> World:
        """Note that code begins; what must not be repeated begins once, where anybody knows."""
        row = self.catalogue.rows[number]
        if row.options.on_crash is OnCrash.AGAIN or self.polled:
            return world
        begun = _put(world.begun, job, world.begun[job] + 1)
        if begun[job] > 1:
            raise Violation("S3", f"job {job} is not to be repeated and begins again")
        return world._replace(begun=begun)

    def _strays(self, worker: int, world: World) -> Steps:
        """A renewal shows a worker that it owns what it never began: it gives that back."""
        if world.phases[worker] not in HONEST:
            return
        for job, number in enumerate(world.jobs):
            mine = self.catalogue.rows[number].worker == _id(worker, world)
            if mine and not any(h.worker == worker and h.job == job for h in world.holds):
                stray = Hold(worker, job, number, LOST)
                yield f"worker {worker} gives back the stray job {job}", _hold(world, stray)

    # --- attempts end

    def _ends(self, hold: Hold, world: World) -> Steps:
        if hold.stage >= 0:
            yield from self._sends(hold, world)
        elif hold.stage == FREEZING:
            yield from self._stores_its_pause(hold, world)
        elif hold.stage == FROZEN:
            yield from self._is_frozen(hold, world)
        elif hold.stage == TELLS:
            yield from self._stores_its_handle(hold, world)
        elif hold.stage == RUNS and self.polled:
            yield from self._goes_elsewhere(hold, world)
        else:
            yield from self._code_ends(hold, world)

    def _code_ends(self, hold: Hold, world: World) -> Steps:
        yield from self._hears_of_a_pause(hold, world)
        self._check_keeping(hold, world)
        where = f"job {hold.job} %s on worker {hold.worker}"
        for outcome, verb in ((SUCCEEDED, "succeeds"), (FAILED, "fails")):
            yield where % verb, _swap(world, hold, hold._replace(stage=outcome))
        if world.left.snoozes and not self.polled:
            left = world.left._replace(snoozes=world.left.snoozes - 1)
            poorer = world._replace(left=left)
            yield where % "snoozes", _swap(poorer, hold, hold._replace(stage=SNOOZED))
        outcome_of_stop = self._told_to_stop(hold, world)
        if outcome_of_stop is not None:
            stopped = _swap(world, hold, hold._replace(stage=outcome_of_stop))
            if hold.stage == ASKS and outcome_of_stop == STOPPED:
                works = _put(world.works, hold.job, Elsewhere.TOLD)
                stopped = stopped._replace(works=works)
            yield where % "stops", stopped

    def _told_to_stop(self, hold: Hold, world: World) -> int | None:
        """Return how code ends that obeys what it was told; None where it was told nothing."""
        row, copy = self.catalogue.rows[world.jobs[hold.job]], self.catalogue.rows[hold.copy]
        phase = world.phases[hold.worker]
        if phase in {Phase.SUSPECTED, Phase.STRUCK_OFF} and not self.is_plain:
            return LEFT
        if row.token != copy.token or not row.is_owned:
            return YIELDED if self.is_plain else LEFT
        if row.requested is Wish.CANCEL and phase is not Phase.STOPPING:
            return STOPPED
        return YIELDED if phase is Phase.STOPPING else None

    # --- standing still

    def _hears_of_a_pause(self, hold: Hold, world: World) -> Steps:
        """The code stands still as soon as its holder hears that it is to."""
        row, copy = self.catalogue.rows[world.jobs[hold.job]], self.catalogue.rows[hold.copy]
        is_its_own = row.token == copy.token and row.is_owned
        if is_its_own and row.requested is Wish.PAUSE and world.phases[hold.worker] in HONEST:
            still = hold._replace(copy=world.jobs[hold.job], stage=FREEZING)
            yield f"job {hold.job} stands still on worker {hold.worker}", _swap(world, hold, still)

    def _stores_its_pause(self, hold: Hold, world: World) -> Steps:
        """That code stands still arrives; nobody may want it any more, or have the job."""
        row, where = world.jobs[hold.job], f"job {hold.job} on worker {hold.worker}"
        goes_on = hold._replace(stage=ASKS if self.polled else RUNS)
        if self.catalogue.request(hold.copy, STANDS_STILL) is None:
            yield f"nobody wants {where} to stand still", _swap(world, hold, goes_on)
            return
        after = self.catalogue.applied(row, hold.copy, STANDS_STILL)
        if after is not None:
            self._check_holder(hold, world)
            frozen = _swap(
                _with_row(world, hold.job, after), hold, hold._replace(copy=after, stage=FROZEN)
            )
            yield f"{where} is paused", frozen
            return
        current, copy = self.catalogue.rows[row], self.catalogue.rows[hold.copy]
        is_ours = self.rules.is_ours(copy, current)
        again = hold._replace(copy=row) if is_ours else goes_on
        yield f"the pause of {where} is refused", _swap(world, hold, again)

    def _is_frozen(self, hold: Hold, world: World) -> Steps:
        """Frozen code does nothing but stop when it is told to; work elsewhere is asked again."""
        outcome = self._told_to_stop(hold, world)
        if outcome is not None:
            stopped = _swap(world, hold, hold._replace(stage=outcome))
            if self.polled and outcome == STOPPED:
                stopped = stopped._replace(works=_put(world.works, hold.job, Elsewhere.TOLD))
            yield f"frozen job {hold.job} stops on worker {hold.worker}", stopped
        row = self.catalogue.rows[world.jobs[hold.job]]
        if self.polled and row.requested is Wish.RESUME and outcome is None:
            after = self.catalogue.applied(world.jobs[hold.job], world.jobs[hold.job], GOES_ON)
            assert after is not None
            asks = hold._replace(copy=after, stage=ASKS)
            resumed = _swap(_with_row(world, hold.job, after), hold, asks)
            yield f"job {hold.job} is asked about again by worker {hold.worker}", resumed

    def _check_keeping(self, hold: Hold, world: World) -> None:
        """Running code may keep a checkpoint at any moment: a stale holder's is refused."""
        row, copy = self.catalogue.rows[world.jobs[hold.job]], self.catalogue.rows[hold.copy]
        is_its_own = row.token == copy.token and row.worker == copy.worker
        if self.rules.may_keep(copy, row) and not is_its_own:
            raise Violation("S18", f"a stale holder of job {hold.job} keeps a checkpoint")

    # --- work elsewhere

    def _goes_elsewhere(self, hold: Hold, world: World) -> Steps:
        """Start the work, or go on with what was started; a stop before that starts nothing."""
        row = self.catalogue.rows[hold.copy]
        if not self.rules.starts_elsewhere(row):
            adopted = _swap(world, hold, hold._replace(stage=TELLS))
            yield f"worker {hold.worker} adopts the work of job {hold.job}", adopted
            return
        current = self.catalogue.rows[world.jobs[hold.job]]
        is_owner = world.phases[hold.worker] in HONEST and current.token == row.token
        if is_owner and world.works[hold.job] is not Elsewhere.NOTHING:
            raise Violation("S3", f"the work of job {hold.job} is started again")
        started = _swap(world, hold, hold._replace(stage=TELLS))
        yield f"worker {hold.worker} starts the work of job {hold.job}", started
        failed = _swap(world, hold, hold._replace(stage=FAILED))
        yield f"worker {hold.worker} cannot start the work of job {hold.job}", failed

    def _stores_its_handle(self, hold: Hold, world: World) -> Steps:
        row = world.jobs[hold.job]
        after = self.catalogue.applied(row, hold.copy, WAITS_ELSEWHERE)
        label = f"worker {hold.worker} stores the handle of job {hold.job}"
        if after is not None:
            self._check_holder(hold, world)
            waits = _with_row(world, hold.job, after)
            if world.works[hold.job] is Elsewhere.NOTHING:
                waits = waits._replace(works=_put(world.works, hold.job, Elsewhere.KNOWN))
            yield label, _swap(waits, hold, hold._replace(copy=after, stage=ASKS))
            return
        anew = self.catalogue.seen_anew(hold.copy, row, WAITS_ELSEWHERE)
        again = None if anew is None else hold._replace(copy=anew)
        yield f"{label} and is refused", _swap(world, hold, again)

    def _sends(self, hold: Hold, world: World) -> Steps:
        """The outcome arrives at the store; where the row is newer it is decided again."""
        row = world.jobs[hold.job]
        label = f"worker {hold.worker} sends the outcome {hold.stage} of job {hold.job}"
        after = self.catalogue.applied(row, hold.copy, hold.stage)
        if after is not None:
            self._check_holder(hold, world)
            applied = self._with_end(_with_row(world, hold.job, after), hold.job, hold.stage)
            yield label, _swap(applied, hold, None)
            if world.left.lost_answers:
                yield f"{label} and gets no answer", _loses(applied)
            return
        anew = self.catalogue.seen_anew(hold.copy, row, hold.stage)
        again = None if anew is None else hold._replace(copy=anew)
        yield f"{label} and is refused", _swap(world, hold, again)

    def _with_end(self, world: World, job: int, outcome: int) -> World:
        """Look at work elsewhere whose job has come to an end, or to another attempt."""
        row, work = self.catalogue.rows[world.jobs[job]], world.works[job]
        goes_on = work is Elsewhere.KNOWN and outcome != FAILED
        if row.state is State.CANCELLED and goes_on:
            raise Violation("P4", f"job {job} is cancelled and its work was not told")
        if outcome == FAILED:
            if row.state is State.QUEUED and row.handle is not None:
                raise Violation("S3", f"job {job} goes on waiting for work that has failed")
            return world._replace(works=_put(world.works, job, Elsewhere.NOTHING))
        return world

    def _check_holder(self, hold: Hold, world: World) -> None:
        row, copy = self.catalogue.rows[world.jobs[hold.job]], self.catalogue.rows[hold.copy]
        if row.token != copy.token or row.worker != copy.worker:
            raise Violation("S4", f"a stale holder changed job {hold.job}")

    # --- wishes and care

    def _asks(self, job: int, world: World) -> Steps:
        """Somebody reads the job and decides what to ask of it; later the decision arrives."""
        row, (copy, wish) = world.jobs[job], world.asks[job]
        if copy == NOBODY:
            yield from self._decides_a_wish(job, world)
            return
        name = _WISHES[wish]
        after = self.catalogue.applied(row, copy, wish)
        if after is None:
            yield f"the {name} of job {job} is refused", _asking(world, job, NOBODY, 0)
            return
        applied = _with_row(world, job, after)
        applied = self._with_end(applied, job, wish)
        if wish == CANCELS:
            applied = applied._replace(cancelled=_put(world.cancelled, job, True))
        yield f"the {name} of job {job} is acknowledged", _asking(applied, job, NOBODY, 0)
        if world.left.lost_answers:
            yield f"the {name} of job {job} arrives, its answer is lost", _loses(applied)

    def _decides_a_wish(self, job: int, world: World) -> Steps:
        row, left = world.jobs[job], world.left
        if not world.cancelled[job] and self.catalogue.request(row) is not None:
            yield f"a wish to cancel job {job} is decided", _asking(world, job, row, CANCELS)
        if left.pauses and self.catalogue.request(row, PAUSES) is not None:
            poorer = world._replace(left=left._replace(pauses=left.pauses - 1))
            yield f"a wish to pause job {job} is decided", _asking(poorer, job, row, PAUSES)
        if left.resumes and self.catalogue.request(row, RESUMES) is not None:
            poorer = world._replace(left=left._replace(resumes=left.resumes - 1))
            yield f"a wish to resume job {job} is decided", _asking(poorer, job, row, RESUMES)

    def _cares(self, job: int, world: World) -> Steps:
        """Whoever finds a dead worker's job decides what becomes of it; later that arrives."""
        row, (copy, outcome) = world.jobs[job], world.cares[job]
        if copy == NOBODY:
            found = self._found_lost(job, world)
            if found is not None:
                yield f"job {job} is found lost", _caring(world, job, row, found)
            return
        after = self.catalogue.applied(row, copy, outcome)
        applied = world
        if after is not None:
            applied = self._with_end(_with_row(world, job, after), job, outcome)
            self._check_adopted(applied, job)
        yield f"job {job} is rescued" if after else "too late", _caring(applied, job, NOBODY, 0)
        if after is not None and world.left.lost_answers:
            yield f"job {job} is rescued, the answer is lost", _loses(applied)

    def _check_adopted(self, world: World, job: int) -> None:
        """Work that goes on elsewhere is not lost with who asked about it."""
        row = self.catalogue.rows[world.jobs[job]]
        is_known = world.works[job] is not Elsewhere.NOTHING
        if is_known and row.error is not None and row.error.code == "lost":
            raise Violation("S3", f"job {job} is lost, and its work elsewhere goes on")

    def _comes_due(self, job: int, world: World) -> Steps:
        row = self.catalogue.rows[world.jobs[job]]
        if row.state is State.QUEUED and not row.claimable and row.run_at is not None:
            promoted = self.catalogue.promoted(world.jobs[job])
            yield f"job {job} comes due", _with_row(world, job, promoted)

    def _tries_anew(self, job: int, world: World) -> Steps:
        """Somebody tries a job anew that has ended; its whole story begins again."""
        row = self.catalogue.rows[world.jobs[job]]
        if not world.left.new_tries or row.state not in {State.FAILED, State.CANCELLED}:
            return
        after = self.catalogue.applied(world.jobs[job], world.jobs[job], TRIES_ANEW)
        assert after is not None
        left = world.left._replace(new_tries=world.left.new_tries - 1)
        anew = _with_row(world, job, after)._replace(
            left=left,
            cancelled=_put(world.cancelled, job, False),
            begun=_put(world.begun, job, 0),
            works=_put(world.works, job, Elsewhere.NOTHING),
        )
        yield f"somebody tries job {job} anew", anew

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
        return LEFT

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
                check_row(row)
                if self.is_plain:
                    check_plain_row(row)
        self._check_holds(world, rows)

    def _check_holds(self, world: World, rows: list[Job]) -> None:
        leases = [(hold.job, self.catalogue.rows[hold.copy].token) for hold in world.holds]
        if len(set(leases)) < len(leases):
            raise Violation("S2", "two holders have the same job under the same token")
        for hold in world.holds:
            if hold.stage not in {RUNS, ASKS} or world.phases[hold.worker] not in HONEST:
                continue
            row, copy = rows[hold.job], self.catalogue.rows[hold.copy]
            if row.state is not State.RUNNING:
                raise Violation("S10", f"job {hold.job} is {row.state} and its code runs")
            if row.token != copy.token or row.worker != copy.worker:
                raise Violation("S2", f"job {hold.job} has another owner and its code still runs")


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


def _asking(world: World, job: int, copy: int, wish: int) -> World:
    asks = (*world.asks[:job], (copy, wish), *world.asks[job + 1 :])
    return world._replace(asks=asks)


def _stands_still(row: Job) -> bool:
    return row.state is State.PAUSED and row.requested is None


def _waits_to_go_on(row: Job) -> bool:
    """Whether it waits for a place; what is only asked about again needs none."""
    is_resuming = (row.state, row.requested) == (State.PAUSED, Wish.RESUME)
    return is_resuming and row.handle is None


def _caring(world: World, job: int, copy: int, outcome: int) -> World:
    cares = (*world.cares[:job], (copy, outcome), *world.cares[job + 1 :])
    return world._replace(cares=cares)
