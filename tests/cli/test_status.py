"""`offload status`: the same story of a job from a database and from a server."""

from tests.cli.conftest import Terminal
from tests.support import eventually


def a_cancelled_job(terminal: Terminal) -> str:
    """Start a job, cancel it while it runs, and wait for its end."""
    job_id = str(terminal.started("rest"))
    eventually(lambda: terminal.json("status", job_id)["state"] == "running")
    terminal("cancel", job_id)
    terminal("wait", job_id)
    return job_id


def test_a_status_tells_the_attempts_the_receipts_and_what_can_be_done(terminal: Terminal) -> None:
    job_id = a_cancelled_job(terminal)

    page = terminal("status", job_id).stdout

    assert page.startswith(f"job {job_id}  rest  cancelled\n  it was stopped for good since ")
    assert "\n\ntimeline\n" in page
    assert "\n\nattempts\n  #  ended      worker" in page
    assert "\n  1  cancelled  " in page
    assert "\n\nreceipts\n  cancel asked at " in page
    assert f"\n\nnext\n  offload retry {job_id} " in page
    assert "\x1b" not in page
    assert " ".join(terminal.way) in page.splitlines()[-1]
    assert max(map(len, page.partition("\nnext\n")[0].splitlines())) <= 80


def test_a_status_in_json_has_the_story_too(terminal: Terminal) -> None:
    job_id = a_cancelled_job(terminal)

    job = terminal.json("status", job_id)

    [attempt], [receipt] = job["attempts"], job["receipts"]
    assert (attempt["number"], attempt["ended"]) == (1, "stopped")
    assert (receipt["asked"], receipt["outcome"]) == ("cancel", "done")
    assert job["timeline"][-1]["stage"] == "running"
    assert [event["kind"] for event in job["events"]][-2:] == ["cancel-requested", "stopped"]


def test_a_job_that_waits_says_since_when_and_can_be_cancelled(terminal: Terminal) -> None:
    job_id = str(terminal.started("rest", "--delay", "3600"))

    page = terminal("status", job_id).stdout

    assert f"job {job_id}  rest  scheduled\n  it waits until it is due since " in page
    assert "\n\nattempts\n" not in page
    assert f"  offload cancel {job_id} " in page
