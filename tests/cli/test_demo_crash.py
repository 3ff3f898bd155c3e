"""The crash demo: what it says is what its witness says, and it leaves nothing behind."""

import io
import json
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from rich.console import Console

from offload.cli import exits, group
from offload.cli.crash.drawn import Drawn
from offload.cli.crash.plan import LEAST_SLICES, SLICES, Plan
from offload.cli.crash.receipt import Facts, promises
from offload.cli.crash.telling import page
from offload.cli.crash.witness import WINDOW_SECONDS, Entry, Finding, judge, read
from offload.errors import Fatal
from offload.examples.cluster import Cluster
from offload.examples.crash import pi_sim, quick_sum, remote_sim, undisturbed
from offload.worker.context import Context
from tests.cli.conftest import Start
from tests.cli.running import Running, marked
from tests.support import eventually

PICTURE = Path(__file__).parents[2] / "docs/images/demo-crash.svg"

KILLED_AT = 100.0

direct = build_opener(ProxyHandler({}))


def entries(*numbers: int, pid: int, at: float) -> list[Entry]:
    """Slices of a quarter of a second, the last of which was done at an instant."""
    first = at - 0.25 * (len(numbers) - 1)
    return [Entry(number, pid, first + 0.25 * place) for place, number in enumerate(numbers)]


def judged(*before: int, after: tuple[int, ...]) -> Finding:
    """Of a simulation of six slices whose worker was killed just after the last one before."""
    told = entries(*before, pid=1, at=99.9) + entries(*after, pid=2, at=110.0)
    return judge(told, 6, 1, KILLED_AT)


GOOD = Facts(
    plan=Plan(6),
    finding=judged(0, 1, 2, 3, after=(2, 3, 4, 5)),
    result=3.25,
    undisturbed=3.25,
    busy=99,
    still=0,
    pids=(1,),
    guest="succeeded",
    orders=1,
    looks=9,
    attempts=(),
    remote_attempts=(),
    receipts=(),
    left=(),
)


# --- the witness


def test_a_witness_is_read_line_by_line() -> None:
    assert read("0 41 1.5\n1 41 1.75\n") == [Entry(0, 41, 1.5), Entry(1, 41, 1.75)]


@pytest.mark.parametrize("half", ["2", "2 10", "2 10 2.", "2 10 2.5"])
def test_a_line_of_which_only_half_is_there_yet_is_read_later(half: str) -> None:
    assert read(f"0 10 1.5\n1 10 2.0\n{half}") == [Entry(0, 10, 1.5), Entry(1, 10, 2.0)]


def test_slices_of_the_last_moments_are_done_twice_and_the_crash_goes_on_there() -> None:
    found = judged(0, 1, 2, 3, after=(2, 3, 4, 5))

    assert (found.done, found.missing, found.again, found.went_on_at) == (6, (), (2, 3), 2)
    assert found.repeated_seconds == pytest.approx(0.35)
    assert found.is_within_window


def test_a_slice_that_was_never_done_is_missing() -> None:
    assert judged(0, 1, after=(3, 4, 5)).missing == (2,)


def test_work_that_was_done_long_before_the_kill_must_not_be_done_again() -> None:
    early = [Entry(0, 1, KILLED_AT - WINDOW_SECONDS - 0.1), Entry(0, 2, 110.0)]
    in_time = [Entry(0, 1, KILLED_AT - WINDOW_SECONDS + 0.1), Entry(0, 2, 110.0)]

    assert not judge(early, 1, 1, KILLED_AT).is_within_window
    assert judge(in_time, 1, 1, KILLED_AT).is_within_window


def test_a_slice_that_one_process_does_twice_is_no_repeat_of_the_crash() -> None:
    found = judged(0, 1, 1, after=(2, 3, 4, 5))

    assert found.too_often == (1,)
    assert not found.is_within_window


