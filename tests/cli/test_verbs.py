"""The verbs from a terminal, each the same way to a database and to a server."""

import json

import pytest

from offload.cli import exits
from tests.cli.conftest import TASKS, Start, Terminal
from tests.cli.running import Running
from tests.support import eventually

pytestmark = pytest.mark.slow


def test_a_start_says_the_number_and_the_state(terminal: Terminal) -> None:
    typed = terminal("start", "rest", "--delay", "3600")

    assert typed.stdout.endswith("is scheduled\n")
    assert typed.stdout.startswith("job ")
    assert typed.exit_code == exits.OK


def test_values_are_read_as_the_signature_says(terminal: Terminal) -> None:
    job_id = terminal.started("double", "n=21")

    assert terminal.json("wait", str(job_id))["params"] == {"n": 21}
    assert terminal("result", str(job_id)).stdout == "42\n"


def test_a_value_may_hold_anything(terminal: Terminal) -> None:
    text = "a=b&c d; sun 😀 %20"

    typed = terminal("start", "echo", f"value={text}", "--wait")

    assert typed.stdout == f"{text}\n"


def test_huge_integers_arrive_exactly(terminal: Terminal) -> None:
    digits = "7" * 6000

    assert terminal("start", "echo", f"value={digits}", "--wait").stdout == f"{digits}\n"


def test_a_start_with_wait_prints_the_result_and_nothing_else(terminal: Terminal) -> None:
    typed = terminal("start", "double", "n=4", "--wait")

    assert typed.stdout == "8\n"
    assert typed.stderr.startswith("offload: job ")


def test_a_start_with_wait_fails_with_the_job(terminal: Terminal) -> None:
    typed = terminal("start", "fail", "message=too hot", "--wait")

    assert typed.exit_code == exits.FAILED
    assert typed.stderr.endswith("(fail) failed: ValueError: too hot\n")


def test_a_start_with_wait_and_json_prints_the_job_alone(terminal: Terminal) -> None:
    typed = terminal("start", "fail", "--wait", "--json")

    job = json.loads(typed.stdout)
    assert (job["state"], job["error"]["type"], typed.exit_code) == ("failed", "ValueError", 1)
    assert typed.stderr == ""


def test_options_of_a_start_arrive(terminal: Terminal) -> None:
    options = ("--priority", "-3", "--delay", "3600", "--tag", "red", "--tag", "blue")
    job = terminal.json("start", "echo", "--queue", "aside", *options)

    assert (job["queue"], job["priority"], job["tags"]) == ("aside", -3, ["red", "blue"])
    assert (job["state"], job["reason"][:12]) == ("scheduled", "it is due in")


def test_a_job_without_a_worker_says_so_and_what_to_do(serve: Start) -> None:
    said = serve("--workers", "0", "--json").introduction()
    near = Terminal("--db", said["database"], app=("--app", str(TASKS)))
    far = Terminal("--server", said["address"])

    for terminal in (near, far):
        started = terminal("start", "echo")
        waited = terminal("wait", "1", "--timeout", "1.1")

        for typed in (started, waited):
            assert typed.stderr == (
                f"offload: job {typed.stdout.split()[1]} waits: no live worker serves the queue "
                "'default'; start one with `offload worker`\n"
            )
        assert "`offload worker`" in terminal("status", "1").stdout


def test_a_list_is_a_table_with_the_newest_job_first(terminal: Terminal) -> None:
    first = terminal.started("echo", "value=1", "--delay", "3600")
    second = terminal.started("double", "n=5", "--delay", "3600")

    lines = terminal("list").stdout.splitlines()

    assert lines[0].split() == ["id", "state", "task", "parameters", "progress", "age", "took"]
    assert lines[1].split()[:4] == [str(second), "scheduled", "double", "n=5"]
    assert lines[2].split()[:4] == [str(first), "scheduled", "echo", "value=1"]


