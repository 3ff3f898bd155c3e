"""A job's log over HTTP: pages, a text to be saved, and every line live until the job has ended."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.site import Site
from tests.http.test_events import Listener
from tests.support import eventually

pytestmark = pytest.mark.slow

log = logging.getLogger("tests.http.chatty")

Listen = Callable[..., Listener]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server whose jobs have something to say."""
    site = Site(tmp_path / "jobs.db")

    @site.app.task
    async def count(to: int) -> None:
        """Print numbers."""
        for number in range(1, to + 1):
            print(number)

    @site.app.task
    async def say() -> None:
        """Print, and log."""
        print("printed <b>\x1b[1mbold</b>")
        log.warning("careful")
        log.error("it broke")

    @site.app.task
    async def chat() -> None:
        """Print before the gate, and after."""
        print("before")
        await site.gate.wait()
        print("after")

    site.open()
    yield site
    site.close()


@pytest.fixture
def listen() -> Iterator[Listen]:
    opened: list[Listener] = []

    def open_one(site: Site, target: str, **headers: str) -> Listener:
        opened.append(Listener(site, target, **headers))
        return opened[-1]

    yield open_one
    for listener in opened:
        listener.close()


def ended(site: Site, target: str) -> int:
    job_id = site.start(target)
    site.reaches(job_id, "succeeded")
    return job_id


def page(site: Site, job_id: int, query: str = "") -> Any:
    answer = site.get(f"/v1/jobs/{job_id}/logs{query}")
    assert answer.status == 200, answer
    return answer.json


def texts(found: Any) -> list[str]:
    return [line["text"] for line in found["items"]]


def test_a_page_has_the_lines_in_their_order(site: Site) -> None:
    job_id = ended(site, "/start/say")

    found = page(site, job_id)

    assert texts(found) == ["printed <b>bold</b>", "careful", "it broke"]
    first, second, _ = found["items"]
    assert (first["n"], first["attempt"], first["level"], first["source"]) == (1, 1, None, "stdout")
    assert (second["level"], second["source"], second["skipped"]) == (
        "WARNING",
        "tests.http.chatty",
        0,
    )
    assert first["at"].endswith("Z")
    del found["items"]
    assert found == {"after": 3, "more": False, "done": True, "newest": 3, "kept": 3}


def test_pages_follow_each_other(site: Site) -> None:
    job_id = ended(site, "/start/count?to=5")

    first = page(site, job_id, "?limit=2")
    second = page(site, job_id, f"?limit=2&after={first['after']}")
    last = page(site, job_id, "?tail=true&limit=2")

    assert (texts(first), first["more"]) == (["1", "2"], True)
    assert (texts(second), second["more"]) == (["3", "4"], True)
    assert (texts(last), last["more"]) == (["4", "5"], False)


def test_lines_are_chosen_by_level_source_and_text(site: Site) -> None:
    job_id = ended(site, "/start/say")

    assert texts(page(site, job_id, "?level=error")) == ["it broke"]
    assert texts(page(site, job_id, "?source=stdout")) == ["printed <b>bold</b>"]
    assert texts(page(site, job_id, "?q=CARE")) == ["careful"]
    assert texts(page(site, job_id, "?attempt=2")) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?level=loud", "there is no level 'loud'; there are DEBUG, INFO"),
        ("?limit=0", "limit"),
        ("?after=-1", "after"),
        ("?lines=3", "lines"),
    ],
)
def test_what_cannot_be_asked_is_named(site: Site, query: str, said: str) -> None:
    job_id = site.start("/start/count?to=0")

    answer = site.get(f"/v1/jobs/{job_id}/logs{query}")

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    assert said in answer.json["detail"]


def test_the_log_of_no_job_is_a_problem(site: Site) -> None:
    site.start("/start/say")

    assert site.get("/v1/jobs/999/logs").problem == "unknown-job"
    assert site.get("/v1/jobs/x/logs").problem == "invalid-id"
    assert site.get("/v1/jobs/999/logs?download=true").problem == "unknown-job"
    assert site.get("/v1/jobs/999/logs", Accept="text/event-stream").problem == "unknown-job"


def test_a_log_can_be_saved_as_text(site: Site) -> None:
    job_id = ended(site, "/start/say")

    answer = site.get(f"/v1/jobs/{job_id}/logs?download=true&limit=1")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="job-{job_id}.log"'
    first, second, third = answer.body.decode().splitlines()
    assert first.endswith("Z stdout: printed <b>bold</b>")
    assert second.endswith("Z WARNING tests.http.chatty: careful")
    assert third.endswith("Z ERROR tests.http.chatty: it broke")


def test_lines_come_live_until_the_job_has_ended(site: Site, listen: Listen) -> None:
    job_id = site.start("/start/chat")
    listener = listen(site, f"/v1/jobs/{job_id}/logs")

    before = listener.next()
    site.gate.open()
    rest = listener.rest()

    assert before is not None
    assert (before.id, before.data["text"], before.type) == ("1", "before", "message")
    assert [(sent.id, sent.data["text"]) for sent in rest] == [("2", "after")]


def test_who_comes_back_goes_on_where_it_was(site: Site, listen: Listen) -> None:
    job_id = ended(site, "/start/count?to=3")
    target = f"/v1/jobs/{job_id}/logs"

    rest = listen(site, target, Last_Event_ID="1").rest()
    nothing = site.get(target, Accept="text/event-stream", Last_Event_ID="3")
    stranger = listen(site, target, Last_Event_ID="77").rest()

    assert [sent.data["text"] for sent in rest] == ["2", "3"]
    assert nothing.status == 204
    assert [sent.data["n"] for sent in stranger] == [1, 2, 3]


def test_lines_of_json_come_live_too(site: Site) -> None:
    job_id = ended(site, "/start/count?to=2")

    answer = site.get(f"/v1/jobs/{job_id}/logs", Accept="application/x-ndjson")

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [line for line in answer.body.split(b"\n") if b'"text":"2"' in line]


def test_a_stream_may_begin_with_the_newest_lines(site: Site, listen: Listen) -> None:
    job_id = ended(site, "/start/count?to=9")

    rest = listen(site, f"/v1/jobs/{job_id}/logs?tail=true&limit=2").rest()

    assert [sent.data["text"] for sent in rest] == ["8", "9"]


def test_a_stream_of_chosen_lines_ends_too(site: Site, listen: Listen) -> None:
    job_id = site.start("/start/chat")
    listener = listen(site, f"/v1/jobs/{job_id}/logs?q=after")

    site.gate.open()

    assert [sent.data["text"] for sent in listener.rest()] == ["after"]


def test_a_server_that_stops_ends_its_streams(site: Site, listen: Listen) -> None:
    job_id = site.start("/start/chat")
    listener = listen(site, f"/v1/jobs/{job_id}/logs")
    assert listener.next() is not None

    site.server.stop()

    assert listener.rest() == []
    site.gate.open()


def test_a_long_log_shows_its_gap(site: Site) -> None:
    job_id = ended(site, "/start/count?to=30000")

    found = page(site, job_id, "?limit=10000")
    [gap] = [line for line in found["items"] if line["skipped"]]

    assert (found["newest"], found["kept"]) == (30_000, 10_000)
    assert (gap["n"], gap["skipped"], gap["text"]) == (25_001, 20_000, "25001")
    saved = site.get(f"/v1/jobs/{job_id}/logs?download=true").body.decode()
    assert "\n… 20,000 lines were not kept …\n" in saved
    eventually(lambda: texts(page(site, job_id, "?tail=true&limit=1")) == ["30000"])
