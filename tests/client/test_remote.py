"""A program whose jobs are at a real server: the same verbs, handles, values and exceptions."""

import asyncio
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from offload import Backoff, Group, Job, as_completed, errors
from offload.client.house import THREADS
from offload.client.remote import Remote
from offload.client.tasks import options_of
from offload.errors import ConfigError, Fault
from offload.lifecycle import Shown
from offload.model import Progress, QueueSettings, State
from offload.options import call_options
from tests.client.conftest import Open
from tests.client.nasty import Nasty, good, problem
from tests.client.programs import Declared, declare
from tests.http.site import ABSENT_ID, Site
from tests.support import eventually


@pytest.fixture
def tasks(far: Remote) -> Declared:
    return declare(far)


# --- a job's life


def test_a_job_is_started_watched_and_collected(far: Remote, tasks: Declared) -> None:
    job = tasks.add.start(20, 22)

    assert job.result(timeout=20) == 42
    assert job.state == "succeeded"
    assert job.read().params == b'{"a":20,"b":22}'
    assert [event.kind for event in far.history(job.id)][-1] == "succeeded"
    assert far.get(job.id) == job


def test_a_job_is_started_watched_and_collected_on_a_loop(far: Remote, tasks: Declared) -> None:
    async def main() -> tuple[int, Shown, bool]:
        job = await tasks.add.astart(20, 22)
        return await job, await job.astate(), await job.await_(1)

    assert asyncio.run(main()) == (42, "succeeded", True)


@pytest.mark.parametrize(
    "value", [2**4000, -(2**70), 0, None, False, "", [], "Zoë 😀", {"a": [{"b": [1.5, None]}]}]
)
def test_values_come_back_exactly(tasks: Declared, value: Any) -> None:
    assert tasks.echo.start(value).result(20) == value


def test_a_failed_job_raises_what_it_would_raise_here(tasks: Declared) -> None:
    job = tasks.boom.start()

    with pytest.raises(errors.JobFailed, match="RuntimeError: it broke") as failed:
        job.result(20)

    assert (failed.value.job_id, failed.value.task, failed.value.code) == (
        job.id,
        "boom",
        "exception",
    )
    assert failed.value.type == "RuntimeError"
    assert "raise RuntimeError(message)" in (failed.value.traceback or "")
    assert str(failed.value).endswith(failed.value.traceback or "no traceback")


def test_a_running_job_is_cancelled(far: Remote, site: Site, tasks: Declared) -> None:
    job = tasks.hold.start()
    eventually(lambda: job.state == "running")

    eventually(lambda: job.progress == Progress(1, 4, "waiting", "step"))
    with pytest.raises(TimeoutError, match=f"job {job.id} is running after 0 s; it goes on"):
        job.result(0)
    assert job.wait(0.01) is False
    assert job.cancel() is True
    with pytest.raises(errors.JobCancelled):
        job.result(20)
    assert job.cancel() is False
    assert job.read().state is State.CANCELLED


def test_a_job_that_waits_says_why(far: Remote, open_site: Open) -> None:
    site = open_site(work=False)
    app = Remote(server=site.address)
    job = declare(app).add.start(1, 1)

    assert job.state == "queued"
    assert "worker" in (app.reason(job.read()) or "")
    job.cancel()
    app.close()


def test_a_failed_job_is_tried_anew(tasks: Declared) -> None:
    job = tasks.boom.start()
    job.wait(20)

    job.retry()

    job.wait(20)
    assert job.read().attempt == 2
    with pytest.raises(errors.AlreadyFinished):
        job.cancel()


def test_a_job_that_was_scheduled_is_shown_so_by_the_clock_of_the_server(tasks: Declared) -> None:
    job = tasks.add.using(delay="1h", tags=["later"]).start(1, 2)

    record = job.read()
    assert job.state == "scheduled"
    assert record.state is State.QUEUED
    assert record.tags == ("later",)
    assert job.cancel() is True


# --- starting


