"""The mailbox: each letter has its own answer, a crowd shares a transaction, nothing is lost."""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import Context
from pathlib import Path
from typing import Any, TypeVarTuple

import pytest

from offload.clock import SystemClock
from offload.errors import StoreError, StoreUnavailable, StoreUncertain
from offload.model import Progress, QueueSettings, State, Succeeded
from offload.store.base import (
    Claim,
    Effects,
    Full,
    Get,
    Insert,
    Inserted,
    Operation,
    Promote,
    Query,
    Queues,
    Report,
    SetQueue,
)
from offload.store.mailbox import MOST_AT_ONCE, Letter, ThreadMailbox, resolve
from offload.store.sqlite import SQLiteStore
from tests.store.asking import BY, Asker, a_new_job
from tests.store.connections import is_commit, tapped
from tests.support import eventually

Ts = TypeVarTuple("Ts")

SOON = 20.0
"""A deadline for what takes milliseconds; a test that reaches it has failed."""


class Disk:
    """Decides what becomes of each commit, and counts them; it can hold one back.

    Attributes:
        fates: what happens to the next commits: "fine"; "refused", the transaction still stands;
            "lost", nothing was stored and nobody knows; "silent", all was stored and nobody knows.
        commits: how many there were.
    """

    def __init__(self) -> None:
        self.fates: list[str] = []
        self.commits = 0
        self._held = threading.Event()
        self._go_on = threading.Event()
        self._go_on.set()

    def hold(self) -> None:
        """Let the next commit wait; `held` returns as soon as it does."""
        self._held.clear()
        self._go_on.clear()

    def held(self) -> None:
        assert self._held.wait(SOON)

    def go_on(self) -> None:
        self._go_on.set()

    def tap(self, statement: str, run: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        if not is_commit(statement):
            return run()
        self.commits += 1
        self._held.set()
        assert self._go_on.wait(SOON)
        fate = self.fates.pop(0) if self.fates else "fine"
        if fate == "silent":
            run()
        if fate == "lost":
            self.connection.execute("rollback")
        if fate != "fine":
            raise sqlite3.OperationalError("disk I/O error")
        return run()

    def connect(self, *args: Any, **kwargs: Any) -> Any:
        connection = tapped(self.tap)(*args, **kwargs)
        if "mode=rwc" in args[0]:
            self.connection = connection.real
        return connection


class SlowClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def clock() -> SlowClock:
    return SlowClock()


@pytest.fixture
def effects() -> list[Effects]:
    return []


@pytest.fixture
def mailbox(
    database: Path, disk: Disk, clock: SlowClock, effects: list[Effects]
) -> Iterator[ThreadMailbox]:
    """A mailbox in front of an empty store; the commits of its making are not counted."""
    store = SQLiteStore(database, connect=disk.connect)
    Asker(store).set_queue()
    disk.commits = 0
    box = ThreadMailbox(store, clock, effects.append)
    yield box
    disk.go_on()
    box.close(SOON)


@pytest.fixture
def ask(database: Path) -> Iterator[Asker]:
    """Look at the same file from beside the mailbox, and make operations."""
    store = SQLiteStore(database)
    yield Asker(store)
    store.close()


def send_together(
    mailbox: ThreadMailbox, disk: Disk, operations: list[Operation[Any]]
) -> list["Future[Any]"]:
    """Drop operations so that they go in one transaction: while another one is being committed."""
    disk.hold()
    first = mailbox.ask(Promote(0.0))
    disk.held()
    futures = [mailbox.ask(operation) for operation in operations]
    disk.go_on()
    first.result(SOON)
    return futures


def answers(futures: list["Future[Any]"]) -> list[Any]:
    """Wait for each answer; an error counts as one."""
    return [future.exception(SOON) or future.result() for future in futures]


# --- answers


def test_an_operation_is_answered_when_it_is_on_disk(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    disk.hold()
    future = mailbox.ask(ask.an_insert(a_new_job()))
    disk.held()
    early = future.done()
    disk.go_on()

    answer = future.result(SOON)

    assert not early
    assert answer == Inserted((1,))
    assert ask.ids() == [1]


def test_a_query_is_answered_while_a_commit_is_held_up(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    mailbox.ask(ask.an_insert(a_new_job())).result(SOON)
    disk.hold()
    mailbox.ask(ask.an_insert(a_new_job()))
    disk.held()

    found = mailbox.read(Get((1, 2))).result(SOON)

    assert list(found.jobs) == [1]


def test_without_a_thread_nothing_is_stored_and_the_next_call_tries_again(
    mailbox: ThreadMailbox, ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == "offload-reader":
            raise RuntimeError("can't start new thread")
        begin(thread)

    with monkeypatch.context() as machine:
        machine.setattr(threading.Thread, "start", start)
        with pytest.raises(StoreUnavailable, match="can't start new thread for the database"):
            mailbox.ask(ask.an_insert(a_new_job()))

    assert mailbox.read(Get((1,))).result(SOON).jobs == {}


class NoQuery(Query[int], frozen=True):
    """A query that no store has."""


def test_a_query_that_fails_fails_alone(mailbox: ThreadMailbox) -> None:
    wrong = mailbox.read(NoQuery())
    right = mailbox.read(Queues())

    assert isinstance(wrong.exception(SOON), StoreError)
    assert [queue.name for queue in right.result(SOON)] == ["default"]


def test_what_a_commit_did_is_told_before_the_next_one(
    mailbox: ThreadMailbox, ask: Asker, effects: list[Effects]
) -> None:
    mailbox.ask(ask.an_insert(a_new_job())).result(SOON)
    mailbox.ask(ask.a_claim()).result(SOON)
    mailbox.ask(Promote(0.0)).result(SOON)
    mailbox.close(SOON)

    assert [(told.changed, told.claimable) for told in effects] == [((), True), ((1,), False)]


# --- one transaction for many


@pytest.mark.parametrize(("letters", "transactions"), [(500, 2), (MOST_AT_ONCE + 1, 3)])
def test_what_arrives_during_a_commit_shares_the_next_one(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker, letters: int, transactions: int
) -> None:
    operations: list[Operation[Any]] = [ask.an_insert(a_new_job()) for _ in range(letters)]

    futures = send_together(mailbox, disk, operations)

    assert [future.result(SOON) for future in futures] == [
        Inserted((number,)) for number in range(1, letters + 1)
    ]
    assert disk.commits == transactions


def test_a_claim_sees_what_shares_its_transaction_though_it_came_first(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    claim = ask.a_claim(5)
    disk.hold()
    mailbox.ask(Promote(0.0))
    disk.held()
    early = mailbox.ask(claim)
    mailbox.ask(ask.an_insert(a_new_job()))
    disk.go_on()

    assert ask.ids(early.result(SOON)) == [1]
    assert disk.commits == 2


def test_what_a_commit_did_is_told_before_it_is_answered(
    mailbox: ThreadMailbox, disk: Disk, effects: list[Effects], ask: Asker
) -> None:
    told: list[int] = []
    disk.hold()
    asked = mailbox.ask(ask.an_insert(a_new_job()))
    asked.add_done_callback(lambda _: told.append(len(effects)))
    disk.go_on()

    asked.result(SOON)
    eventually(lambda: told)

    assert told == [1]


def test_a_thousand_callers_from_several_threads_are_all_answered(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    ids: list[int] = []

    def call() -> None:
        for _ in range(100):
            answer = mailbox.ask(insert()).result(SOON)
            assert isinstance(answer, Inserted)
            ids.extend(answer.ids)

    lock = threading.Lock()

    def insert() -> Insert:
        with lock:
            return ask.an_insert(a_new_job())

    callers = [threading.Thread(target=call) for _ in range(10)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(SOON)

    assert sorted(ids) == list(range(1, 1001))
    assert disk.commits < 1000


# --- a bad operation


BAD_OPERATIONS: dict[str, Any] = {
    "a number that no column holds": Insert((a_new_job(priority=2**70),), 0.0, BY, 1),
    "text that no database takes": Insert((a_new_job(owner="\ud800"),), 0.0, BY, 1),
    "tags that cannot be encoded": Insert((a_new_job(tags=("\ud800",)),), 0.0, BY, 1),
    "a task that cannot be encoded": Claim(
        1, 0, ("default",), ("\ud800",), {"slots": 1}, 0.0, 1.0, BY
    ),
    "a setting that is forbidden": SetQueue("default", QueueSettings(capacity=-1)),
    "no operation at all": Queues(),
}


@pytest.mark.parametrize("bad", BAD_OPERATIONS)
def test_a_bad_operation_never_fails_its_neighbours(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker, bad: str
) -> None:
    operations: list[Operation[Any]] = [
        ask.an_insert(a_new_job()),
        BAD_OPERATIONS[bad],
        ask.an_insert(a_new_job(), a_new_job()),
        ask.a_claim(2),
    ]

    before, wrong, after, claimed = answers(send_together(mailbox, disk, operations))

    assert (before, after) == (Inserted((1,)), Inserted((2, 3)))
    assert isinstance(wrong, StoreError)
    assert ask.ids(claimed) == [1, 2]
    assert ask.counts() == {("default", State.RUNNING): 2, ("default", State.QUEUED): 1}


def test_a_refusal_is_an_answer_and_no_error(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    mailbox.ask(SetQueue("default", QueueSettings(capacity=1))).result(SOON)
    operations: list[Operation[Any]] = [ask.an_insert(a_new_job()) for _ in range(2)]
    disk.commits = 0

    futures = send_together(mailbox, disk, operations)

    assert answers(futures) == [Inserted((1,)), Full("default", 1)]
    assert disk.commits == 2


# --- a commit that fails


def test_when_the_database_fails_everybody_is_told_and_nothing_is_stored(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker, effects: list[Effects]
) -> None:
    operations: list[Operation[Any]] = [ask.an_insert(a_new_job()), ask.a_claim()]
    disk.fates = ["fine", "refused"]

    wrong = answers(send_together(mailbox, disk, operations))
    right = mailbox.ask(ask.an_insert(a_new_job())).result(SOON)

    assert [type(answer) for answer in wrong] == [StoreUnavailable] * 2
    assert "disk I/O error" in str(wrong[0])
    assert right == Inserted((1,))
    assert ask.ids() == [1]
    mailbox.close(SOON)
    assert len(effects) == 1


@pytest.mark.promise("S1")
@pytest.mark.parametrize("fates", [["lost"], ["silent"], ["lost", "silent"], ["lost", "lost"]])
def test_a_start_whose_commit_is_unknown_is_stored_once(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker, fates: list[str]
) -> None:
    disk.fates = list(fates)

    answer = mailbox.ask(ask.an_insert(a_new_job(), a_new_job())).result(SOON)

    assert answer == Inserted((1, 2))
    assert ask.ids() == [1, 2]
    assert mailbox.ask(ask.an_insert(a_new_job())).result(SOON) == Inserted((3,))


@pytest.mark.promise("S1")
@pytest.mark.promise("S17")
@pytest.mark.parametrize("fate", ["lost", "silent"])
def test_a_crowd_whose_commit_is_unknown_is_stored_once(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker, fate: str
) -> None:
    """Refused and repeated inserts leave no row to be found by; others must not suffer from it."""
    mailbox.ask(SetQueue("small", QueueSettings(capacity=1))).result(SOON)
    mailbox.ask(ask.an_insert(a_new_job(), key="k", digest=b"d")).result(SOON)
    disk.fates = ["fine", fate]
    operations: list[Operation[Any]] = [
        ask.an_insert(a_new_job()),
        ask.an_insert(*[a_new_job(queue="small")] * 2),
        ask.an_insert(a_new_job(), a_new_job()),
        ask.an_insert(a_new_job(), key="k", digest=b"d"),
        ask.an_insert(a_new_job(), key="l", digest=b"d"),
        Promote(0.0),
        ask.an_insert(a_new_job()),
    ]

    answered = answers(send_together(mailbox, disk, operations))

    assert answered == [
        Inserted((2,)),
        Full("small", 1),
        Inserted((3, 4)),
        Inserted((1,), repeated=True),
        Inserted((5,)),
        0,
        Inserted((6,)),
    ]
    assert ask.ids() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("fate", ["lost", "silent"])
def test_what_is_harmless_to_repeat_is_repeated(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker, fate: str
) -> None:
    mailbox.ask(ask.an_insert(a_new_job(), a_new_job())).result(SOON)
    [job] = mailbox.ask(ask.a_claim()).result(SOON)
    word = Progress(1.0)
    change = ask.conclusion(job, Succeeded(b"1"))
    disk.fates = ["fine", fate]
    operations: list[Operation[Any]] = [
        Report(((job.id, job.token, word),)),
        ask.an_apply(change),
        SetQueue("default", QueueSettings(limit=2)),
    ]

    _, [applied], queue = answers(send_together(mailbox, disk, operations))

    assert queue.limit == 2
    assert ask.job(1).progress == word
    assert ask.job(1).state is State.SUCCEEDED
    assert [event.version for event in ask.history(1)] == [1, 2, 3]
    # Whoever sent it finds its own version there already.
    assert applied is None if fate == "lost" else applied.version == change.after.version


@pytest.mark.promise("S2")
def test_a_claim_whose_answer_is_unknown_leaves_a_stray_that_a_renewal_shows(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    mailbox.ask(ask.an_insert(a_new_job(), a_new_job(), a_new_job())).result(SOON)
    disk.fates = ["silent"]

    [job] = mailbox.ask(ask.a_claim(1)).result(SOON)

    assert job.id == 2
    assert [held.job_id for held in ask.renew()] == [1, 2]


def test_a_commit_that_stays_unknown_is_said_to_be_unknown(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    disk.fates = ["silent"] * 50

    with pytest.raises(StoreUncertain, match="may have been stored"):
        mailbox.ask(SetQueue("default", QueueSettings(limit=2))).result(SOON)

    disk.fates.clear()
    assert mailbox.ask(ask.an_insert(a_new_job())).result(SOON) == Inserted((1,))


# --- callers on a loop


def test_answers_come_to_the_loop_of_the_caller(mailbox: ThreadMailbox, ask: Asker) -> None:
    async def session() -> tuple[Any, Any]:
        inserted = await mailbox.ask_soon(ask.an_insert(a_new_job()))
        found = await mailbox.read_soon(Get((1,)))
        return inserted, found

    inserted, found = asyncio.run(session())

    assert inserted == Inserted((1,))
    assert list(found.jobs) == [1]


def test_errors_come_to_the_loop_of_the_caller(mailbox: ThreadMailbox) -> None:
    async def session() -> None:
        await mailbox.ask_soon(BAD_OPERATIONS["a number that no column holds"])

    with pytest.raises(StoreError, match="OverflowError"):
        asyncio.run(session())


class CountingLoop(asyncio.SelectorEventLoop):
    """A loop that counts how often another thread wakes it."""

    wakes = 0

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        self.wakes += 1
        return super().call_soon_threadsafe(callback, *args, context=context)


def test_a_loop_is_woken_once_for_all_its_answers(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    async def session() -> list[Any]:
        disk.hold()
        mailbox.ask(Promote(0.0))
        disk.held()
        futures = [mailbox.ask_soon(ask.an_insert(a_new_job())) for _ in range(50)]
        loop.wakes = 0
        disk.go_on()
        answered = list(await asyncio.gather(*futures))
        return [loop.wakes, answered]

    loop = CountingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        wakes, answered = runner.run(session())

    assert answered == [Inserted((number,)) for number in range(1, 51)]
    assert wakes == 1


def test_a_caller_that_was_cancelled_meanwhile_disturbs_nobody(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    complaints: list[Any] = []

    async def session() -> Any:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        disk.hold()
        mailbox.ask(Promote(0.0))
        disk.held()
        impatient = asyncio.ensure_future(mailbox.ask_soon(ask.an_insert(a_new_job())))
        patient = mailbox.ask_soon(ask.an_insert(a_new_job()))
        impatient.cancel()
        disk.go_on()
        return await patient

    answered = asyncio.run(session())

    assert answered == Inserted((2,))
    assert ask.ids() == [1, 2]
    assert complaints == []


def test_a_blocking_caller_that_gave_up_disturbs_nobody(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    operations: list[Operation[Any]] = [ask.an_insert(a_new_job()) for _ in range(2)]
    disk.hold()
    mailbox.ask(Promote(0.0))
    disk.held()
    impatient, patient = (mailbox.ask(operation) for operation in operations)

    impatient.cancel()
    disk.go_on()

    assert patient.result(SOON) == Inserted((2,))
    assert ask.ids() == [1, 2]


def test_a_caller_that_gives_up_in_the_very_moment_of_its_answer_disturbs_nobody(
    mailbox: ThreadMailbox, ask: Asker
) -> None:
    class GivesUp(Future[Any]):
        """Is cancelled between the look whether anybody waits and the answer."""

        def done(self) -> bool:
            was_done = super().done()
            self.cancel()
            return was_done

    letter = Letter(ask.an_insert(a_new_job()), GivesUp())

    resolve([(letter, Inserted((1,)))])

    assert mailbox.ask(ask.an_insert(a_new_job())).result(SOON) == Inserted((1,))


def test_a_loop_that_was_closed_meanwhile_disturbs_nobody(
    mailbox: ThreadMailbox, disk: Disk, ask: Asker
) -> None:
    async def leave() -> None:
        disk.hold()
        mailbox.ask_soon(ask.an_insert(a_new_job()))
        disk.held()

    asyncio.run(leave())
    disk.go_on()

    assert mailbox.ask(ask.an_insert(a_new_job())).result(SOON) == Inserted((2,))
    assert ask.ids() == [1, 2]


# --- what comes round


def test_what_comes_round_goes_before_all_that_waits(
    mailbox: ThreadMailbox, disk: Disk, clock: SlowClock, ask: Asker
) -> None:
    told: list[Any] = []
    mailbox.ask(ask.an_insert(a_new_job())).result(SOON)
    first, second = ask.a_claim(1, worker=5), ask.a_claim(1, worker=6)
    mailbox.every(10.0, lambda: first, told.append)
    disk.hold()
    mailbox.ask(Promote(0.0))
    disk.held()
    rest = mailbox.ask(second)
    clock.at = 10.0
    disk.go_on()

    late = rest.result(SOON)

    assert [ask.ids(jobs) for jobs in told] == [[1]]
    assert late == []


def test_it_comes_round_at_each_interval_until_it_is_ended(
    mailbox: ThreadMailbox, clock: SlowClock
) -> None:
    told: list[Any] = []
    end = mailbox.every(10.0, lambda: Promote(0.0), told.append)
    rounds = []

    for at in (9.0, 10.0, 15.0, 20.0, 29.0, 30.0):
        clock.at = at
        mailbox.ask(Promote(0.0)).result(SOON)
        rounds.append(len(told))
    end()
    end()
    clock.at = 100.0
    mailbox.ask(Promote(0.0)).result(SOON)

    assert rounds == [0, 1, 1, 2, 2, 3]
    assert len(told) == 3


def test_it_comes_round_by_itself(database: Path) -> None:
    told: list[Any] = []
    mailbox = ThreadMailbox(SQLiteStore(database), SystemClock(), lambda _: None)

    mailbox.every(0.01, lambda: Promote(0.0), told.append)

    eventually(lambda: len(told) >= 3, SOON)
    mailbox.close(SOON)


def test_a_round_that_fails_is_left_to_the_next_one(
    mailbox: ThreadMailbox, disk: Disk, clock: SlowClock
) -> None:
    told: list[Any] = []
    mailbox.every(10.0, lambda: Promote(0.0), told.append)
    rounds = []

    for at, fate in ((10.0, "refused"), (20.0, "fine")):
        clock.at = at
        disk.fates = [fate]
        mailbox.ask(Promote(0.0)).result(SOON)
        rounds.append(list(told))

    assert rounds == [[], [0]]


@pytest.mark.parametrize("broken", ["make", "tell"])
def test_a_round_that_is_broken_does_not_end_the_writer(
    mailbox: ThreadMailbox, clock: SlowClock, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: Any) -> Any:
        raise RuntimeError("broken")

    told: list[Any] = []
    make = break_down if broken == "make" else lambda: Promote(0.0)
    mailbox.every(10.0, make, break_down)
    mailbox.every(10.0, lambda: Promote(0.0), told.append)
    clock.at = 10.0

    answer = mailbox.ask(Promote(0.0)).result(SOON)

    assert (answer, told) == (0, [0])
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


# --- closing


@pytest.mark.promise("S1")
def test_closing_writes_what_was_dropped_in(mailbox: ThreadMailbox, disk: Disk, ask: Asker) -> None:
    disk.hold()
    futures: list[Future[Any]] = []
    futures += [mailbox.ask(ask.an_insert(a_new_job())) for _ in range(700)]
    disk.held()
    closing = threading.Thread(target=mailbox.close, args=(SOON,))
    closing.start()
    disk.go_on()
    closing.join(SOON)

    assert not closing.is_alive()
    assert answers(futures) == [Inserted((number,)) for number in range(1, 701)]
    assert len(ask.all_jobs()) == 700


def test_a_closed_mailbox_takes_nothing(mailbox: ThreadMailbox, ask: Asker) -> None:
    mailbox.ask(ask.an_insert(a_new_job())).result(SOON)
    mailbox.close(SOON)
    mailbox.close(SOON)

    with pytest.raises(StoreUnavailable, match="was closed; nothing was stored"):
        mailbox.ask(ask.an_insert(a_new_job()))
    with pytest.raises(StoreUnavailable):
        mailbox.read(Queues())
    assert ask.ids() == [1]


def test_a_mailbox_that_nobody_used_starts_no_thread(database: Path) -> None:
    others = set(threading.enumerate())
    mailbox = ThreadMailbox(SQLiteStore(database), SystemClock(), lambda _: None)

    started = {thread.name for thread in set(threading.enumerate()) - others}
    mailbox.close(SOON)

    assert not started & {"offload-writer", "offload-reader"}
    assert not database.exists()


def test_closing_ends_the_threads(mailbox: ThreadMailbox) -> None:
    others = set(threading.enumerate())
    mailbox.ask(Promote(0.0)).result(SOON)
    mailbox.read(Queues()).result(SOON)

    mailbox.close(SOON)

    names = {thread.name for thread in set(threading.enumerate()) - others}
    assert not names & {"offload-writer", "offload-reader"}


def test_a_letter_dropped_in_while_closing_is_answered(mailbox: ThreadMailbox, ask: Asker) -> None:
    """Between the look whether it is closed and the drop, another thread may close it."""
    closers: list[threading.Thread] = []

    class Slot(queue.SimpleQueue[Any]):
        """Has its mailbox closed by another thread just before a letter falls in."""

        armed = False

        def put(self, letter: Any, *args: Any) -> None:
            if self.armed and letter is not None and not closers:
                closer = threading.Thread(target=mailbox.close, args=(SOON,))
                closers.append(closer)
                closer.start()
                closer.join(0.5)  # as far as it gets
            super().put(letter)

    mailbox._writes = slot = Slot()
    mailbox.ask(Promote(0.0)).result(SOON)
    slot.armed = True
    future = mailbox.ask(ask.an_insert(a_new_job()))

    answer = answers([future])[0]

    closers[0].join(SOON)
    assert answer == Inserted((1,)) or isinstance(answer, StoreUnavailable)
    assert ask.ids() == ([1] if isinstance(answer, Inserted) else [])
