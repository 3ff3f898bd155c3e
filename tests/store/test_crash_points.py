"""Each operation is broken off at each of its statements: all of it is there, or none of it.

Four ways: the statement fails; the process ends before it, or after a commit (a fork, `_exit`);
the commit is sent and its answer never comes, stored or not. Afterwards the file is opened again
and compared, row by row, with what it was before and with what an undisturbed run makes of it.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from offload import lifecycle
from offload.access.credentials import NewToken, Session
from offload.access.scopes import Scope
from offload.errors import StoreError
from offload.lanes import lane_text
from offload.model import (
    Change,
    Crashed,
    Deed,
    Error,
    Failed,
    Job,
    JobOptions,
    Lane,
    LogLine,
    Mode,
    Progress,
    QueueSettings,
    Record,
    State,
    Succeeded,
    Usage,
    Wish,
    Yielded,
)
from offload.store.access import (
    Begin,
    CreateToken,
    End,
    NoteUse,
    OfferLink,
    RevokeToken,
    UseLink,
)
from offload.store.base import (
    Amend,
    Apply,
    Checked,
    CommitUnknown,
    Complete,
    Enter,
    Fire,
    Fired,
    Insert,
    Keep,
    Leave,
    Note,
    Operation,
    Promote,
    Prune,
    PutSchedules,
    Remove,
    Renew,
    Report,
    Retry,
    Said,
    Save,
    Say,
    Scheduled,
    SetQueue,
    SetTask,
    Stopping,
)
from offload.store.sqlite import SQLiteStore
from offload.units import Rate
from tests.store.asking import A_WORKER, BY, Asker, a_new_job
from tests.store.connections import (
    Tap,
    TappedConnection,
    is_commit,
    let_it_run,
    tapped,
    without_waiting_for_the_disk,
)
from tests.store.forking import exit_code, fork

Operations = list[Operation[Any]]
Content = dict[str, list[tuple[Any, ...]]]

LONG = b"7" * 3000
DRAWN = {"database", "secret"}
"""What each new database draws for itself."""

ENDED = 9
"""The exit code of a process that a test ended in the middle."""


def make_a_lived_in_database(file: Path) -> Asker:
    """Have something of everything: finished, running, queued and scheduled jobs, keys, workers."""
    ask = Asker(SQLiteStore(file))
    ask.set_queue(capacity=20, keep=3)
    ask.enter()
    ask.enter()
    ask.run_to_success(2, value=LONG, params=LONG)
    ask.run_to_failure(Error("exception", "n" * 3000))
    ask.run_to_success(2)
    ask.start(8, params=LONG)
    ask.start(2, run_at=ask.now + 5)
    ask.insert(a_new_job(), key="k", digest=b"d")
    waiting = ask.claim(6)[-1]
    ask.apply(lifecycle.wait(waiting, b'{"remote":7}', ask.now + 5, BY))
    ask.do(PutSchedules((Scheduled("hourly", "render", "{}", ask.now),)))
    for retain in (5.0, 500.0):
        kept = ask.start_one(options=JobOptions(retain=retain), params=LONG)
        ask.apply(ask.cancellation(ask.job(kept)))
    ask.start(1, options=JobOptions(retain=500.0))
    ask.now += 10
    return ask


def some_credentials(now: float) -> Operations:
    """Everything that is done with tokens, sessions and links that log in."""
    session = Session(b"s" * 32, b"t" * 32, now, now + 9)
    return [
        CreateToken(NewToken("page", b"t" * 32, (Scope.READ,)), now),
        Begin(session),
        NoteUse(((b"t" * 32, now),), ((session.digest, now + 20),)),
        OfferLink(b"l" * 32, now, now + 9),
        UseLink(b"l" * 32, replace(session, digest=b"u" * 32)),
        End(session.digest),
        RevokeToken("page", now),
    ]


def every_operation(ask: Asker) -> dict[str, Operations]:
    """Every kind of operation on that database, in the forms that take different ways."""
    running = [ask.job(job_id) for job_id in ask.owned()]
    one, two, three, four, five, waiting = running
    failed = next(job for job in ask.all_jobs() if job.state is State.FAILED)
    failed = ask.job(failed.id)
    ended = [
        ask.conclusion(one, Succeeded(LONG)),
        ask.conclusion(two, Failed(Error("exception", "n" * 3000))),
        ask.conclusion(three, Yielded()),
        ask.conclusion(four, Crashed()),
        ask.cancellation(five),
        ask.cancellation(ask.job(five.id + 1)),
    ]
    stale = ask.conclusion(replace(one, version=one.version - 1), Succeeded(b"stale"))
    kinds: dict[str, Operations] = {
        "start": [ask.an_insert(a_new_job(params=LONG), a_new_job(queue="new"), key="l")],
        "start again": [ask.an_insert(a_new_job(), key="k", digest=b"d")],
        "start too many": [ask.an_insert(*[a_new_job()] * 30)],
        "claim": [ask.a_claim(2)],
        "apply": [Apply(tuple(ended), ask.now)],
        "apply with a stale one": [Apply((*ended[:2], stale), ask.now)],
        "retry": [Retry(lifecycle.retry(failed, ask.now, BY), ask.now)],
        "wait": [Apply((lifecycle.wait(one, b"7", ask.now + 5, BY),), ask.now)],
        "check again": [Checked(((waiting.id, waiting.token, ask.now + 9, Progress(1.0)),))],
        "complete": [a_completion(waiting, ask.now)],
        "remove": [Remove(failed.id)],
        "start with keys": [an_insert_with_keys(ask)],
        "put schedules": [some_schedules(ask)],
        "fire": [a_fire(ask, due_at=ask.now - 10)],
        "fire late": [a_fire(ask, due_at=ask.now - 20)],
        "renew": [Renew(1, ask.now, ask.now + 30)],
        "report": [Report(((one.id, one.token, Progress(1.0)),))],
        "enter": [Enter(A_WORKER)],
        "stopping": [Stopping(1)],
        "leave": [Leave(2)],
        "set a queue": [SetQueue("default", QueueSettings(limit=2))],
        "let in": [Promote(ask.now)],
        "prune": [Prune(ask.now)],
        "let browsers in": some_credentials(ask.now),
    }
    kinds |= some_control(ask, one, two)
    kinds["claim from lanes"] = [*kinds["start with keys"], ask.a_claim(4)]
    kinds["all of it"] = [
        operation for name in ("start", "claim", "apply", "let in", "prune", "renew")
        for operation in kinds[name]
    ]  # fmt: skip
    return kinds


def some_control(ask: Asker, one: Job, two: Job) -> dict[str, Operations]:
    """What is new since running jobs can be paused, and keep and tell something."""
    saved = Save((Keep(one.id, one.token, LONG, (("load", b"1"),)),), ask.now)
    stale = Save((Keep(one.id, one.token - 1, b"2"), Keep(two.id, two.token, b"3")), ask.now)
    record = Record(one.id, one.token, 1, 1, Usage(pid=12), (Deed(ask.now, "SIGTERM sent"),))
    lines = [LogLine(ask.now, "", "stdout", text) for text in ("frame 1", "frame 2")]
    said = tuple(Said(one.id, one.token, 1, line) for line in lines)
    wished = asked(one, Wish.PAUSE, ask.now)
    paused = lifecycle.pause(wished.after, Mode.FROZEN, ask.now, BY)
    assert paused is not None
    resumed = asked(paused.after, Wish.RESUME, ask.now)
    freezing = Apply((wished, paused), ask.now)
    queued = next(job for job in ask.all_jobs() if job.state is State.QUEUED)
    amended = lifecycle.amend(queued, lifecycle.Amendment(queue="new"), ask.now, BY)
    assert amended is not None
    return {
        "save": [saved, stale],
        "note": [Note((record, record))],
        "say": [Say(said)],
        "pause a task": [SetTask("render", True, "tests", ask.now, BY), ask.a_claim(2)],
        "resume a task": [SetTask("fetch", False, None, ask.now, BY)],
        "pause": [freezing],
        "resume": [freezing, Apply((resumed,), ask.now), ask.a_claim(2)],
        "amend": [Amend(amended, "queue: new", ask.now)],
        "hold": [Apply((asked(queued, Wish.PAUSE, ask.now),), ask.now)],
        "retain": some_retaining(ask),
        "end what has kept": [saved, Apply((ask.conclusion(one, Succeeded(b"1")),), ask.now)],
    }


def some_retaining(ask: Asker) -> Operations:
    """Jobs with a time of their own: one ends, one is tried anew, one's time is over."""
    timed = [job for job in ask.all_jobs() if job.options.retain == 500.0]
    ended, queued = timed
    return [
        Apply((ask.cancellation(queued),), ask.now),
        Retry(lifecycle.retry(ended, ask.now, BY), ask.now),
        Prune(ask.now),
    ]


