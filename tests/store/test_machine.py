"""A machine drives a store and a plain-dict model side by side; after each step all is equal."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import UNSET, Struct
from msgspec.structs import replace

from offload import lifecycle, pace
from offload.backoff import Backoff
from offload.errors import AlreadyFinished, BeingCancelled, NotAmendable, NotCompletable
from offload.lanes import lane_text
from offload.model import (
    FINISHED,
    PLAIN,
    Cause,
    Crashed,
    Deed,
    Error,
    Failed,
    Held,
    Job,
    JobOptions,
    Lane,
    LogLine,
    Mode,
    NewJob,
    OnCrash,
    Outcome,
    Progress,
    QueueSettings,
    Record,
    Saved,
    Snoozed,
    State,
    Succeeded,
    Usage,
    Vitals,
    Wish,
    Yielded,
)
from offload.store.base import (
    Abandoned,
    Admitted,
    Amend,
    Apply,
    Checked,
    Claim,
    Complete,
    Completed,
    Counts,
    Enter,
    Fire,
    Frozen,
    Get,
    History,
    Insert,
    Keep,
    Kept,
    Leave,
    List,
    Log,
    Look,
    MemberJobs,
    Members,
    Note,
    OldestWaiting,
    Operation,
    Orphans,
    Overdue,
    Owned,
    Paged,
    PausedTasks,
    Promote,
    Prune,
    PutSchedules,
    Queues,
    Records,
    Remove,
    Renew,
    Report,
    Retry,
    Said,
    Save,
    Say,
    Scheduled,
    Schedules,
    SetQueue,
    SetTask,
    Stopping,
    Store,
    Term,
    Worked,
    Workers,
)
from offload.store.sqlite import SQLiteStore
from offload.units import Rate
from tests.store.asking import A_WORKER, BY, LEASE
from tests.store.connections import tapped, without_waiting_for_the_disk
from tests.store.dictstore import DictStore

names = st.sampled_from(["a", "b"])
tasks = st.sampled_from(["render", "fetch"])
workers = st.integers(1, 4)
few = st.integers(0, 3)
sizes = st.sampled_from([0, 1, 2048, 2049])
endings = st.sampled_from(
    ["nothing", "short", "long", "failed", "failed long", "stop", "crash", "snooze", "timeout"]
)
schedule_names = st.sampled_from(["s", "t"])
maybe = st.one_of(st.just(UNSET), st.none(), few)
queue_settings = st.builds(
    QueueSettings,
    limit=maybe,
    capacity=maybe,
    keep=st.one_of(st.just(UNSET), few),
    keep_seconds=st.sampled_from([UNSET, 0.0, 20.0, 86_400.0]),
    keep_bytes=st.sampled_from([UNSET, 0, 2500, 10_000]),
    paused=st.sampled_from([UNSET, UNSET, False, True]),
    paused_reason=st.sampled_from([UNSET, None, "tests"]),
)
words = st.builds(Progress, st.floats(0, 9), st.one_of(st.none(), st.floats(0, 9)))

OUTCOMES: dict[str, Outcome] = {
    "nothing": Succeeded(b""),
    "short": Succeeded(b"1"),
    "long": Succeeded(b"7" * 2049),
    "failed": Failed(Error("exception", "no")),
    "failed long": Failed(Error("exception", "n" * 3000)),
    "stop": Yielded(),
    "crash": Crashed(),
    "snooze": Snoozed(5.0),
    "timeout": Yielded(Cause.TIMEOUT),
}

RATE = Rate(2, 60.0)
LANES = {
    "plain": Lane(),
    "process": Lane(pool="processes"),
    "one gpu": Lane(limits={"gpu": 1}),
    "two gpus": Lane(limits={"gpu": 2}),
    "gpu and disk": Lane(pool="processes", limits={"gpu": 2, "disk": 1}),
    "rated": Lane(rates={"mail": RATE}),
    "rated gpu": Lane(limits={"gpu": 2}, rates={"mail": RATE}),
}
MOST_HOLDERS = {"gpu": 2, "disk": 1}
"""Of the named limits, the highest that any lane says."""

TEXTS = {name: lane_text(lane) for name, lane in LANES.items()}
OPTIONS = {
    "plain": PLAIN,
    "retries": JobOptions(retries=2, backoff=Backoff.fixed(3)),
    "deadline": JobOptions(retries=1, backoff=Backoff.fixed(0), deadline=20.0),
    "once": JobOptions(on_crash=OnCrash.FAIL, timeout=5.0),
    "kept": JobOptions(retain=20.0),
    "gone": JobOptions(retain=0.0),
}
HOUSES = (0, 7, 8)
UNFINISHED = (State.QUEUED, State.RUNNING, State.PAUSED)


class Wanted(Struct, frozen=True):
    """A job to be started, in the words of a rule."""

    task: str
    queue: str
    priority: int
    size: int
    lane: str = "plain"
    options: str = "plain"
    key: str | None = None
    refuse_known: bool = False
    bound_to: int | None = None
    paused: bool = False

    def new(self, now: float, run_at: float | None) -> NewJob:
        options = OPTIONS[self.options]
        return NewJob(
            task=self.task,
            kind="polling" if self.task == "fetch" else "async",
            params=b"7" * self.size,
            queue=self.queue,
            priority=self.priority,
            run_at=run_at,
            owner="ada",
            tags=("x",),
            options=options,
            lane=TEXTS[self.lane],
            key=self.key,
            refuse_known=self.refuse_known,
            bound_to=self.bound_to,
            paused=self.paused,
            deadline_at=None if options.deadline is None else now + options.deadline,
        )


wanted = st.builds(
    Wanted,
    task=tasks,
    queue=names,
    priority=st.integers(-1, 1),
    size=sizes,
    lane=st.sampled_from(["plain", "plain", *LANES]),
    options=st.sampled_from(["plain", *OPTIONS]),
    key=st.sampled_from([None, None, "u", "v"]),
    refuse_known=st.booleans(),
    bound_to=st.sampled_from([None, None, None, 7, 8]),
    paused=st.sampled_from([False, False, True]),
)


class StoreMachine(RuleBasedStateMachine):
    """What anybody may ask of a store, from fresh or stale knowledge, alone or several at once."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.model = DictStore()
        self.store = self.open()
        self.now = 1000.0
        self.token = 0
        self.known: list[Job] = []
        self.waiting: list[Operation[Any]] = []
        self.taken: Counter[str] = Counter()
        self.limits: dict[str, int | None] = {}
        self.has_set_a_limit = False
        self.send(SetQueue("a"), waits=False)  # reading creates no file

    def open(self) -> Store:
        file = Path(self.folder.name) / "offload.db"
        return SQLiteStore(file, connect=tapped(without_waiting_for_the_disk))

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def send(self, operation: Operation[Any], *, waits: bool) -> None:
        """Run it in one transaction with those that wait, or let it wait for the next one."""
        self.waiting.append(operation)
        if waits:
            return
        operations, self.waiting = self.waiting, []
        self.has_set_a_limit = any(isinstance(asked, SetQueue) for asked in operations)
        answers, _ = self.store.run(operations)
        expected = self.model.run(operations)
        for asked, answer, meant in zip(operations, answers, expected, strict=True):
            assert _in_order(answer) == _in_order(meant), asked
        for answer in answers:
            if isinstance(answer, list):
                self.known += [item for item in answer if isinstance(item, Job)]
        applied = [
            change for asked in operations if isinstance(asked, Apply) for change in asked.changes
        ]
        rows = [self.model.jobs.get(change.after.id) for change in applied]
        self.known += [row for row in rows if row is not None]

    # --- rules

    @rule(
        jobs=st.lists(wanted, min_size=1, max_size=3),
        delay=st.sampled_from([None, 0.0, 7.0]),
        key=st.sampled_from([None, None, "k", "l"]),
        digest=st.sampled_from([b"d", b"e"]),
        grouped=st.booleans(),
        waits=st.booleans(),
    )
    def start(
        self,
        *,
        jobs: list[Wanted],
        delay: float | None,
        key: str | None,
        digest: bytes,
        grouped: bool,
        waits: bool,
    ) -> None:
        self.send(self.an_insert(jobs, delay, key, digest, grouped=grouped), waits=waits)

    def an_insert(
        self,
        jobs: list[Wanted],
        delay: float | None = None,
        key: str | None = None,
        digest: bytes = b"",
        *,
        grouped: bool = False,
    ) -> Insert:
        run_at = None if delay is None else self.now + delay
        self.token += 1
        new = tuple(job.new(self.now, run_at) for job in jobs)
        return Insert(new, self.now, BY, self.token, key, digest, grouped)

    @rule(job=wanted, options=st.sampled_from(["plain", "kept", "gone"]), waits=st.booleans())
    def start_and_cancel(self, job: Wanted, options: str, waits: bool) -> None:
        """The short way to an end: what is kept, and for how long, shows there."""
        self.send(self.an_insert([replace(job, options=options)]), waits=False)
        newest = self.model.jobs.get(self.model.issued)
        if newest is not None and newest.state is State.QUEUED:
            change = lifecycle.request(newest, Wish.CANCEL, self.now, BY)
            assert change is not None
            self.send(Apply((change,), self.now), waits=waits)

    @rule(
        worker=workers,
        house=st.sampled_from(HOUSES),
        queues=st.sampled_from([(), (), ("a",), ("b",), ("a", "b")]),
        known=st.sets(tasks),
        slots=st.integers(0, 4),
        processes=st.integers(0, 2),
        waits=st.booleans(),
    )
    def claim(
        self,
        *,
        worker: int,
        house: int,
        queues: tuple[str, ...],
        known: set[str],
        slots: int,
        processes: int,
        waits: bool,
    ) -> None:
        free = {"slots": slots, "processes": processes}
        until = self.now + LEASE
        claim = Claim(worker, house, queues, tuple(sorted(known)), free, self.now, until, BY)
        self.send(claim, waits=waits)

    @precondition(lambda self: self.known)
    @rule(
        ends=st.lists(st.tuples(st.integers(1, 8), endings), min_size=1, max_size=4),
        waits=st.booleans(),
    )
    def conclude(self, ends: list[tuple[int, str]], waits: bool) -> None:
        """Conclude jobs from what was known of them once; often somebody was faster."""
        changes = []
        for back, ending in ends:
            job = self.known[-min(back, len(self.known))]
            if job.is_owned:
                changes.append(lifecycle.conclude(job, OUTCOMES[ending], self.now, BY))
        self.send(Apply(tuple(changes), self.now), waits=waits)

    @precondition(lambda self: self.model.jobs)
    @rule(
        number=st.integers(0, 9),
        wish=st.sampled_from([Wish.CANCEL, Wish.PAUSE, Wish.PAUSE, Wish.RESUME, Wish.RESUME]),
        waits=st.booleans(),
    )
    def request(self, number: int, wish: Wish, waits: bool) -> None:
        """Ask something of a job as it is, or as it was known once."""
        candidates = [*self.known[-4:], *self.model.jobs.values()]
        job = candidates[number % len(candidates)]
        try:
            change = lifecycle.request(job, wish, self.now, BY, "lunch")
        except (AlreadyFinished, BeingCancelled):
            return
        if change is not None:
            self.send(Apply((change,), self.now), waits=waits)

    @precondition(lambda self: self.model.jobs)
    @rule(number=st.integers(0, 9), goes_on=st.booleans(), waits=st.booleans())
    def make_the_wish_true(self, number: int, goes_on: bool, waits: bool) -> None:
        """Somebody's code stands still, or is looked at again, as its holder knew it once."""
        wishes = {Wish.PAUSE, Wish.RESUME}
        candidates = [*self.known[-4:], *self.model.jobs.values()]
        owned = [job for job in candidates if job.is_owned and job.requested in wishes]
        if not owned:
            return
        job = owned[number % len(owned)]
        mode = Mode.FROZEN if job.handle is None else Mode.NOT_CHECKING
        change = lifecycle.pause(job, mode, self.now, BY)
        if job.state is State.PAUSED and job.handle is not None and goes_on:
            change = lifecycle.resume(job, self.now, BY)
        if change is not None:
            self.send(Apply((change,), self.now), waits=waits)

    @precondition(lambda self: self.known)
    @rule(
        kept=st.lists(
            st.tuples(
                st.integers(1, 8),
                st.sampled_from([None, b"1", b"[2]"]),
                st.sampled_from([(), (("load", b"3"),), (("load", b"4"), ("fit", b"5"))]),
            ),
            max_size=3,
        ),
        waits=st.booleans(),
    )
    def save(
        self, kept: list[tuple[int, bytes | None, tuple[tuple[str, bytes], ...]]], waits: bool
    ) -> None:
        """Keep a checkpoint and steps, as somebody does who has the job, or had it once."""
        keeps = []
        for back, value, steps in kept:
            job = self.known[-min(back, len(self.known))]
            keeps.append(Keep(job.id, job.token, value, steps))
        self.send(Save(tuple(keeps), self.now), waits=waits)

    @precondition(lambda self: self.known)
    @rule(
        told=st.lists(st.tuples(st.integers(1, 8), st.booleans(), few), max_size=3),
        waits=st.booleans(),
    )
    def note(self, told: list[tuple[int, bool, int]], waits: bool) -> None:
        """Note what an attempt has used and what was done to it; the latest word stands."""
        records = []
        for back, has_usage, count in told:
            job = self.known[-min(back, len(self.known))]
            usage = Usage(pid=12, cpu_seconds=self.now) if has_usage else None
            deeds = (Deed(self.now, "SIGTERM sent", (12,)),) * count
            records.append(Record(job.id, job.token, job.attempt, job.worker, usage, deeds))
        self.send(Note(tuple(records)), waits=waits)

    @precondition(lambda self: self.known)
    @rule(said=st.lists(st.integers(1, 8), max_size=3), waits=st.booleans())
    def say(self, said: list[int], waits: bool) -> None:
        """Write lines, as somebody does who has the job, or had it once."""
        jobs = [self.known[-min(back, len(self.known))] for back in said]
        line = LogLine(self.now, "INFO", "stdout", "frame 7")
        self.send(
            Say(tuple(Said(job.id, job.token, job.attempt, line) for job in jobs)), waits=waits
        )

    @rule(task=tasks, paused=st.booleans(), waits=st.booleans())
    def set_task(self, task: str, paused: bool, waits: bool) -> None:
        self.send(SetTask(task, paused, "tests", self.now, BY), waits=waits)

    @precondition(lambda self: self.known)
    @rule(back=st.integers(1, 8), handle=st.sampled_from([b"1", b'{"at":2}']), waits=st.booleans())
    def wait(self, back: int, handle: bytes, waits: bool) -> None:
        """Its work goes on elsewhere, as somebody says who once had the job."""
        job = self.known[-min(back, len(self.known))]
        if job.state is State.RUNNING:
            change = lifecycle.wait(job, handle, self.now + 5, BY)
            self.send(Apply((change,), self.now), waits=waits)

    @precondition(lambda self: self.known)
    @rule(
        said=st.lists(st.tuples(st.integers(1, 8), st.none() | words), max_size=3),
        waits=st.booleans(),
    )
    def check_again(self, said: list[tuple[int, Progress | None]], waits: bool) -> None:
        jobs = [(self.known[-min(back, len(self.known))], word) for back, word in said]
        checks = tuple((job.id, job.token, self.now + 9, word) for job, word in jobs)
        self.send(Checked(checks), waits=waits)

    @precondition(lambda self: self.model.jobs)
    @rule(number=st.integers(0, 9), value=sizes, waits=st.booleans())
    def complete(self, number: int, value: int, waits: bool) -> None:
        """Somebody elsewhere says that a job's work is done."""
        candidates = [*self.known[-4:], *self.model.jobs.values()]
        try:
            change = lifecycle.complete(candidates[number % len(candidates)], self.now, BY)
        except (AlreadyFinished, NotCompletable):
            return
        if change is not None:
            self.send(Complete(change, b"7" * value, self.now), waits=waits)

    @precondition(lambda self: self.model.jobs)
    @rule(number=st.integers(0, 9), waits=st.booleans())
    def remove(self, number: int, waits: bool) -> None:
        ids = [*self.model.jobs, self.model.issued + 1]
        self.send(Remove(ids[number % len(ids)]), waits=waits)

    @precondition(lambda self: self.model.jobs)
    @rule(number=st.integers(0, 9), waits=st.booleans())
    def retry(self, number: int, waits: bool) -> None:
        """Try a job anew that has ended, or had as it was known once."""
        candidates = [*self.known[-2:], *self.model.jobs.values()]
        ended = [job for job in candidates if job.state in {State.FAILED, State.CANCELLED}]
        if ended:
            job = ended[number % len(ended)]
            self.send(Retry(lifecycle.retry(job, self.now, BY), self.now), waits=waits)

    @precondition(lambda self: self.model.jobs)
    @rule(
        number=st.integers(0, 9),
        queue=st.one_of(st.just(UNSET), names),
        priority=st.one_of(st.just(UNSET), few),
        tags=st.sampled_from([UNSET, (), ("x", "y")]),
        delay=st.sampled_from([UNSET, UNSET, None, 7.0]),
        waits=st.booleans(),
    )
    def amend(
        self, *, number: int, queue: Any, priority: Any, tags: Any, delay: Any, waits: bool
    ) -> None:
        """Alter a job that waits, as it is, or as it was known once."""
        candidates = [*self.known[-2:], *self.model.jobs.values()]
        job = candidates[number % len(candidates)]
        run_at = delay if delay is None or delay is UNSET else self.now + delay
        try:
            wanted = lifecycle.Amendment(priority, queue, tags, run_at)
            change = lifecycle.amend(job, wanted, self.now, BY)
        except (AlreadyFinished, NotAmendable):
            return
        if change is not None:
            said = lifecycle.amended_in_words(job, change.after)
            self.send(Amend(change, said, self.now), waits=waits)

    @precondition(lambda self: self.known)
    @rule(said=st.lists(st.tuples(st.integers(1, 8), words), max_size=3), waits=st.booleans())
    def report(self, said: list[tuple[int, Progress]], waits: bool) -> None:
        jobs = [(self.known[-min(back, len(self.known))], word) for back, word in said]
        self.send(Report(tuple((job.id, job.token, word) for job, word in jobs)), waits=waits)

    @rule(worker=workers, cpu=st.none() | st.floats(0, 8), waits=st.booleans())
    def renew(self, worker: int, cpu: float | None, waits: bool) -> None:
        self.send(Renew(worker, self.now, self.now + LEASE, Vitals(cpu=cpu)), waits=waits)

    @rule(house=st.sampled_from(HOUSES), waits=st.booleans())
    def enter(self, house: int, waits: bool) -> None:
        self.send(Enter(replace(A_WORKER, house=house)), waits=waits)

    @rule(worker=workers, waits=st.booleans(), leaves=st.booleans())
    def end(self, worker: int, waits: bool, leaves: bool) -> None:
        self.send(Leave(worker) if leaves else Stopping(worker), waits=waits)

    @rule(name=names, explicit=queue_settings, defaults=queue_settings, waits=st.booleans())
    def set_queue(
        self, name: str, explicit: QueueSettings, defaults: QueueSettings, waits: bool
    ) -> None:
        self.send(SetQueue(name, explicit, defaults), waits=waits)

    @rule(seconds=st.sampled_from([0.0, 7.0, 7.0, 50_000.0]), waits=st.booleans())
    def let_in_what_is_due(self, seconds: float, waits: bool) -> None:
        self.now += seconds
        self.send(Promote(self.now), waits=waits)

    @rule(
        name=schedule_names,
        task=tasks,
        spec=st.sampled_from(["{}", '{"every":7}']),
        delay=st.sampled_from([None, 5.0]),
        gone=st.booleans(),
        waits=st.booleans(),
    )
    def put_schedules(
        self, *, name: str, task: str, spec: str, delay: float | None, gone: bool, waits: bool
    ) -> None:
        row = Scheduled(name, task, spec, None if delay is None else self.now + delay)
        self.send(PutSchedules((row,), ("t",) if gone else ()), waits=waits)

    @precondition(lambda self: self.model.schedules)
    @rule(
        jobs=st.lists(wanted, max_size=2),
        late=st.booleans(),
        ends=st.booleans(),
        missed=st.integers(0, 2),
        waits=st.booleans(),
    )
    def fire(self, jobs: list[Wanted], late: bool, ends: bool, missed: int, waits: bool) -> None:
        """Start what is due, or what was due when somebody else had looked."""
        row = next(iter(self.model.schedules.values()))
        due_at = 0.0 if late else row.next_at
        insert = self.an_insert([replace(job, refuse_known=False) for job in jobs])
        next_at = None if ends else self.now + 5
        self.send(Fire(row.name, due_at, next_at, insert, self.now, missed), waits=waits)

    @rule(batch=st.integers(0, 5), waits=st.booleans())
    def prune(self, batch: int, waits: bool) -> None:
        self.send(Prune(self.now, batch), waits=waits)

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = self.open()

    # --- what must be equal

    @invariant()
    def jobs_are_equal(self) -> None:
        found = self.store.read(Get(tuple(range(1, self.model.issued + 2))))

        assert found.jobs == self.model.jobs
        assert found.issued == self.model.issued

    @invariant()
    def lists_are_equal(self) -> None:
        newest_first = sorted(self.model.jobs.values(), key=lambda job: -job.id)
        running = [job.id for job in newest_first if job.state is State.RUNNING]
        of_one = self.model.jobs_of(1)
        of_one_now = [each for each in of_one if self.model.jobs[each].state not in FINISHED]
        in_b = [job.id for job in newest_first if job.queue == "b"]

        assert _ids(self.store.read(List())) == [job.id for job in newest_first]
        assert _ids(self.store.read(List(states=(State.RUNNING,)))) == running
        assert _ids(self.store.read(List(queue="b", limit=2))) == in_b[:2]
        assert sorted(_ids(self.store.read(List(worker=1)))) == of_one
        assert sorted(_ids(self.store.read(List(worker=1, states=UNFINISHED)))) == of_one_now

    @invariant()
    def pages_are_equal(self) -> None:
        newest_first = sorted(self.model.jobs.values(), key=lambda job: -job.id)
        paused = [job.id for job in newest_first if job.state is State.PAUSED]
        of_one = [job.id for job in newest_first if job.group == 1]
        found = [job.id for job in newest_first if job.task == "render" and "y" in job.tags]
        words = (Term("any", "render"), Term("any", "y"))

        assert self.paged(List(limit=2)) == [job.id for job in newest_first]
        assert self.paged(List(limit=1, states=(State.PAUSED,))) == paused
        assert self.paged(List(limit=2, group=1)) == of_one
        assert self.paged(List(limit=2, tag="y", task="render")) == found
        assert set(found) <= set(self.paged(List(limit=2), words))

    def paged(self, which: List, words: tuple[Term, ...] = ()) -> list[int]:
        """Read all pages, each from where the one before it has ended."""
        ids: list[int] = []
        while True:
            listed = self.store.read(Paged(which, words))
            ids += _ids(listed.jobs)
            if listed.before is None:
                return ids
            which = replace(which, before=listed.before)

    @invariant()
    def histories_are_equal(self) -> None:
        for job_id in range(1, self.model.issued + 1):
            assert self.store.read(History(job_id)) == self.model.events.get(job_id, [])

    @invariant()
    def counts_are_equal(self) -> None:
        counted = Counter((job.queue, job.state) for job in self.model.jobs.values())

        assert self.store.read(Counts()) == dict(counted)

    @invariant()
    def queues_and_workers_are_equal(self) -> None:
        enrolled = self.model.workers
        owners = {job.id: job.worker for job in self.model.jobs.values() if job.worker is not None}
        orphans = [job_id for job_id, owner in owners.items() if owner not in enrolled]

        assert self.store.read(Queues()) == self.model.queues()
        assert self.store.read(Admitted()) == self.model.admitted()
        assert self.store.read(OldestWaiting()) == self.model.oldest_waiting()
        assert self.store.read(Workers()) == [w for _, w in sorted(enrolled.items())]
        assert _ids(self.store.read(Orphans())) == sorted(orphans)
        assert _ids(self.store.read(Owned(1))) == sorted(i for i, o in owners.items() if o == 1)

    @invariant()
    def what_is_held_is_equal(self) -> None:
        found = self.store.read(Look())
        begun = {name: dict(self.model.begun_of(name)) for name, _ in self.model.begun}

        assert found.holdings == dict(self.model.holdings())
        for name, slices in begun.items():
            counted = pace.begun_within(RATE, found.begun[name], self.now)
            assert counted == pace.begun_within(RATE, slices, self.now)

    @invariant()
    def groups_and_schedules_are_equal(self) -> None:
        of_group = {
            number: sorted(job.id for job in self.model.jobs.values() if job.group == number)
            for number in range(1, self.model.groups_issued + 2)
        }

        for number, members in of_group.items():
            assert self.store.read(Members(number)) == self.model.group(number)
            assert _ids(self.store.read(MemberJobs(number))) == members
        assert self.store.read(Schedules()) == [
            row for _, row in sorted(self.model.schedules.items())
        ]

    @invariant()
    def completions_are_equal(self) -> None:
        for job in self.model.jobs.values():
            if job.kind == "polling":
                said = self.store.read(Completed(job.id))
                assert said == self.model.completions.get(job.id)

    @invariant()
    def what_is_kept_and_told_is_equal(self) -> None:
        for job_id in range(1, self.model.issued + 1):
            saved = self.model.saved.get(job_id, Saved())
            records = self.model.records.get(job_id, {})
            lines = self.model.lines.get(job_id, [])

            assert self.store.read(Kept(job_id)) == saved
            assert self.store.read(Records(job_id)) == [row for _, row in sorted(records.items())]
            assert self.store.read(Log(job_id)).lines == lines
        assert self.store.read(Worked((1, 2, 99))) == {
            number: was for number, was in self.model.worked.items() if number in {1, 2}
        }

    @invariant()
    def what_is_paused_is_equal(self) -> None:
        still = {Mode.FROZEN, Mode.PARKED}
        frozen = Counter(
            job.worker
            for job in self.model.jobs.values()
            if job.state is State.PAUSED and job.pause is not None and job.pause.mode in still
        )

        assert self.store.read(PausedTasks()) == self.model.paused_tasks
        for worker in (1, 2):
            assert self.store.read(Frozen(worker)) == frozen[worker]

    @invariant()
    def what_takes_a_slot_is_what_runs_and_no_limit_is_exceeded(self) -> None:
        jobs = self.store.read(Get(tuple(range(1, self.model.issued + 1)))).jobs.values()
        taken = Counter(job.queue for job in jobs if job.occupies_slot)
        limits = {queue.name: queue.limit for queue in self.store.read(Queues())}

        for job in jobs:
            assert job.occupies_slot is (job.state is State.RUNNING and not job.is_waiting)
        for name, count in taken.items():
            allowed = [limits[name], self.limits.get(name)]
            if None not in allowed and not self.has_set_a_limit:
                assert count <= max(*(most or 0 for most in allowed), self.taken[name])
        for name, count in self.store.read(Look()).holdings.items():
            assert count <= MOST_HOLDERS[name]
        self.taken, self.limits, self.has_set_a_limit = taken, limits, False

    @invariant()
    def what_will_never_begin_is_equal(self) -> None:
        houses = {worker.house for worker in self.model.workers.values()}
        idle = [
            job
            for job in self.model.jobs.values()
            if job.worker is None and job.finished_at is None
        ]
        overdue = [
            job
            for job in idle
            if job.deadline_at is not None and job.deadline_at <= self.now and job.handle is None
        ]
        abandoned = [
            job.id
            for job in idle
            if job.bound_to not in {None, *houses} and job.created_at < self.now
        ]

        assert sorted(_ids(self.store.read(Overdue(self.now)))) == [job.id for job in overdue]
        assert _ids(self.store.read(Abandoned(self.now))) == abandoned