def test_what_does_not_fit_is_refused_before_anything_is_sent(tasks: Declared) -> None:
    with pytest.raises(errors.InvalidParameters) as refused:
        tasks.add.start("x", 1)  # type: ignore[arg-type]

    assert [fault.parameter for fault in refused.value.faults] == ["a"]


def test_a_task_that_only_the_server_knows_is_started_by_its_name(far: Remote) -> None:
    job = far.start("words", text="hello")

    assert job.result(20) == "hello"
    with pytest.raises(errors.InvalidParameters) as refused:
        far.start("words", txt="hello")
    assert (
        refused.value.faults == (Fault("text", "missing"), Fault("txt", "unexpected"))
        or len(refused.value.faults) == 2
    )


def test_an_unknown_task_names_the_nearest(far: Remote) -> None:
    with pytest.raises(errors.UnknownTask) as refused:
        far.start("wordz")

    assert (refused.value.name, refused.value.nearest[0]) == ("wordz", "words")


def test_a_declared_task_is_started_by_its_name(far: Remote, tasks: Declared) -> None:
    assert far.start("add", a=1, b=2).result(20) == 3
    assert asyncio.run(_astarted(far)) == 3


async def _astarted(far: Remote) -> Any:
    return await (await far.astart("add", a=1, b=2))


def test_many_jobs_are_started_at_once_all_or_none(far: Remote, tasks: Declared) -> None:
    jobs = tasks.add.start_many([(1, 1), {"a": 2}, 3])

    assert [job.result(20) for job in jobs] == [2, 3, 4]
    assert tasks.add.start_many([]) == []
    with pytest.raises(errors.InvalidParameters, match="there is no task 'nothing'"):
        far.start_many([("add", {"a": 1}), ("nothing", {})])


def test_only_what_the_call_says_is_sent(tasks: Declared) -> None:
    at = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    said = options_of(
        call_options(
            {
                "retries": 3,
                "backoff": Backoff.exponential(first=2),
                "timeout": "90s",
                "memory": "1M",
                "on_crash": "fail",
                "run_at": at,
                "deadline": at + timedelta(hours=1),
                "key": "k",
            }
        )
    )

    assert options_of(call_options({})) == {}
    assert said == {
        "retries": 3,
        "backoff": {"first": 2.0, "factor": 2, "most": 600.0, "jitter": 0.25},
        "timeout": 90.0,
        "memory": said["memory"],
        "on_crash": "fail",
        "run_at": "2030-01-02T03:04:05.678901+00:00",
        "deadline": "2030-01-02T04:04:05.678901+00:00",
        "key": "k",
    }


def test_every_option_of_a_call_arrives(tasks: Declared) -> None:
    later = tasks.add.using(
        priority=7, run_at=datetime(2031, 1, 1, tzinfo=UTC), owner="me", tags=["a", "b"], retries=4,
        backoff=Backoff.fixed("3s"), timeout="10m", deadline="9999h", memory="64M",
        on_crash="fail", retain="1h", key="only-one", on_conflict="refuse",
    )  # fmt: skip

    job = later.start(1, 2)

    record = job.read()
    assert (record.priority, record.owner, record.tags, record.key) == (
        7,
        "me",
        ("a", "b"),
        "only-one",
    )
    assert record.options.retries == 4
    assert record.run_at == datetime(2031, 1, 1, tzinfo=UTC).timestamp()
    assert record.deadline_at is not None
    with pytest.raises(errors.KeyTaken) as refused:
        later.start(1, 2)
    assert (refused.value.key, refused.value.job_id) == ("only-one", job.id)
    job.cancel()
    ended = job.read()
    assert ended.finished_at is not None
    assert ended.kept_until == pytest.approx(ended.finished_at + 3600)


def test_a_polling_task_is_declared_without_its_checks(far: Remote) -> None:
    @far.polling(interval=5)
    def words(text: str) -> str:
        raise AssertionError("a client's program runs no job")

    assert words.using(priority=1).start("hello").result(20) == "hello"


# --- several jobs


