"""A client that a generator makes of the OpenAPI document: strictly typed, and it works."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.http.conftest import Open

PROGRAM = '''
"""One job from its start to its end, another altered, cancelled and tried anew; all typed."""

import sys

from client import AuthenticatedClient
from client.api.jobs import amend_job, cancel_job, cancel_jobs, list_jobs, retry_job, show_job
from client.api.starts import start_add, start_hold
from client.models.add_params import AddParams
from client.models.add_start import AddStart
from client.models.amendment import Amendment
from client.models.bulk import Bulk
from client.models.bulk_shape import BulkShape
from client.models.filter_shape import FilterShape
from client.models.hold_start import HoldStart
from client.models.job_shape import JobShape
from client.models.options import Options
from client.models.page import Page
from client.models.problem_shape import ProblemShape
from client.models.show_job_until import ShowJobUntil
from client.models.started_job import StartedJob

with AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2]) as server:
    started = start_add.sync(client=server, body=AddStart(params=AddParams(a=2, b=40)))
    assert isinstance(started, StartedJob)
    ended = show_job.sync(started.id, client=server, wait=30, until=ShowJobUntil.DONE)
    assert isinstance(ended, JobShape)
    assert (ended.state, ended.result) == ("succeeded", 42)

    later = start_hold.sync(client=server, body=HoldStart(options=Options(delay=3600)))
    assert isinstance(later, StartedJob)
    amended = amend_job.sync(later.id, client=server, body=Amendment(priority=5))
    assert isinstance(amended, JobShape)
    assert (amended.priority, amended.state) == (5, "scheduled")
    cancelled = cancel_job.sync(later.id, client=server)
    assert isinstance(cancelled, JobShape)
    assert cancelled.state == "cancelled"
    again = retry_job.sync(later.id, client=server)
    assert isinstance(again, JobShape)
    bulk = cancel_jobs.sync(client=server, body=Bulk(filter_=FilterShape(task="hold")))
    assert isinstance(bulk, BulkShape)
    assert bulk.changed == 1
    page = list_jobs.sync(client=server, state="succeeded", q="param.b:40")
    assert isinstance(page, Page)
    assert [job.id for job in page.items] == [started.id]
    absent = show_job.sync(10**12, client=server)
    assert isinstance(absent, ProblemShape)
    print(absent.type_)
'''

SETTINGS = """
[mypy]
strict = true
files = client, life.py

# The generator's own part, the same for every document: `*args: Any` is too wide since mypy 2.
[mypy-client.client]
disable_error_code = arg-type
"""


@pytest.mark.long
def test_a_generated_client_is_typed_and_runs_a_whole_life_cycle(
    open_site: Open, tmp_path: Path
) -> None:
    site = open_site(token="for the tests: " + "x" * 32)
    (tmp_path / "openapi.json").write_bytes(site.get("/v1/openapi.json").body)
    (tmp_path / "life.py").write_text(PROGRAM, "utf-8")
    (tmp_path / "mypy.ini").write_text(SETTINGS, "utf-8")
    (tmp_path / "made.yml").write_text("post_hooks: []\n", "utf-8")

    generated = run(
        tmp_path,
        *("-m", "openapi_python_client", "generate", "--path", "openapi.json"),
        *("--meta", "none", "--output-path", "client", "--config", "made.yml"),
    )
    checked = run(tmp_path, "-m", "mypy", "--config-file", "mypy.ini")
    lived = run(tmp_path, "life.py", site.address, site.token)

    assert "Unable" not in generated
    assert "Warning" not in generated
    assert "no issues" in checked
    assert lived.strip() == "/problems/unknown-job"


def run(folder: Path, *arguments: str) -> str:
    """Run this interpreter; returns what it says."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout + done.stderr