def _ids(jobs: list[Job]) -> list[int]:
    return [job.id for job in jobs]


def _in_order(answer: Any) -> Any:
    """Rows that a renewal brings have no order of their own; bodies stay out of refused changes."""
    if not isinstance(answer, list):
        return _comparable(answer)
    items = [_comparable(item) for item in answer]
    return sorted(items) if any(isinstance(item, Held) for item in answer) else items


def _comparable(item: Any) -> Any:
    if isinstance(item, Held):
        return (item.job_id, item.token, item.version, str(item.requested))
    if isinstance(item, Job):
        return (item.id, item.version, item.token, item.state, item.requested, item.worker)
    return item


@pytest.mark.promise("S1")
@pytest.mark.promise("S4")
@pytest.mark.promise("S5")
@pytest.mark.promise("S12")
@pytest.mark.promise("P7")
@pytest.mark.promise("P8")
@pytest.mark.promise("S15")
@pytest.mark.promise("S16")
@pytest.mark.promise("S17")
@pytest.mark.promise("S21")
@pytest.mark.promise("S22")
@pytest.mark.promise("S23")
@pytest.mark.slow
def test_a_store_does_what_the_plain_model_does() -> None:
    run_machine(examples=30, steps=40)


@pytest.mark.long
def test_a_store_does_what_the_plain_model_does_at_length() -> None:
    run_machine(examples=1_500, steps=60)


def run_machine(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