def test_a_list_can_be_narrowed(terminal: Terminal) -> None:
    kept = terminal.started("echo", "--queue", "aside", "--delay", "3600")
    terminal.started("double", "n=1", "--queue", "aside", "--delay", "3600")

    by_task = terminal.json("list", "--task", "echo", "--queue", "aside", "--state", "queued")
    by_limit = terminal.json("list", "--queue", "aside", "--limit", "1")

    assert by_task[0]["id"] == kept
    assert {job["task"] for job in by_task} == {"echo"}
    assert [job["task"] for job in by_limit] == ["double"]


def test_a_list_can_be_narrowed_to_what_a_worker_had(terminal: Terminal) -> None:
    job_id = terminal.started("double", "n=3")
    terminal("wait", str(job_id))
    [worker] = {each["worker"] for each in terminal.json("status", str(job_id))["events"]} - {None}

    had = terminal.json("list", "--task", "double", "--worker", str(worker))
    nobody = terminal.json("list", "--worker", "999999")

    assert job_id in {job["id"] for job in had}
    assert nobody == []


def test_a_job_is_kept_for_as_long_as_its_start_says(terminal: Terminal) -> None:
    job_id = terminal.started("double", "n=3", "--retain", "7d")
    terminal("wait", str(job_id))

    job = terminal.json("status", str(job_id))

    assert job["kept_until"] > job["finished_at"]
    assert "\n  kept till " in terminal("status", str(job_id)).stdout


def test_an_empty_list_says_so(terminal: Terminal) -> None:
    assert terminal("list", "--queue", "nothing-here").stdout == "no jobs\n"
    assert terminal.json("list", "--queue", "nothing-here") == []


def test_a_status_is_a_page_with_error_traceback_and_history(terminal: Terminal) -> None:
    job_id = terminal.started("fail", "message=too cold")
    terminal("wait", str(job_id))

    page = terminal("status", str(job_id)).stdout

    assert page.startswith(f"job {job_id}  fail  failed\n")
    assert "  error     ValueError: too cold (exception)\n" in page
    assert "raise ValueError(message)" in page
    told = [line.split()[3] for line in _chapter(page, "history")]
    assert told == ["queued", "claimed", "failed"]


def _chapter(page: str, name: str) -> list[str]:
    return page.partition(f"\n{name}\n")[2].partition("\n\n")[0].splitlines()


def test_a_status_in_json_is_the_job_with_its_events(terminal: Terminal) -> None:
    job_id = terminal.started("echo", "value=7")
    terminal("wait", str(job_id))

    job = terminal.json("status", str(job_id))

    assert (job["id"], job["state"], job["done"], job["result"]) == (job_id, "succeeded", True, 7)
    kinds = ["queued", "claimed", "succeeded"]
    assert [event["kind"] for event in job["events"]] == kinds
    assert [event["version"] for event in job["events"]] == [1, 2, 3][: len(kinds)]


def test_a_result_is_text_as_it_is_or_json(terminal: Terminal) -> None:
    text = str(terminal.started("echo", 'value="two words"'))
    table = str(terminal.started("echo", 'value={"a": [1, null]}'))
    for job_id in (text, table):
        terminal("wait", job_id)

    assert terminal("result", text).stdout == "two words\n"
    assert terminal("result", text, "--json").stdout == '"two words"\n'
    assert terminal("result", table, "--json").stdout == '"{\\"a\\": [1, null]}"\n'


def test_a_cancelled_job_never_starts_and_says_so_twice(terminal: Terminal) -> None:
    job_id = str(terminal.started("echo", "--delay", "3600"))

    assert terminal("cancel", job_id).stdout == f"job {job_id} is cancelled\n"
    assert terminal("cancel", job_id).stdout == f"job {job_id} is cancelled already\n"
    assert terminal.json("cancel", job_id)["changed"] is False


def test_a_running_job_is_cancelling_until_it_stands(terminal: Terminal) -> None:
    job_id = str(terminal.started("rest"))
    while terminal.json("status", job_id)["state"] != "running":
        pass

    said = terminal.json("cancel", job_id)

    assert (said["state"], said["changed"]) == ("cancelling", True)
    assert terminal("wait", job_id).exit_code == exits.CANCELLED


