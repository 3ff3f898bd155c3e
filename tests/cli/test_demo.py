"""The demo: what it starts can be started, ends as it says, and leaves nothing behind."""

import json
import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from offload import examples
from offload.cli import exits
from offload.cli.acts import ACTS, BOX, KINDS, Act, cancellations, narrated, surprises
from offload.examples.boxes import BlockingDouble, PollingDouble, gen_task
from tests.cli.conftest import Start
from tests.support import eventually

TASKS = [act for act in ACTS if act.task in examples.app.registry]
SHOWN = [act for act in ACTS if act in TASKS or act.task == BOX]
POWER = Act("power_sim", "It counts.", ({"a": 2, "b": 3},))


@pytest.mark.parametrize("act", TASKS, ids=lambda act: act.task)
def test_what_the_demo_starts_fits_its_task(act: Act) -> None:
    task = examples.app.find(act.task).registered

    for params in act.calls:
        assert json.loads(task.signature.check(params)) == params
    assert task.executor in KINDS


def test_every_example_is_in_the_demo() -> None:
    assert set(examples.app.registry) <= {act.task for act in ACTS}


def test_every_example_says_what_it_does_and_takes() -> None:
    for name in examples.app.registry:
        signature = examples.app.find(name).registered.signature
        assert signature.summary
        for parameter in signature.schema()["properties"].values():
            assert parameter["description"]


def test_an_act_is_told_with_its_kind() -> None:
    assert narrated(POWER, [4], "async") == f"job 4, power_sim: {KINDS['async']}. It counts."
    assert narrated(POWER, [4, 5], "") == "jobs 4 to 5, power_sim: It counts."


def test_jobs_are_cancelled_when_their_time_has_come() -> None:
    started = [(POWER, [1]), (Act("power_sim", "", ({},), cancel_after=6.0), [2, 3])]

    assert list(cancellations(started, 5.9)) == []
    assert list(cancellations(started, 6.0)) == [2, 3]


def test_what_ends_otherwise_than_was_told_is_a_surprise() -> None:
    started = [(POWER, [1, 2])]
    states = {1: "succeeded", 2: "failed"}

    assert list(surprises(started, states.__getitem__)) == [
        "job 2 was to end as succeeded, and is failed"
    ]


def test_a_cancel_of_whoever_watches_is_no_surprise() -> None:
    assert list(surprises([(POWER, [1])], {1: "cancelled"}.__getitem__)) == []


def test_a_blocking_box_has_its_output_when_run_has_returned() -> None:
    box = BlockingDouble(21, seconds=0)
    assert box.get_output() is None

    box.run()

    assert box.get_output() == 42


def test_a_polling_box_has_its_output_some_time_after_run() -> None:
    box = PollingDouble(21, seconds=0.05)
    assert box.get_output() is None

    box.run()

    assert box.get_output() is None
    eventually(lambda: box.get_output() == 42)


def test_a_generated_box_is_of_either_kind() -> None:
    kinds = {type(gen_task(21)) for _ in range(200)}

    assert kinds == {BlockingDouble, PollingDouble}


@pytest.fixture
def no_leftovers() -> Iterator[None]:
    """Whatever the demo puts aside is gone when it has ended."""
    folder = Path(tempfile.gettempdir())
    before = set(folder.glob("offload-demo-*"))
    yield
    assert set(folder.glob("offload-demo-*")) <= before


@pytest.mark.slow
@pytest.mark.usefixtures("no_leftovers")
def test_the_demo_shows_every_kind_and_ends_as_it_said(start: Start, tmp_path: Path) -> None:
    running = start("demo", "--json")

    code = running.process.wait(60)

    seen: dict[int, list[dict[str, Any]]] = {}
    for line in running.lines:
        job = json.loads(line)
        seen.setdefault(job["id"], []).append(job)
    ends = [states[-1]["state"] for states in seen.values()]
    assert (code, running.complaints) == (exits.OK, [])
    assert ends == [act.ends for act in SHOWN for _ in act.calls]
    assert {states[-1]["task"] for states in seen.values()} == {act.task for act in SHOWN}
    assert all(
        any(job["progress"] for job in states)
        for states in seen.values()
        if states[0]["task"] != BOX
    )
    assert {path.name for path in tmp_path.iterdir()} == {"tasks.py"}


@pytest.mark.slow
@pytest.mark.usefixtures("no_leftovers")
def test_the_demo_can_be_watched_and_stopped_in_a_browser(start: Start) -> None:
    running = start("demo")
    eventually(lambda: "http://" in "".join(running.lines))
    [address] = re.findall(r"on (http://\S+)", "".join(running.lines))

    with urlopen(address, timeout=20) as page:
        is_dashboard = b"<title>offload</title>" in page.read()
    with urlopen(f"{address}/v1/jobs?state=running", timeout=20) as listed:
        job_id = json.load(listed)["items"][0]["id"]
    with urlopen(Request(f"{address}/v1/jobs/{job_id}/cancel", b""), timeout=20) as asked:
        cancelled = json.load(asked)
    running.process.send_signal(signal.SIGINT)

    assert is_dashboard
    assert cancelled["changed"]
    assert running.process.wait(20) == exits.INTERRUPTED
