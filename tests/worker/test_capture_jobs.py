"""Jobs of every kind have a log, and it can be read while they run."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offload import Job, Offload
from offload.config import Config
from offload.errors import UnknownJob
from offload.store.logs import HALF_BYTES
from tests.support import eventually
from tests.worker.children import writing


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offload]:
    """The tasks with a database, and a worker in this program."""
    folder = tmp_path_factory.mktemp("writing")
    writing.app.configure(Config(db=str(folder / "jobs.db"), processes=2, grace=1))
    yield writing.app
    writing.app.close()


def texts(job: "Job[None]", **wanted: Any) -> list[str]:
    job.wait(20)
    return [line.text for line in job.logs(**wanted)]


@pytest.mark.parametrize("name", ["in_a_coroutine", "in_a_thread", "in_a_process"])
def test_what_a_job_writes_is_in_its_log(app: Offload, name: str) -> None:
    job = app.find(name).start()

    job.result(20)
    written = {(line.source, line.level, line.text, line.attempt) for line in job.logs()}

    assert written == {
        ("stdout", "", "printed", 1),
        ("stderr", "", "complained", 1),
        ("tests.writing", "WARNING", "warned", 1),
        ("offload.job", "INFO", "noted", 1),
    }


def test_what_lies_below_python_is_heard(app: Offload) -> None:
    job = app.find("beneath").start()

    assert texts(job, source="stdout") == ["by a program"]
    assert texts(job, source="stderr") == ["by descriptor"]


def test_what_a_process_wrote_before_it_died_is_there(app: Offload) -> None:
    job = app.find("crash").start()

    assert texts(job, source="stdout") == ["last words"]
    assert job.state == "failed"


def test_all_attempts_write_into_one_log(app: Offload) -> None:
    job = app.find("stumble").start()

    assert texts(job) == ["try 1", "try 2"]
    assert [line.attempt for line in job.logs()] == [1, 2]
    assert texts(job, attempt=2) == ["try 2"]


def test_hooks_of_a_polling_task_write_into_its_jobs_log(app: Offload) -> None:
    job = app.find("elsewhere").start()

    assert texts(job) == ["begun", "done"]


def test_the_last_lines_of_a_job_that_stands_still_are_in_its_log(app: Offload) -> None:
    job = app.find("say_and_stand").start()
    eventually(lambda: job.state == "paused")

    eventually(lambda: [line.text for line in job.logs()] == ["before"])
    assert job.state == "paused"
    job.resume()
    assert texts(job) == ["before", "after"]


def test_a_log_is_followed_to_the_jobs_end(app: Offload, tmp_path: Path) -> None:
    file = tmp_path / "go on"
    job = app.find("chat").start(str(file))
    followed = []

    for line in job.logs(follow=True):
        followed.append(line.text)
        file.touch()

    assert followed == ["before", "after"]
    assert job.state == "succeeded"


def test_a_log_is_followed_without_blocking_the_loop(app: Offload, tmp_path: Path) -> None:
    file = tmp_path / "go on"
    job = app.find("chat").start(str(file))

    async def follow() -> list[str]:
        followed = []
        async for line in job.alogs(follow=True, text="e"):
            followed.append(line.text)
            file.touch()
        return followed

    assert asyncio.run(follow()) == ["before", "after"]


def test_the_newest_lines_are_read_alone(app: Offload) -> None:
    job = app.find("stumble").start()
    job.wait(20)

    assert texts(job, tail=1) == ["try 2"]
    assert texts(job, after=1) == ["try 2"]


def test_two_processes_at_once_have_a_log_each(app: Offload) -> None:
    jobs = [app.find("in_a_process").start() for _ in range(6)]

    assert [texts(job, source="stdout") for job in jobs] == [["printed"]] * 6


@pytest.mark.slow
def test_a_flood_is_bounded_and_holds_nobody_up(app: Offload) -> None:
    job = app.find("flood").start(20)
    beside = app.find("in_a_coroutine").start()

    beside.result(10)
    job.result(60)
    lines = list(job.logs())

    last = lines[-1].n
    assert last >= 200_000  # more where a writer was held up in the midst of a line
    assert sum(len(line.text) for line in lines) <= 2 * HALF_BYTES
    numbers = [line.n for line in lines]
    assert numbers[:100] == list(range(1, 101))
    assert numbers[-100:] == list(range(last - 99, last + 1))


def test_what_cannot_be_read_is_named(app: Offload) -> None:
    app.find("in_a_coroutine").start().result(20)

    with pytest.raises(UnknownJob):
        list(app.logs(10**9))
    with pytest.raises(ValueError, match="there is no level 'loud'"):
        app.logs(1, level="loud")


def test_a_thread_of_the_program_is_nobodys(
    app: Offload, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = threading.Thread(target=print, args=("of nobody",))

    alone.start()
    alone.join()

    assert capsys.readouterr().out == "of nobody\n"