def asked(job: Job, wish: Wish, now: float) -> Change:
    """Return what a wish makes of a job."""
    change = lifecycle.request(job, wish, now, BY)
    assert change is not None
    return change


def an_insert_with_keys(ask: Asker) -> Insert:
    """Start a group of which one is known, with limits and a rate."""
    lane = lane_text(Lane(limits={"gpu": 1}, rates={"render": Rate(5, 60.0)}))
    insert = ask.an_insert(
        a_new_job(key="one", lane=lane), a_new_job(lane=lane, params=LONG), a_new_job(key="one")
    )
    return replace(insert, grouped=True)


def a_completion(waiting: Job, now: float) -> Complete:
    """Somebody elsewhere says that a job's work is done."""
    change = lifecycle.complete(replace(waiting, kind="polling"), 2.0, BY)
    assert change is not None
    return Complete(change, LONG, now)


def some_schedules(ask: Asker) -> PutSchedules:
    """One schedule is new, one says something else than before, and one is no more."""
    new = Scheduled("daily", "fetch", "{}", ask.now + 50)
    changed = Scheduled("hourly", "render", '{"every":7}', ask.now + 60)
    return PutSchedules((new, changed), gone=("weekly",))


def a_fire(ask: Asker, due_at: float) -> Fire:
    """Two due times of a schedule whose jobs are not to overlap: one is started."""
    jobs = (a_new_job(key="hour", params=LONG), a_new_job(key="hour"))
    insert = replace(ask.an_insert(*jobs), token=0)
    return Fire("hourly", due_at, due_at + 3600, insert, last_at=due_at, missed=2)


