"""Asking many jobs, and altering one that waits: the same in the program that has the database."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from offload import Job, Offload, Tally, bulk, errors
from offload.lifecycle import Shown
from offload.model import QueueSettings, State
from tests.client.conftest import Open
from tests.client.programs import Declared, declare
from tests.http.site import Site

pytestmark = pytest.mark.slow

SOON = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture
def site(open_site: Open) -> Site:
    """A server of the test's own, whose jobs nobody runs."""
    return open_site(work=False)


@pytest.fixture(params=["here", "there"])
def app(request: pytest.FixtureRequest, site: Site) -> Iterator[Offload]:
    """A program that has the database, or one that asks the server."""
    if request.param == "here":
        app = Offload(site.app.database, worker="off")
    else:
        app = Offload(server=site.address)
    yield app
    app.close()


@pytest.fixture
def tasks(app: Offload) -> Declared:
    return declare(app)


def shown(app: Offload) -> list[Shown]:
    """The states of all jobs, in the order in which they were started."""
    return [app.shown(job) for job in reversed(app.list())]


# --- many jobs


def test_a_preview_counts_and_changes_nothing(app: Offload, tasks: Declared) -> None:
    tasks.add.start_many([1, 2, 3])
    tasks.echo.start(None)

    expected = app.jobs(task="add").cancel(preview=True)

    assert expected == Tally(preview=True, matched=3, changed=3)
    assert shown(app) == [Shown.QUEUED] * 4


def test_the_four_verbs_are_asked_of_many(app: Offload, tasks: Declared) -> None:
    tasks.add.start_many([1, 2, 3])
    adds = app.jobs(task="add")

    paused = adds.pause("lunch")
    states = [shown(app)]
    resumed = adds.resume()
    cancelled = adds.cancel()
    states.append(shown(app))
    retried = adds.retry()
    states.append(shown(app))

    assert [each.changed for each in (paused, resumed, cancelled, retried)] == [3] * 4
    assert states == [[Shown.PAUSED] * 3, [Shown.CANCELLED] * 3, [Shown.QUEUED] * 3]
    assert {event.reason for event in app.history(1) if event.kind == "held"} == {"lunch"}


def test_many_are_asked_on_a_loop(app: Offload, tasks: Declared) -> None:
    tasks.add.start_many([1, 2])

    async def main() -> list[Tally]:
        jobs = app.jobs(states=["queued", "paused", "cancelled"])
        return [
            await jobs.apause("lunch"),
            await jobs.aresume(preview=True),
            await jobs.aresume(),
            await jobs.acancel(),
            await jobs.aretry(),
        ]

    tallies = asyncio.run(main())

    assert [(each.matched, each.changed, each.preview) for each in tallies] == [
        (2, 2, False),
        (2, 2, True),
        (2, 2, False),
        (2, 2, False),
        (2, 2, False),
    ]


def test_jobs_are_chosen_by_whatever_a_list_is(app: Offload, tasks: Declared) -> None:
    tasks.add.using(tags=["red"]).start(1, 1)
    tasks.add.using(owner="Zoë B").start(2, 1)
    group = tasks.echo.map(["north wing", "south"])
    second = app.get(2).read()

    chosen = {
        "tag": app.jobs(tag="red"),
        "task": app.jobs(task="echo"),
        "queue": app.jobs(queue="elsewhere"),
        "group": app.jobs(group=group.id),
        "since": app.jobs(since=second.created_at + 3600),
        "states": app.jobs(states=["paused", "running"]),
        "worker": app.jobs(worker=77),
        "words": app.jobs(text='"north wing" echo'),
        "parameter": app.jobs(text="param.a:2"),
        "owner": app.jobs(text='"Zoë B"', task="add"),
        "ids": app.jobs(ids=[1, 3, 3]),
        "all": app.jobs(),
    }

    counted = {name: jobs.cancel(preview=True).changed for name, jobs in chosen.items()}
    assert counted == {
        **{"tag": 1, "task": 2, "queue": 0, "group": 2, "since": 0, "states": 0, "worker": 0},
        **{"words": 1, "parameter": 1, "owner": 1, "ids": 2, "all": 4},
    }


def test_a_list_is_searched_for_words(app: Offload, tasks: Declared) -> None:
    tasks.echo.start_many([f"wing {number % 2}" for number in range(6)])

    found = app.list(text='"wing 1"', limit=2)
    rest = asyncio.run(app.alist(text='"wing 1"', before=found[-1].id, states=["queued"]))

    assert [job.id for job in (*found, *rest)] == [6, 4, 2]
    assert app.list(text='param.value:"wing 1"', task="add") == []


def test_those_that_cannot_are_counted_by_the_error_that_they_would_raise(
    app: Offload, tasks: Declared
) -> None:
    tasks.add.start_many([1, 2, 3])
    app.get(1).cancel()

    again = app.jobs(states=["cancelled"]).cancel()
    paused = app.jobs(ids=[1, 2, 999]).pause()
    retried = app.jobs(ids=[1, 2]).retry()

    assert again == Tally(matched=1, unchanged=1)
    assert paused == Tally(
        matched=3, changed=1, refused={errors.AlreadyFinished: 1, errors.UnknownJob: 1}
    )
    assert retried == Tally(matched=2, changed=1, refused={errors.NotFinished: 1})