def test_a_group_is_started_watched_and_collected(far: Remote, tasks: Declared) -> None:
    group = tasks.add.map([(1, 1), (2, 2), (3, 3)])

    assert group.results(timeout=20) == [2, 4, 6]
    assert group.progress == Progress(3, 3, unit="job")
    assert [job.read().group for job in group.jobs()] == [group.id] * 3
    assert len(far.get_group(group.id)) == 3
    assert group.cancel() == 0
    with pytest.raises(errors.UnknownGroup):
        far.get_group(ABSENT_ID)


def test_a_group_on_a_loop_gives_errors_in_their_places(far: Remote, tasks: Declared) -> None:
    async def main() -> list[Any]:
        group = await tasks.boom.amap([(), ()])
        assert await group.aretry_failed() in (0, 1, 2)
        return await group.aresults(20, return_exceptions=True)

    outcomes = asyncio.run(main())

    assert [type(each) for each in outcomes] == [errors.JobFailed] * 2


def test_jobs_come_as_they_end(far: Remote, tasks: Declared) -> None:
    jobs = tasks.add.start_many([(n, 1) for n in range(30)])

    ended = list(as_completed(jobs, timeout=30))

    assert set(ended) == set(jobs)
    assert set(far.states(jobs).values()) == {Shown.SUCCEEDED}
    with pytest.raises(errors.UnknownJob):
        far.states([ABSENT_ID])


@pytest.mark.slow
def test_a_thousand_waits_share_one_stream(open_site: Open) -> None:
    site = open_site()
    app = Remote(server=site.address)
    tasks = declare(app)

    async def main() -> list[str]:
        jobs = await tasks.hold.astart_many([()] * 100)
        waits = [asyncio.ensure_future(jobs[n % 100].aresult(60)) for n in range(1000)]
        ear = app.open().ear
        await asyncio.to_thread(eventually, lambda: ear.hears and ear._wanted == 1000)
        connections = _connections_to(site.port)
        site.gate.open()
        results = await asyncio.gather(*waits)
        assert connections <= THREADS + 1  # requests that are under way, and the stream
        return results

    assert set(asyncio.run(main())) == {"held"}
    app.close()