class Trial:
    """One operation on a copy of a database, with a tap in its statements."""

    def __init__(self, template: Path | None, file: Path, operations: Operations) -> None:
        self.file = file
        self.operations = operations
        for leftover in file.parent.glob(f"{file.name}*"):
            leftover.unlink()
        if template is not None:
            shutil.copy(template, file)

    def run(self, tap: Tap, *, opened: bool) -> list[Any]:
        """Run it; with `opened` the tap sees only what comes after the opening of the file."""
        taps = [let_it_run if opened else tap]
        store = SQLiteStore(self.file, connect=connect_through(taps))
        try:
            if opened:
                store.run([])
            taps[0] = tap
            answers, _ = store.run(self.operations)
            return answers
        finally:
            taps[0] = let_it_run
            store.close()

    def content(self) -> Content:
        """Everything that is in the file, having looked whether it is sound."""
        connection = sqlite3.connect(self.file)
        tables = [
            name
            for (name,) in connection.execute("select name from sqlite_master where type = 'table'")
        ]
        content = {
            name: sorted(connection.execute(f"select * from {name}"), key=repr) for name in tables
        }
        if tables:
            check_soundness(connection)
            content["meta"] = [row for row in content["meta"] if row[0] not in DRAWN]
        connection.close()
        return content