def test_jobs_for_which_there_is_no_room_are_counted(
    site: Site, app: Offload, tasks: Declared
) -> None:
    tasks.add.start_many([1, 2, 3])
    app.jobs().cancel()
    site.app.set_queue(QueueSettings(capacity=2), QueueSettings())

    tally = app.jobs().retry()

    assert (tally.changed, tally.refused) == (2, {errors.QueueFull: 1})


def test_however_many_there_are_one_call_asks_all(
    app: Offload, tasks: Declared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PAGE", 3)
    monkeypatch.setattr(bulk, "MOST_JOBS", 6)
    tasks.add.start_many(list(range(20)))

    expected = app.jobs().cancel(preview=True)
    cancelled = app.jobs().cancel()
    retried = app.jobs(ids=range(1, 21)).retry()

    assert (expected.changed, cancelled.changed, retried.changed) == (20, 20, 20)
    assert retried.matched == 20


def test_what_was_done_already_is_no_change_the_second_time(app: Offload, tasks: Declared) -> None:
    tasks.add.start_many([1, 2])

    tallies = [app.jobs(states=["queued", "cancelled"]).cancel() for _ in range(2)]

    assert [(each.changed, each.unchanged) for each in tallies] == [(2, 0), (0, 2)]


@pytest.mark.parametrize(
    ("narrowed", "words"),
    [
        ({"states": ["waiting"]}, "waiting"),
        ({"text": "x" * 501}, "at most 500"),
        ({"ids": [1], "task": "add"}, "leave the rest out"),
        ({"ids": [0]}, "0 is not the id of a job"),
        ({"ids": ["1"]}, "'1' is not the id of a job"),
    ],
)
def test_a_filter_that_does_not_fit_is_refused_before_anything_is_asked(
    app: Offload, narrowed: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        app.jobs(**narrowed)  # type: ignore[arg-type]


def test_a_filter_that_is_none_is_refused(app: Offload) -> None:
    with pytest.raises(TypeError, match="sate"):
        app.jobs(sate="queued")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="sate"):
        app.list(sate="queued")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="at most 500 characters"):
        app.jobs().pause("x" * 501)


# --- altering one


def test_a_job_that_waits_is_altered(site: Site, app: Offload, tasks: Declared) -> None:
    site.app.set_queue(QueueSettings(), QueueSettings(), "slow")
    job = tasks.add.start(1, 1)

    changed = job.amend(priority=7, queue="slow", tags=["b", "a", "b"], run_at=SOON)

    record = job.read()
    assert changed is True
    assert (record.priority, record.queue, record.tags) == (7, "slow", ("b", "a"))
    assert record.run_at == SOON.timestamp()
    assert job.state == Shown.SCHEDULED
    assert app.history(job.id)[-1].kind == "amended"


def test_what_is_not_said_stays(app: Offload, tasks: Declared) -> None:
    job = tasks.add.using(priority=3, tags=["a"], run_at=SOON).start(1, 1)

    changed = [
        job.amend(),
        job.amend(priority=3),
        job.amend(run_at=SOON.timestamp()),
        job.amend(tags=[]),
        asyncio.run(job.aamend(run_at=None)),
    ]

    record = job.read()
    assert changed == [False, False, False, True, True]
    assert (record.priority, record.queue, record.tags) == (3, "default", ())
    assert job.state == Shown.QUEUED


def test_a_job_that_is_paused_is_altered_and_stays_paused(app: Offload, tasks: Declared) -> None:
    job = tasks.add.using(paused=True).start(1, 1)

    changed = job.amend(priority=-3)

    states = [job.state, job.resume(), job.state]
    assert changed is True
    assert states == [Shown.PAUSED, True, Shown.QUEUED]


def test_a_job_that_has_ended_cannot_be_altered(app: Offload, tasks: Declared) -> None:
    job = tasks.add.start(1, 1)
    job.cancel()

    with pytest.raises(errors.AlreadyFinished) as refused:
        job.amend(priority=1)
    with pytest.raises(errors.UnknownJob):
        Job[int](999, app).amend(priority=1)

    assert (refused.value.job_id, refused.value.state) == (job.id, State.CANCELLED)


def test_a_queue_without_room_takes_no_job_from_another(
    site: Site, app: Offload, tasks: Declared
) -> None:
    site.app.set_queue(QueueSettings(capacity=0), QueueSettings(), "full")
    job = tasks.add.start(1, 1)

    with pytest.raises(errors.QueueFull) as refused:
        job.amend(queue="full")

    assert (refused.value.queue, job.read().queue) == ("full", "default")


@pytest.mark.parametrize(
    ("otherwise", "words"),
    [
        ({"priority": 40_000}, "priority"),
        ({"queue": ""}, "queue must be a text"),
        ({"tags": "red"}, "tags must be a list of texts"),
        ({"tags": [""]}, "tags must be a list of texts"),
        ({"run_at": datetime(2040, 1, 1)}, "has no time zone"),
        ({"run_at": float("nan")}, "run_at must be"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_asked(
    tasks: Declared, otherwise: dict[str, object], words: str
) -> None:
    job = tasks.add.start(1, 1)

    with pytest.raises(ValueError, match=words):
        job.amend(**otherwise)  # type: ignore[arg-type]


def test_what_cannot_be_altered_says_what_can(tasks: Declared) -> None:
    job = tasks.add.start(1, 1)

    with pytest.raises(TypeError, match="'retries' of a job cannot be altered; it can be: prior"):
        job.amend(retries=3)  # type: ignore[call-arg]