def _connections_to(port: int) -> int:
    """Count the open connections to a port of this machine; `01` is that of open ones."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return len([line for line in lines if line[2].endswith(f":{port:04X}") and line[3] == "01"])


def test_many_threads_share_connections_and_a_stream(tasks: Declared) -> None:
    results: list[int] = []

    def work(n: int) -> None:
        results.extend(tasks.add.start(n, k).result(30) for k in range(5))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(results) == sorted(n + k for n in range(12) for k in range(5))


# --- asking


def test_pausing_goes_to_its_routes(nasty: Nasty) -> None:
    app = Remote(server=nasty.url)
    job, group = Job[Any](7, app), Group[Any](3, 2, app)
    nasty.acts = [good({"id": 7, "changed": True})] * 2 + [good({"id": 3, "changed": 2})] * 6

    assert (job.pause("lunch"), job.resume()) == (True, True)
    assert (group.pause(), group.resume(), app.pause(group=3)) == (2, 2, 2)
    assert app.pause(queue="default", reason="lunch", include_running=True) == 2
    assert asyncio.run(app.aresume(task="add")) == 2
    with pytest.raises(ValueError, match="name one of"):
        app.pause(queue="default", task="add")
    app.close()

    assert [(each.path, each.body) for each in nasty.asked] == [
        ("/v1/jobs/7/pause", b'{"reason":"lunch"}'),
        ("/v1/jobs/7/resume", b""),
        ("/v1/groups/3/pause", b""),
        ("/v1/groups/3/resume", b""),
        ("/v1/groups/3/pause", b""),
        ("/v1/queues/default/pause", b'{"reason":"lunch","include_running":true}'),
        ("/v1/tasks/add/resume", b""),
    ]


def test_a_job_that_cannot_be_paused_says_why(nasty: Nasty) -> None:
    app = Remote(server=nasty.url)
    nasty.acts = [problem(409, "not-pausable", id=7), problem(409, "being-cancelled", id=7)]

    with pytest.raises(errors.NotPausable, match="it is not-pausable"):
        Job[Any](7, app).pause()
    with pytest.raises(errors.BeingCancelled):
        Job[Any](7, app).pause()
    app.close()


# --- looking


def test_lists_queues_workers_and_counts(far: Remote, tasks: Declared) -> None:
    job = tasks.add.using(tags=["looked-at"]).start(1, 2)
    job.wait(20)

    [found] = far.list(tag="looked-at", states=["succeeded"], since=job.read().created_at - 1)
    [worker] = far.workers()
    [queue] = far.queues()

    assert (found.id, found.task) == (job.id, "add")
    assert far.list(tag="looked-at", before=job.id) == []
    assert "add" in worker.tasks
    assert (worker.vitals.memory or 0) > 1 << 20
    assert queue.name == "default"
    assert far.counts()["default", State.SUCCEEDED] >= 1
    assert far.schedules() == []


def test_a_queue_is_set(open_site: Open) -> None:
    app = Remote(server=open_site(work=False).address)
    declare(app).add.start(1, 1).cancel()

    queue = app.set_queue(QueueSettings(capacity=7), QueueSettings())

    assert (queue.capacity, app.queues()[0].capacity) == (7, 7)
    app.close()


@pytest.mark.parametrize("job_id", [ABSENT_ID, 0, -1])
def test_a_job_that_never_was_is_unknown(far: Remote, job_id: int) -> None:
    with pytest.raises(errors.UnknownJob):
        far.get(job_id)


def test_a_job_that_was_removed_is_evicted(far: Remote, tasks: Declared) -> None:
    job = tasks.add.start(1, 2)
    job.wait(20)

    far.open().client.remove(job.id)

    with pytest.raises(errors.Evicted):
        job.result(20)
    assert far.states([job]) == {}


# --- the program


def test_the_block_waits_for_what_was_started_in_it(site: Site) -> None:
    with Remote(server=site.address) as app:
        job = declare(app).add.start(1, 2)

    assert site.state(job.id) == "succeeded"


def test_it_goes_on_in_a_forked_child(far: Remote, tasks: Declared) -> None:
    before = tasks.add.start(1, 2)
    before.wait(20)

    pid = os.fork()
    if pid == 0:
        try:
            os._exit(tasks.add.start(3, 4).result(20))
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 7
    assert before.result(20) == 3


def test_it_is_opened_again_after_it_was_closed(far: Remote, tasks: Declared) -> None:
    job = tasks.add.start(1, 2)
    far.close()

    assert job.result(20) == 3


def test_what_needs_the_database_is_refused_in_a_sentence(far: Remote, site: Site) -> None:
    with pytest.raises(ConfigError, match="a black box can run only in the program that holds it"):
        far.submit(_Box())
    with pytest.raises(ConfigError, match="this program runs no jobs"):
        far.make_worker(None)
    with pytest.raises(ConfigError, match=r"can serve nothing.*unset OFFLOAD_SERVER"):
        far.configure(site.app.config)
    with pytest.raises(ConfigError, match="cannot be completed from here"):
        far.complete(1, "x")


class _Box:
    def run(self) -> None:
        """Do nothing."""

    def get_output(self) -> int:
        return 1


@pytest.mark.parametrize(
    "said", [{"slots": 5}, {"keep": 5}, {"worker": "off"}, {"lease": 30.0}, {"concurrency": 4}]
)
def test_a_setting_of_a_database_does_not_fit(said: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="is for a database; the jobs of this one are at"):
        Remote(server="http://127.0.0.1:1", **said)


def test_a_token_is_shown(open_site: Open) -> None:
    site = open_site(token="a-secret")
    stranger, known = Remote(server=site.address), Remote(server=site.address, token="a-secret")

    with pytest.raises(ConfigError, match="token"):
        declare(stranger).add.start(1, 2)
    assert declare(known).add.start(1, 2).result(20) == 3
    stranger.close()
    known.close()