def check_soundness(connection: sqlite3.Connection) -> None:
    """Hold the tables of a database against each other."""

    def rows(query: str) -> list[Any]:
        return connection.execute(query).fetchall()

    assert rows("pragma integrity_check") == [("ok",)]
    assert rows("select queue, state, jobs from tally where jobs <> 0 order by 1, 2") == rows(
        "select queue, state, count(*) from job group by 1, 2 order by 1, 2"
    )
    assert rows("select queue, state, bytes from tally where bytes <> 0 order by 1, 2") == rows(
        "select queue, state, sum(size) from job where finished_at is not null group by 1, 2 "
        "having sum(size) <> 0 order by 1, 2"
    )
    assert rows("select queue, jobs, bytes from retained where jobs <> 0 order by 1") == rows(
        "select queue, count(*), sum(size) from job where kept_until is not null group by 1"
    )
    assert rows("select id from job where kept_until is not null order by 1") == rows(
        "select id from job where finished_at is not null and options like '%retain%' order by 1"
    )
    assert rows("select 1 from job where claimable and queued_at is null") == []
    assert rows("select id, version, state from job order by id") == rows(
        "select job_id, max(version), state from event group by job_id order by job_id"
    )
    assert rows("select count(*) from event group by job_id having count(*) <> max(version)") == []
    assert rows("select 1 from body where job_id not in (select id from job)") == []
    assert (
        rows(
            "select 1 from job where occupies_slot <> (state = 'running' and next_check_at is null)"
        )
        == []
    )
    assert rows("select 1 from saved where job_id not in (select id from job)") == []
    assert rows("select 1 from step where job_id not in (select id from job)") == []
    assert rows("select 1 from record where job_id not in (select id from job)") == []
    assert rows("select 1 from log where job_id not in (select id from job)") == []
    assert rows("select job_id from holding order by 1") == rows(
        "select id from job where state = 'running' and lane like '%limits%' order by 1"
    )
    assert rows("select id from job_group where jobs <> 0 order by 1") == rows(
        "select distinct group_id from job where group_id is not null order by 1"
    )
    assert (
        rows(
            "select 1 from job where id > (select max(seq) from sqlite_sequence where name = 'job')"
        )
        == []
    )


def connect_through(taps: list[Tap]) -> Callable[..., TappedConnection]:
    """Connect through the tap in the list; what a process wrote outlives it without a sync."""
    return tapped(lambda text, run: without_waiting_for_the_disk(text, lambda: taps[0](text, run)))


@pytest.mark.parametrize(
    "spoil",
    [
        "update job set state = 'queued', worker = null, occupies_slot = 0 where id = 6",
        "update job set size = size + 1 where id = 1",
        "update tally set jobs = jobs + 1",
        "delete from job where id = 1",
        "delete from event where version = 2",
        "update event set state = 'failed' where version = 3",
        "insert into body values (99, 'params', x'00')",
        "update job set occupies_slot = 0",
        "update sqlite_sequence set seq = seq - 1 where name = 'job'",
        "update retained set bytes = bytes + 1",
        "update job set kept_until = null",
        "update job set queued_at = null",
    ],
)
def test_the_check_sees_what_is_not_sound(template: Path, kinds: object, spoil: str) -> None:
    connection = sqlite3.connect(template)
    check_soundness(connection)
    connection.execute(spoil)

    with pytest.raises(AssertionError):
        check_soundness(connection)

    connection.close()


