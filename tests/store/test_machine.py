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
from msgspec import UNSET

from offload import lifecycle
from offload.errors import AlreadyFinished
from offload.model import (
    Crashed,
    Error,
    Failed,
    Held,
    Job,
    NewJob,
    Outcome,
    Progress,
    QueueSettings,
    State,
    Succeeded,
    Wish,
    Yielded,
)
from offload.store.base import (
    Apply,
    Claim,
    Counts,
    Enter,
    Get,
    Gone,
    History,
    Insert,
    Leave,
    List,
    Operation,
    Orphans,
    Owned,
    Promote,
    Prune,
    Queues,
    Renew,
    Report,
    SetQueue,
    Stopping,
    Store,
    Workers,
)
from offload.store.sqlite import SQLiteStore
from tests.store.asking import A_WORKER, BY, LEASE
from tests.store.connections import tapped, without_waiting_for_the_disk
from tests.store.dictstore import DictStore

names = st.sampled_from(["a", "b"])
tasks = st.sampled_from(["render", "fetch"])
workers = st.integers(1, 4)
few = st.integers(0, 3)
sizes = st.sampled_from([0, 1, 2048, 2049])
endings = st.sampled_from(["nothing", "short", "long", "failed", "failed long", "stop", "crash"])
maybe = st.one_of(st.just(UNSET), st.none(), few)
queue_settings = st.builds(
    QueueSettings,
    limit=maybe,
    capacity=maybe,
    keep=st.one_of(st.just(UNSET), few),
    keep_seconds=st.sampled_from([UNSET, 0.0, 20.0, 86_400.0]),
    keep_bytes=st.sampled_from([UNSET, 0, 2500, 10_000]),
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
}


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
        answers, _ = self.store.run(operations)
        expected = self.model.run(operations)
        assert _in_order(answers) == _in_order(expected)
        for answer in answers:
            if isinstance(answer, list):
                self.known += [item for item in answer if isinstance(item, Job)]

    # --- rules

    @rule(
        jobs=st.lists(st.tuples(tasks, names, st.integers(-1, 1), sizes), min_size=1, max_size=3),
        delay=st.sampled_from([None, 0.0, 7.0]),
        key=st.sampled_from([None, None, "k", "l"]),
        digest=st.sampled_from([b"d", b"e"]),
        waits=st.booleans(),
    )
    def start(
        self,
        jobs: list[tuple[str, str, int, int]],
        delay: float | None,
        key: str | None,
        digest: bytes,
        waits: bool,
    ) -> None:
        run_at = None if delay is None else self.now + delay
        new = tuple(
            NewJob(task, "async", b"7" * size, queue, priority, run_at, "ada", ("x",))
            for task, queue, priority, size in jobs
        )
        self.token += 1
        self.send(Insert(new, self.now, BY, self.token, key, digest), waits=waits)

    @rule(
        worker=workers,
        queue=names,
        known=st.sets(tasks),
        count=st.integers(0, 4),
        waits=st.booleans(),
    )
    def claim(self, worker: int, queue: str, known: set[str], count: int, waits: bool) -> None:
        self.send(
            Claim(
                worker, 0, (queue,), tuple(known), {"slots": count}, self.now, self.now + LEASE, BY
            ),
            waits=waits,
        )

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
            if job.state is State.RUNNING:
                changes.append(lifecycle.conclude(job, OUTCOMES[ending], self.now, BY))
        self.send(Apply(tuple(changes), self.now), waits=waits)

    @precondition(lambda self: self.model.jobs)
    @rule(number=st.integers(0, 9), waits=st.booleans())
    def cancel(self, number: int, waits: bool) -> None:
        """Cancel a job as it is, or as it was known once."""
        candidates = [*self.known[-4:], *self.model.jobs.values()]
        job = candidates[number % len(candidates)]
        try:
            change = lifecycle.request(job, Wish.CANCEL, self.now, BY)
        except AlreadyFinished:
            return
        if change is not None:
            self.send(Apply((change,), self.now), waits=waits)

    @precondition(lambda self: self.known)
    @rule(said=st.lists(st.tuples(st.integers(1, 8), words), max_size=3), waits=st.booleans())
    def report(self, said: list[tuple[int, Progress]], waits: bool) -> None:
        jobs = [(self.known[-min(back, len(self.known))], word) for back, word in said]
        self.send(Report(tuple((job.id, job.token, word) for job, word in jobs)), waits=waits)

    @rule(worker=workers, waits=st.booleans())
    def renew(self, worker: int, waits: bool) -> None:
        self.send(Renew(worker, self.now, self.now + LEASE), waits=waits)

    @rule(waits=st.booleans())
    def enter(self, waits: bool) -> None:
        self.send(Enter(A_WORKER), waits=waits)

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
        in_b = [job.id for job in newest_first if job.queue == "b"]

        assert _ids(self.store.read(List())) == [job.id for job in newest_first]
        assert _ids(self.store.read(List(states=(State.RUNNING,)))) == running
        assert _ids(self.store.read(List(queue="b", limit=2))) == in_b[:2]

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
        assert self.store.read(Workers()) == [w for _, w in sorted(enrolled.items())]
        assert _ids(self.store.read(Orphans())) == sorted(orphans)
        assert _ids(self.store.read(Owned(1))) == sorted(i for i, o in owners.items() if o == 1)


def _ids(jobs: list[Job]) -> list[int]:
    return [job.id for job in jobs]


def _in_order(answers: list[Any]) -> list[Any]:
    """Rows that a renewal brings have no order of their own; bodies stay out of refused changes."""
    return [
        sorted(map(_comparable, answer), key=repr)
        if isinstance(answer, list) and any(isinstance(item, Held) for item in answer)
        else [_comparable(item) for item in answer]
        if isinstance(answer, list)
        else answer
        for answer in answers
    ]


def _comparable(item: Job | Held | Gone | None) -> Any:
    if isinstance(item, Job):
        return (item.id, item.version, item.token, item.state, item.requested, item.worker)
    return item


@pytest.mark.promise("S1")
@pytest.mark.promise("S4")
@pytest.mark.promise("S5")
@pytest.mark.promise("S12")
@pytest.mark.promise("S15")
@pytest.mark.promise("S16")
@pytest.mark.promise("S17")
@pytest.mark.promise("S22")
@pytest.mark.promise("S23")
@pytest.mark.slow
def test_a_store_does_what_the_plain_model_does() -> None:
    run_machine(examples=50, steps=40)


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