def test_what_a_dead_workers_process_does_beside_the_new_one_is_found() -> None:
    told = [Entry(0, 1, 99.0), Entry(1, 2, 105.0), Entry(1, 1, 106.0)]

    assert judge(told, 2, 1, KILLED_AT).ghosts == (1,)


# --- the receipt


def test_a_receipt_without_a_fault_says_kept_everywhere() -> None:
    found = list(promises(GOOD))

    assert all(promise.is_kept for promise in found)
    assert "BROKEN" not in page(GOOD, found, 0.0)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("nothing lost", {"finding": judged(0, 1, after=(3, 4, 5))}),
        ("done twice", {"finding": judged(0, 1, 1, after=(2, 3, 4, 5))}),
        ("right result", {"result": 3.5}),
        ("paused", {"still": 7}),
        ("paused", {"pids": (1, 2)}),
        ("free place", {"guest": "queued"}),
        ("remote work", {"orders": 2}),
        ("no orphan", {"left": (4711,)}),
        ("no orphan", {"finding": replace(GOOD.finding, ghosts=(3,))}),
    ],
)
def test_each_promise_can_be_broken_and_then_says_so(name: str, fault: dict[str, Any]) -> None:
    facts = replace(GOOD, **fault)

    found = list(promises(facts))

    assert [promise.name for promise in found if not promise.is_kept] == [name]
    assert len([line for line in page(facts, found, 0.0).splitlines() if "BROKEN" in line]) == 1


def test_everything_has_its_time_in_the_shortest_demo_and_in_the_usual_one() -> None:
    for plan in (Plan(LEAST_SLICES), Plan(SLICES)):
        assert 2 <= plan.paused_at < plan.killed_at - 4
        assert plan.remote_seconds > plan.seconds * plan.killed_at / plan.slices + 5
    assert Plan(SLICES).seconds == 60


# --- the example tasks


def test_the_simulation_is_an_ordinary_function_that_computes_pi(tmp_path: Path) -> None:
    witness = tmp_path / "witness.txt"

    result = pi_sim(Context(), 24, 0.0, str(witness))

    assert result == undisturbed(24) == pytest.approx(3.14159265)
    assert [entry.number for entry in read(witness.read_text())] == list(range(24))
    assert quick_sum(4) == 10


def test_the_remote_service_keeps_books_of_every_start() -> None:
    with Cluster() as cluster:
        handles = [remote_sim(cluster.url, 5), remote_sim(cluster.url, 0)]
        found = [json.load(direct.open(handle, timeout=10)) for handle in handles]

    assert found[0]["passed"] < found[0]["seconds"] == 5
    assert found[1] == {"passed": 0, "seconds": 0}
    assert (len(cluster.books.orders), cluster.books.looks) == (2, 2)


@pytest.mark.parametrize(("method", "path"), [("GET", "/runs/1"), ("GET", "/x"), ("POST", "/runs")])
def test_the_remote_service_refuses_what_it_does_not_know(method: str, path: str) -> None:
    with Cluster() as cluster:
        with pytest.raises(HTTPError) as refused:
            direct.open(Request(cluster.url + path, method=method), timeout=10)
        refused.value.close()

    assert refused.value.code in (400, 404)


def test_the_remote_job_asks_nobody_but_this_machine() -> None:
    with pytest.raises(Fatal):
        remote_sim("http://example.org", 1)


# --- the screen


def test_a_terminal_has_what_was_said_above_the_bars() -> None:
    console = Console(file=io.StringIO(), width=90, force_terminal=True, record=True)
    shown = Drawn(console)
    job = {"id": 2, "task": "pi_sim", "state": "running", "progress": None, "started_at": None}

    shown.show([job | {"run_at": None, "done": False, "reason": None}])
    shown.say("kill -9", "worker 7")
    shown.close()

    text = console.export_text()
    assert re.search(r"\d\.\d s  kill -9   worker 7\n", text)
    assert "pi_sim running" in text


