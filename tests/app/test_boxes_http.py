"""Black boxes over HTTP: a registered class is started by name; what is not kept is a conflict."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from offload.examples.boxes import BlockingDouble, PollingDouble
from tests.app.boxed import Box
from tests.http.site import Site
from tests.support import eventually

pytestmark = pytest.mark.promise("P1")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "jobs.db")
    site.app.register(BlockingDouble, kind="blocking", name="blocking")
    site.app.register(PollingDouble, kind="polling", name="polling", interval=0.05)
    site.open()
    yield site
    site.close()


@pytest.mark.parametrize("name", ["blocking", "polling"])
def test_a_registered_class_is_started_by_name(site: Site, name: str) -> None:
    job_id = site.finished(f"/start/{name}?value=21&seconds=0.2")

    answer = site.get(f"/result?id={job_id}")

    assert (answer.status, answer.json["result"]) == (200, 42)


def test_its_parameters_are_checked(site: Site) -> None:
    answer = site.post("/start/polling?value=many")

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    assert answer.json["errors"][0]["parameter"] == "value"


def test_it_is_listed_with_what_it_says_of_itself(site: Site) -> None:
    listed = {task["name"]: task for task in site.get("/v1/tasks").json["items"]}

    assert listed["polling"]["kind"] == "box"
    assert "Doubles a value elsewhere" in str(listed["polling"])


def test_an_output_that_only_its_program_holds_is_a_conflict_with_a_reason(site: Site) -> None:
    eventually(lambda: site.app.open().is_staffed)
    output = object()
    job = site.app.submit(Box(lambda: output))
    assert job.result(20) is output

    answer = site.get(f"/result?id={job.id}")

    assert (answer.status, answer.problem) == (409, "not-kept")
    assert "kept only in the program that ran it" in answer.json["detail"]
    status = site.get(f"/status?id={job.id}").json
    assert status["state"] == "succeeded"
    assert "kept only in the program that ran it" in status["reason"]
