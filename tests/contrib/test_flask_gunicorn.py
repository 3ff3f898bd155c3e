"""A Flask app as it is deployed: gunicorn with four processes, restarted while jobs run."""

from pathlib import Path

import pytest

from tests.contrib.gunicorns import Gunicorn
from tests.support import eventually

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "options", [[], ["--preload", "--threads", "2"]], ids=["plain", "preloaded and threaded"]
)
def test_every_process_sees_every_job_and_nothing_runs_twice(
    tmp_path: Path, options: list[str]
) -> None:
    with Gunicorn(tmp_path, *options) as gunicorn:
        ids = gunicorn.start_jobs("wait", range(8), 0.05)
        ids += gunicorn.start_jobs("block", range(8, 16), 0.05)

        seen_by = gunicorn.processes_that_see(ids[-1])
        gunicorn.all_succeed(ids)

        assert len(seen_by) == 4
        assert ids == list(range(1, 17))
        assert gunicorn.counts("begin") == gunicorn.counts("end") == dict.fromkeys(range(16), 1)
        assert gunicorn.most_at_once() == 2
        assert gunicorn.ask("GET", f"/result?id={ids[-1]}")[1]["result"] == "web"


def test_a_reload_and_a_stop_lose_nothing_and_whoever_looks_lets_the_rest_go_on(
    tmp_path: Path,
) -> None:
    with Gunicorn(tmp_path) as gunicorn:
        ids = gunicorn.start_held_jobs(range(12))
        eventually(lambda: gunicorn.state(ids[0]) == "running")
        before = gunicorn.processes_that_see(ids[0])

        gunicorn.reload()
        gunicorn.let_end(5)
        eventually(lambda: gunicorn.state(ids[4]) == "succeeded")
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in before))
        after = gunicorn.processes_that_see(ids[0])
        gunicorn.stop()
        ended_before = gunicorn.counts("end")
        gunicorn.let_end(12)
        gunicorn.start()
        gunicorn.all_succeed(ids)

        assert len(after) == 4
        assert ended_before == dict.fromkeys(range(5), 1)
        assert gunicorn.counts("end") == dict.fromkeys(range(12), 1)


def test_jobs_of_a_process_that_is_killed_are_run_by_another(tmp_path: Path) -> None:
    with Gunicorn(tmp_path) as gunicorn:
        [job_id] = gunicorn.start_held_jobs([0])
        eventually(lambda: gunicorn.state(job_id) == "running")
        for pid in gunicorn.processes_that_see(job_id):
            gunicorn.kill(pid)
        gunicorn.let_end(1)

        gunicorn.all_succeed([job_id])

        assert gunicorn.counts("begin") == {0: 2}
        assert gunicorn.counts("end") == {0: 1}
