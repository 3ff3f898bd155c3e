"""The checks of what stands still, and of what jobs have kept for their next attempt."""

from collections import defaultdict

from offload.lifecycle import CANCEL_REQUESTED, COMPLETED
from offload.model import State
from tests.simulation.checks.check import Violations
from tests.simulation.checks.running import Runs
from tests.simulation.history import (
    AskedElsewhere,
    Begun,
    Committed,
    Entered,
    Entry,
    Found,
    History,
    StartedElsewhere,
    Stepped,
    StopHeard,
    TakenForDead,
    Told,
    ToldToEnd,
)

GOES_ON = {CANCEL_REQUESTED, COMPLETED}
"""After these the code of a paused job may tidy up: it is shown as cancelling."""


class Still:
    """Which jobs stand still at this point of a history, by what is stored.

    Attributes:
        jobs: their ids.
        anew: those that were not still before the last entry.
    """

    def __init__(self) -> None:
        self.jobs: set[int] = set()
        self.anew: set[int] = set()

    def take(self, entry: Committed) -> None:
        """Follow the history by one transaction."""
        before = set(self.jobs)
        for event in entry.events:
            if event.state is State.PAUSED and event.kind not in GOES_ON:
                self.jobs.add(event.job_id)
            else:
                self.jobs.discard(event.job_id)
        self.anew = self.jobs - before


class Obeying:
    """Which runs may tidy up though their job is paused.

    No pause moves a deadline or holds up the end of a process: their code was told to stop.
    """

    def __init__(self) -> None:
        self._have_deadline: set[int] = set()
        self._ending: set[str] = set()
        self._told: set[int] = set()

    def take(self, entry: Entry) -> None:
        """Follow the history by one entry."""
        match entry:
            case Committed():
                late = {row.id for row in entry.new if row.options.deadline is not None}
                self._have_deadline |= late
            case ToldToEnd():
                self._ending.add(entry.process)
            case StopHeard():
                self._told.add(entry.run)

    def may_step(self, run: Begun) -> bool:
        """Whether its code was told to stop for such a reason."""
        has_reason = run.job in self._have_deadline or run.process in self._ending
        return has_reason and run.run in self._told


def paused_code_takes_no_step(history: History) -> Violations:
    """S10: while a job is stored as paused its code takes no step, unless to obey."""
    runs, still, obeying = Runs(), Still(), Obeying()
    for entry in history:
        runs.take(entry)
        obeying.take(entry)
        if isinstance(entry, Committed):
            still.take(entry)
        elif isinstance(entry, Stepped) and entry.run in runs.open:
            run = runs.open[entry.run]
            counts = run in runs.that_count(run.job)
            if run.job in still.jobs and counts and not obeying.may_step(run):
                yield f"job {run.job} is paused and has taken a step at {entry.at:.3f}"


def paused_work_is_not_asked_about(history: History) -> Violations:
    """S10: nobody who counts asks about the work of a paused job."""
    still, dead = Still(), set[int]()
    jobs: dict[int, int] = {}
    owner: dict[int, int | None] = {}
    processes: dict[int, str] = {}
    for entry in history:
        match entry:
            case Entered():
                processes[entry.worker] = entry.process
            case TakenForDead():
                dead.add(entry.worker)
            case StartedElsewhere():
                jobs[entry.handle] = entry.job
            case Committed():
                still.take(entry)
                owner |= {event.job_id: event.worker for event in entry.events}
            case AskedElsewhere():
                job = jobs[entry.handle]
                holder = owner.get(job)
                is_its_own = holder is not None and processes[holder] == entry.process
                if job in still.jobs and is_its_own and holder not in dead:
                    yield f"job {job} is paused and was asked about at {entry.at:.3f}"


def paused_jobs_keep_what_they_have(history: History) -> Violations:
    """S11: while a job is paused its checkpoint is the same."""
    still = Still()
    saved: dict[int, bytes] = {}
    for entry in history.of(Committed):
        still.take(entry)
        for job in still.jobs - still.anew:
            if entry.saved.get(job) != saved.get(job):
                yield f"job {job} is paused and has kept something at {entry.at:.3f}"
        saved = entry.saved


def what_succeeded_keeps_nothing(history: History) -> Violations:
    """S18: a checkpoint is for a next attempt; a job that has succeeded has none."""
    for entry in history.of(Committed):
        for event in entry.events:
            if event.state is State.SUCCEEDED and event.job_id in entry.saved:
                yield f"job {event.job_id} has succeeded at {entry.at:.3f} and keeps a checkpoint"


def the_last_checkpoint_is_found(history: History) -> Violations:
    """P6, S18: an attempt finds the last checkpoint that was acknowledged, or a later one.

    Never one of a run that told it when another one had the job already.
    """
    begun: dict[int, Begun] = {}
    newest: dict[int, int] = {}
    told: dict[int, set[tuple[int, int]]] = defaultdict(set)
    acknowledged: dict[int, int] = defaultdict(int)
    for entry in history:
        match entry:
            case Begun():
                begun[entry.run] = entry
                newest[entry.job] = max(entry.token, newest.get(entry.job, 0))
            case Told():
                run = begun[entry.run]
                if entry.is_stored:
                    acknowledged[run.job] = max(acknowledged[run.job], entry.done)
                elif run.token == newest[run.job]:
                    told[run.job].add((entry.done, entry.run))
            case Found():
                run = begun[entry.run]
                if run.token < newest[run.job]:
                    continue
                if entry.done < acknowledged[run.job]:
                    last = acknowledged[run.job]
                    yield f"job {run.job} goes on from {entry.done} and had acknowledged {last}"
                if entry.done and (entry.done, entry.by) not in told[run.job]:
                    yield f"job {run.job} goes on from {entry.done} of run {entry.by}, a stale one"