class Milestones:
    """A tap that counts statements and keeps the file's content after each commit."""

    def __init__(self, trial: Trial) -> None:
        self.statements: list[str] = []
        self.contents = [trial.content()]
        self._trial = trial

    def tap(self, statement: str, run: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        self.statements.append(statement)
        cursor = run()
        if is_commit(statement):
            self.contents.append(self._trial.content())
        return cursor

    def is_commit(self, number: int) -> bool:
        return is_commit(self.statements[number - 1])

    def commits_before(self, number: int) -> int:
        return sum(map(is_commit, self.statements[:number]))


class At:
    """A tap that does something at the statement of that number, instead of it or after it."""

    def __init__(self, number: int, act: Callable[[], None], *, after: bool = False) -> None:
        self._left = number
        self._act = act
        self._after = after

    def __call__(self, statement: str, run: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        self._left -= 1
        if self._left != 0:
            return run()
        if self._after:
            run()
        self._act()
        raise AssertionError("it should have ended here")


def fail() -> None:
    raise sqlite3.OperationalError("disk I/O error")


def exits(trial: Trial, tap: Tap, *, opened: bool) -> int:
    """Run the trial in a process of its own; return its exit code."""
    return exit_code(fork(partial(trial.run, tap, opened=opened)))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template") / "offload.db"


@pytest.fixture(scope="module")
def kinds(template: Path) -> dict[str, Operations]:
    ask = make_a_lived_in_database(template)
    operations = every_operation(ask)
    ask.store.close()
    return operations


KINDS = (
    "let browsers in",
    "start", "start again", "start too many", "claim", "apply", "apply with a stale one", "renew",
    "report", "enter", "stopping", "leave", "set a queue", "let in", "prune", "retry", "wait",
    "check again", "start with keys", "claim from lanes", "put schedules", "fire", "fire late",
    "complete", "remove", "all of it", "save", "note", "say", "pause a task", "resume a task",
    "pause", "resume", "hold", "amend", "end what has kept",
    "retain",
)  # fmt: skip

POINTS: dict[str, int] = {}
"""How many points each way was tried at; told at the end."""


@pytest.fixture(scope="module", autouse=True)
def _tell(request: pytest.FixtureRequest) -> Any:
    yield
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        ways = ", ".join(f"{number} {way}" for way, number in sorted(POINTS.items()))
        print(f"\n  {sum(POINTS.values())} crash points: {ways}", flush=True)


def count(way: str) -> None:
    POINTS[way] = POINTS.get(way, 0) + 1


class Case:
    """A kind of operation, and the milestones of an undisturbed run."""

    def __init__(
        self, template: Path | None, operations: Operations, folder: Path, *, opened: bool
    ) -> None:
        self._template = template
        self._operations = operations
        self._file = folder / "offload.db"
        self.opened = opened
        trial = self.trial()
        self.milestones = Milestones(trial)
        self.answers = trial.run(self.milestones.tap, opened=opened)

    @property
    def numbers(self) -> range:
        return range(1, len(self.milestones.statements) + 1)

    def trial(self) -> Trial:
        return Trial(self._template, self._file, self._operations)


@pytest.fixture(params=KINDS)
def case(
    request: pytest.FixtureRequest, template: Path, kinds: dict[str, Operations], tmp_path: Path
) -> Case:
    """An operation on an open file: the points are those of its transaction."""
    return Case(template, kinds[request.param], tmp_path, opened=True)


@pytest.fixture(params=["a new file", "a file that is there"])
def opening(
    request: pytest.FixtureRequest, template: Path, kinds: dict[str, Operations], tmp_path: Path
) -> Case:
    """An operation that opens the file, and in one of the cases makes it."""
    made = request.param == "a new file"
    return Case(None if made else template, kinds["start"], tmp_path, opened=False)


def test_the_schedule_is_fired_and_the_late_one_is_not(
    template: Path, kinds: dict[str, Operations], tmp_path: Path
) -> None:
    fired = Trial(template, tmp_path / "fired.db", kinds["fire"]).run(let_it_run, opened=True)
    late = Trial(template, tmp_path / "late.db", kinds["fire late"]).run(let_it_run, opened=True)

    assert [type(answer) for answer in fired] == [Fired]
    assert len(fired[0].ids) == 1
    assert late == [None]


def test_the_kinds_are_all_tried(kinds: dict[str, Operations]) -> None:
    assert set(KINDS) == set(kinds)
    tried = {type(operation) for operations in kinds.values() for operation in operations}
    assert tried == set(Operation.__subclasses__())


def check_failing(case: Case) -> None:
    for number in case.numbers:
        trial = case.trial()
        before = case.milestones.contents[case.milestones.commits_before(number - 1)]

        with pytest.raises(StoreError, match="disk I/O error"):
            trial.run(At(number, fail), opened=case.opened)

        assert trial.content() == before
        assert trial.run(let_it_run, opened=True) == case.answers
        assert trial.content() == case.milestones.contents[-1]
        count("failing")


def check_ending(case: Case) -> None:
    """End the process before each statement, and after each commit: elsewhere that is the same."""
    points = [(number, False) for number in case.numbers]
    points += [(number, True) for number in case.numbers if case.milestones.is_commit(number)]
    for number, after in points:
        trial = case.trial()
        done = case.milestones.commits_before(number if after else number - 1)

        code = exits(trial, At(number, lambda: os._exit(ENDED), after=after), opened=case.opened)

        assert code == ENDED
        assert trial.content() == case.milestones.contents[done]
        if not case.opened and done < case.milestones.commits_before(len(case.numbers)):
            assert trial.run(let_it_run, opened=True) == case.answers
            assert trial.content() == case.milestones.contents[-1]
        count("ending after a commit" if after else "ending")


@pytest.mark.slow
@pytest.mark.promise("D1")
@pytest.mark.promise("S23")
def test_an_operation_whose_statement_fails_has_done_nothing(case: Case) -> None:
    check_failing(case)


@pytest.mark.slow
@pytest.mark.promise("D1")
@pytest.mark.promise("P1")
@pytest.mark.promise("S1")
@pytest.mark.promise("S22")
def test_an_operation_whose_process_ends_is_done_if_it_was_committed(case: Case) -> None:
    check_ending(case)


@pytest.mark.slow
@pytest.mark.promise("D1")
def test_opening_that_fails_can_be_repeated(opening: Case) -> None:
    check_failing(opening)


@pytest.mark.slow
@pytest.mark.promise("D1")
def test_opening_whose_process_ends_can_be_repeated(opening: Case) -> None:
    check_ending(opening)


@pytest.mark.promise("S1")
@pytest.mark.parametrize("stored", [True, False])
def test_a_commit_without_an_answer_is_found_out(case: Case, stored: bool) -> None:
    """The connection breaks while the commit is on its way; a new one can tell what it did."""
    trial = case.trial()
    last = len(case.milestones.statements)
    connections: list[sqlite3.Connection] = []

    def lose() -> None:
        if not stored:
            connections[0].execute("rollback")
        fail()

    taps: list[Tap] = [let_it_run]
    opener = connect_through(taps)

    def connect(*args: Any, **kwargs: Any) -> Any:
        connection = opener(*args, **kwargs)
        connections.append(connection.real)
        return connection

    store = SQLiteStore(trial.file, connect=connect)
    store.run([])
    taps[0] = At(last, lose, after=stored)
    with pytest.raises(CommitUnknown):
        store.run(trial.operations)
    found = [store.recover(operation) for operation in trial.operations]
    content = trial.content()
    store.close()

    assert content == case.milestones.contents[-1 if stored else 0]
    for operation, expected, answer in zip(trial.operations, case.answers, found, strict=True):
        inserted = stored and isinstance(operation, Insert) and _is_new(expected)
        assert answer == (expected if inserted else UNSET)
    count("commit unknown")


def _is_new(answer: Any) -> bool:
    return getattr(answer, "repeated", None) is False