def test_the_database_of_the_other_demo_is_not_taken() -> None:
    result = CliRunner().invoke(group, ["demo", "--db", "x.db", "crash"])

    assert (result.exit_code, "--keep" in result.stderr) == (exits.UNUSABLE, True)


# --- the whole of it


def crash(start: Start, folder: Path, *flags: str) -> Running:
    """The shortest demo, in a folder of the test."""
    there = {"TMPDIR": str(folder), "OFFLOAD_PORT": "1", "OFFLOAD_TOKEN": "not for the demo"}
    return start("demo", "crash", "--slices", str(LEAST_SLICES), *flags, **there)


@pytest.mark.slow
@pytest.mark.promise("P6")
def test_a_killed_workers_simulation_goes_on_and_the_receipt_says_what_the_witness_says(
    start: Start, tmp_path: Path
) -> None:
    running = crash(start, tmp_path, "--keep", "--json")

    code = running.process.wait(110)

    *steps, receipt = map(json.loads, running.lines)
    assert (code, [each for each in receipt["promises"] if not each["is_kept"]]) == (exits.OK, [])
    assert [step["step"] for step in steps if step["step"]] == [
        *("serve", "start", "start", "start", "pause", "resume", "kill -9", "wait")
    ]
    (witness,) = tmp_path.glob("offload-demo-*/witness.txt")
    told = read(witness.read_text())
    count = Counter(entry.number for entry in told)
    first, second = dict.fromkeys(entry.pid for entry in told)
    repeated = [entry for entry in told if entry.pid == first and count[entry.number] > 1]
    last = max(entry.at for entry in told if entry.pid == first)
    assert sorted(count) == list(range(LEAST_SLICES))
    assert set(count.values()) <= {1, 2}
    assert all(last - entry.at <= WINDOW_SECONDS for entry in repeated)
    assert [entry.number for entry in told if entry.pid == second][-1] == LEAST_SLICES - 1
    assert [each["ended"] for each in receipt["attempts"]] == ["rescued", "succeeded"]
    assert {(each["asked"], each["outcome"]) for each in receipt["receipts"]} == {
        ("pause", "done"),
        ("resume", "done"),
    }
    assert marked(running.mark) == set()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_ended_leaves_no_process_and_no_folder(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    running = crash(start, tmp_path)
    eventually(lambda: any("it runs in process" in line for line in running.lines), 60)

    code, _ = running.end(number)

    assert code == exits.INTERRUPTED
    assert marked(running.mark) == set()
    assert list(tmp_path.glob("offload-demo-*")) == []


@pytest.mark.slow
def test_a_demo_that_is_killed_takes_its_server_with_it(start: Start, tmp_path: Path) -> None:
    running = crash(start, tmp_path)
    eventually(lambda: any("it runs in process" in line for line in running.lines), 60)

    running.end(signal.SIGKILL)

    eventually(lambda: marked(running.mark) == set(), 20)


@pytest.mark.slow
def test_the_other_demo_leaves_no_folder_either(start: Start, tmp_path: Path) -> None:
    running = start("demo", TMPDIR=str(tmp_path))
    eventually(lambda: any("running" in line for line in running.lines), 60)

    code, _ = running.end(signal.SIGTERM)

    assert (code, list(tmp_path.glob("offload-demo-*"))) == (exits.INTERRUPTED, [])


def test_the_picture_shows_a_good_run_and_asks_no_other_host_for_anything() -> None:
    drawn = PICTURE.read_text()

    asked = re.findall(r"(?:url\(|href=|src=|@import|@font-face)[^;>]*", drawn)
    assert [each for each in asked if not each.startswith(("url(#", 'url("#'))] == []
    assert set(re.findall(r"https?://([\w.]+)", drawn)) <= {"www.w3.org", "127.0.0.1"}
    assert "kept" in drawn
    assert "BROKEN" not in drawn