def test_a_wait_says_how_it_ended(terminal: Terminal) -> None:
    good, bad = str(terminal.started("echo")), str(terminal.started("fail"))

    assert terminal("wait", good).stdout == f"job {good} has succeeded\n"
    assert terminal("wait", bad).stdout == f"job {bad} has failed: ValueError: no luck\n"


def test_a_wait_ends_when_its_time_is_over(terminal: Terminal) -> None:
    job_id = str(terminal.started("echo", "--delay", "3600"))

    typed = terminal("wait", job_id, "--timeout", "0.05")

    assert (typed.stdout, typed.exit_code) == (f"job {job_id} is scheduled\n", exits.TIME_OVER)


def test_a_job_is_started_once_for_its_key(terminal: Terminal) -> None:
    near = Terminal(*terminal.way, app=terminal.app)
    words = ("rest", "--key", f"bed-{terminal.way[0]}", "--delay", "1h")

    assert near.started(*words) == near.started(*words)


def test_what_is_said_of_a_job_arrives(terminal: Terminal) -> None:
    words = ("--retries", "1", "--timeout", "10m", "--deadline", "1d")
    job_id = terminal.started("fail", *words)

    job = terminal.json("wait", str(job_id))

    assert (job["state"], job["attempt"]) == ("failed", 2)


def test_a_time_that_is_none_is_refused(terminal: Terminal) -> None:
    typed = terminal("start", "echo", "--delay", "soon")

    assert typed.exit_code == exits.UNUSABLE
    assert "'soon' is no time; write 30, 90s, 10m, 24h or 7d" in typed.stderr


def test_failed_and_cancelled_jobs_are_run_again_under_their_numbers(terminal: Terminal) -> None:
    failed, waiting = terminal.started("fail"), terminal.started("rest", "--delay", "1h")
    terminal("wait", str(failed))
    terminal("cancel", str(waiting))

    typed = terminal("retry", str(failed), str(waiting))

    assert typed.exit_code == exits.OK
    assert [line.split()[:2] for line in typed.stdout.splitlines()] == [
        ["job", str(failed)],
        ["job", str(waiting)],
    ]
    assert terminal.json("wait", str(failed))["state"] == "failed"
    assert "retried" in [event["kind"] for event in terminal.json("status", str(failed))["events"]]
    terminal("cancel", str(waiting))


def test_a_job_that_cannot_be_retried_does_not_hold_up_the_others(terminal: Terminal) -> None:
    done, failed = terminal.started("double", "n=1"), terminal.started("fail")
    terminal("wait", str(done))
    terminal("wait", str(failed))

    typed = terminal("retry", str(done), "999999999", str(failed))

    assert typed.exit_code == exits.REFUSED
    assert typed.stderr.splitlines() == [
        f"offload: job {done} has already succeeded",
        "offload: job 999999999 was never started",
    ]
    assert typed.stdout.startswith(f"job {failed} is ")


def test_a_database_without_schedules_says_how_to_have_one(terminal: Terminal) -> None:
    assert terminal("schedules").stdout.startswith("no schedules; a task has one with")
    assert terminal.json("schedules") == []


def test_a_terminal_that_is_not_utf_8_shows_what_it_can(
    lasting_server: Running, start: Start
) -> None:
    terminal = Terminal("--server", lasting_server.introduction()["address"])
    job_id = terminal.started("echo", f"value={'sun 😀 ' * 20}")
    terminal("wait", str(job_id))

    shown = start("result", str(job_id), *terminal.way, PYTHONIOENCODING="latin-1")
    listed = start("list", "--limit", "1", *terminal.way, PYTHONIOENCODING="latin-1", COLUMNS="80")

    assert shown.process.wait() == exits.OK
    assert r"\U0001f600 sun" in shown.first_line()
    assert listed.process.wait() == exits.OK
    eventually(lambda: len(listed.lines) == 2)
    assert "~" in listed.lines[1]
