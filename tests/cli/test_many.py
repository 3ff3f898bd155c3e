"""One verb for many jobs from a terminal: counted first, asked for, and told as numbers."""

import json
import secrets
import signal
from collections.abc import Mapping
from typing import Any

import pytest

from offload.cli import exits
from offload.cli.many import Meant, ask_all
from offload.errors import StoreUnavailable
from tests.cli.conftest import OpenScreen, Terminal
from tests.support import eventually

pytestmark = pytest.mark.slow

LATER = ("--delay", "3600")


@pytest.fixture
def tag() -> str:
    """A word that only the jobs of this test have."""
    return f"tag-{secrets.token_hex(4)}"


def started(terminal: Terminal, tag: str, count: int) -> list[str]:
    """Start jobs that do not begin."""
    return [str(terminal.started("double", f"n={n}", "--tag", tag, *LATER)) for n in range(count)]


def states(terminal: Terminal, tag: str) -> list[str]:
    return [job["state"] for job in reversed(terminal.json("list", "--tag", tag))]


# --- a filter


def test_a_preview_says_how_many_and_changes_nothing(terminal: Terminal, tag: str) -> None:
    started(terminal, tag, 3)

    typed = terminal("cancel", "--tag", tag, "--preview")

    assert (typed.stdout, typed.stderr) == ("3 jobs would be cancelled\n", "")
    assert typed.exit_code == exits.OK
    assert states(terminal, tag) == ["scheduled"] * 3


def test_the_four_verbs_are_asked_of_all_that_a_filter_leaves(terminal: Terminal, tag: str) -> None:
    started(terminal, tag, 2)

    typed, seen = [], []
    for verb in (("pause", "--reason", "lunch"), ("resume",), ("cancel",), ("retry",)):
        typed.append(terminal(*verb, "--tag", tag, "--yes"))
        seen.append(states(terminal, tag))

    assert [each.stdout for each in typed] == [
        "2 jobs paused or pausing\n",
        "2 jobs resumed\n",
        "2 jobs cancelled or cancelling\n",
        "2 jobs run again\n",
    ]
    assert [each.exit_code for each in typed] == [exits.OK] * 4
    assert seen[:3] == [["paused"] * 2, ["scheduled"] * 2, ["cancelled"] * 2]
    terminal("cancel", "--tag", tag, "--yes")


def test_filters_are_those_of_a_list(terminal: Terminal, tag: str) -> None:
    first, *_ = started(terminal, tag, 3)
    terminal("cancel", first)
    of_these = ("--tag", tag)

    def counted(*filters: str) -> tuple[int, int]:
        found = terminal.json("cancel", *of_these, *filters, "--preview")
        return found["changed"], len(terminal.json("list", *of_these, *filters))

    assert counted("--task", "double", "--state", "queued", "--state", "paused") == (2, 2)
    assert counted("--search", "param.n:1") == (1, 1)
    assert counted("--queue", "nowhere") == (0, 0)
    assert counted("--group", "999999", "--worker", "999999") == (0, 0)
    assert counted("--since", "24h", "--state", "queued") == (2, 2)
    assert counted("--since", "2999-01-01T00:00:00Z") == (0, 0)


def test_json_is_one_document_of_numbers(terminal: Terminal, tag: str) -> None:
    started(terminal, tag, 2)

    counts = terminal.json("cancel", "--tag", tag, "--yes")
    again = terminal.json("cancel", "--tag", tag, "--state", "cancelled", "--preview")

    expected = {"preview": False, "matched": 2, "changed": 2, "unchanged": 0, "refused": {}}
    assert counts == expected
    assert again == expected | {"preview": True, "changed": 0, "unchanged": 2}


def test_jobs_that_refuse_are_counted_and_make_the_exit_code(terminal: Terminal, tag: str) -> None:
    hanging = str(terminal.started("hang", "--tag", tag))
    eventually(lambda: states(terminal, tag) == ["running"])

    typed = terminal("pause", "--tag", tag, "--yes")

    assert typed.stdout == "0 jobs paused or pausing; 1 refused (not-pausable)\n"
    assert typed.exit_code == exits.REFUSED
    terminal("cancel", hanging)


def test_jobs_that_have_ended_meanwhile_are_no_fault(terminal: Terminal, tag: str) -> None:
    job_id = terminal.started("double", "n=1", "--tag", tag)
    terminal("wait", str(job_id))

    typed = terminal("cancel", "--tag", tag, "--state", "succeeded", "--yes")

    assert typed.stdout == "0 jobs cancelled or cancelling; 1 refused (already-finished)\n"
    assert typed.exit_code == exits.OK


# --- what is not done


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume", "retry"])
def test_without_a_terminal_nobody_is_asked_and_nothing_is_done(
    terminal: Terminal, tag: str, verb: str
) -> None:
    started(terminal, tag, 1)

    typed = terminal(verb, "--tag", tag)

    assert typed.exit_code == exits.UNUSABLE
    assert "look with --preview what it would change, then say --yes" in _unfolded(typed.stderr)
    assert states(terminal, tag) == ["scheduled"]
    terminal("cancel", "--tag", tag, "--yes")


def _unfolded(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume", "retry"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say which jobs: by their numbers, or by --state"),
        (("--yes",), "say which jobs"),
        (("1", "--tag", "red"), "by their numbers or by a filter, not in both ways"),
        (("1", "--preview"), "--preview counts the jobs of a filter"),
        (("--state", "waiting"), "'waiting' is not one of"),
        (("--since", "yesterday", "--yes"), "neither an instant such as"),
        (("--group", "0", "--yes"), "--group"),
    ],
)
def test_what_means_no_jobs_is_refused_with_what_to_say(
    verb: str, words: tuple[str, ...], said: str
) -> None:
    typed = Terminal("--server", "http://127.0.0.1:1")(verb, *words)

    assert typed.exit_code == exits.UNUSABLE
    assert said in _unfolded(typed.stderr)


def test_a_text_that_is_too_long_is_refused_both_ways(terminal: Terminal) -> None:
    typed = terminal("cancel", "--search", "x" * 501, "--yes")

    assert typed.exit_code == exits.UNUSABLE
    assert "at most 500 characters" in typed.stderr


def test_a_reason_that_is_too_long_is_refused_both_ways(terminal: Terminal, tag: str) -> None:
    [job_id] = started(terminal, tag, 1)

    for words in ((job_id,), ("--tag", tag, "--yes"), ("--queue", "aside")):
        typed = terminal("pause", *words, "--reason", "x" * 501)

        assert typed.exit_code == exits.UNUSABLE
        assert "500" in typed.stderr
    terminal("cancel", job_id)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--queue", "aside", "--preview"), "--queue alone means the queue itself"),
        (("--task", "rest", "--preview"), "--task alone means the task itself"),
        (("7", "--include-running"), "for a queue or a task, named alone"),
        (("--queue", "aside", "--tag", "x", "--include-running"), "named alone"),
    ],
)
@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_whole_and_its_jobs_are_told_apart(verb: str, words: tuple[str, ...], said: str) -> None:
    typed = Terminal("--server", "http://127.0.0.1:1")(verb, *words)

    assert typed.exit_code == exits.UNUSABLE
    assert said in _unfolded(typed.stderr)


def test_a_queue_alone_is_paused_itself_and_with_a_filter_its_jobs(
    terminal: Terminal, tag: str
) -> None:
    [job_id] = started(terminal, tag, 1)

    jobs = terminal("pause", "--queue", "default", "--tag", tag, "--yes")
    whole = terminal("pause", "--queue", "aside")
    terminal("resume", "--queue", "aside")

    assert jobs.stdout == "1 job paused or pausing\n"
    assert whole.stdout == "the queue aside is paused\n"
    terminal("cancel", job_id)


def test_several_jobs_are_cancelled_by_their_numbers(terminal: Terminal, tag: str) -> None:
    first, second = started(terminal, tag, 2)

    typed = terminal("cancel", first, "999999999", second)
    again = terminal("cancel", first, "--json")

    assert typed.stdout == f"job {first} is cancelled\njob {second} is cancelled\n"
    assert typed.exit_code == exits.UNKNOWN
    assert json.loads(again.stdout)["changed"] is False


def test_a_start_can_be_held(terminal: Terminal, tag: str) -> None:
    typed = terminal("start", "double", "n=4", "--tag", tag, "--paused")

    assert typed.stdout.endswith("is paused\n")
    terminal("resume", "--tag", tag, "--yes")
    eventually(lambda: states(terminal, tag) == ["succeeded"])


# --- altered


def test_jobs_that_wait_are_altered(terminal: Terminal, tag: str) -> None:
    first, second = started(terminal, tag, 2)
    more, later = f"{tag}-more", "2040-01-01T10:00:00+01:00"
    altered = ("--priority", "7", "--queue", "aside", "--tag", tag, "--tag", more)

    typed = terminal("amend", first, second, *altered, "--run-at", later)
    again = terminal("amend", first, "--priority", "7")
    jobs = terminal.json("list", "--tag", more)

    assert typed.stdout == f"job {first} is altered\njob {second} is altered\n"
    assert (again.stdout, again.exit_code) == (f"job {first} is so already\n", exits.OK)
    told = [(job["priority"], job["queue"], job["tags"], job["run_at"]) for job in jobs]
    assert told == [(7, "aside", [tag, more], "2040-01-01T09:00:00.000Z")] * 2
    terminal("cancel", "--tag", tag, "--yes")


def test_a_job_that_is_altered_to_begin_now_begins(terminal: Terminal, tag: str) -> None:
    [job_id] = started(terminal, tag, 1)

    terminal("amend", job_id, "--now", "--no-tags")

    job = terminal.json("wait", job_id)
    assert (job["state"], job["tags"]) == ("succeeded", [])
    refused = terminal("amend", job_id, "--priority", "1", "--json")
    assert refused.exit_code == exits.REFUSED
    assert json.loads(refused.stderr)["type"] == "/problems/already-finished"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what is to be otherwise: --priority"),
        (("--tag", "a", "--no-tags"), "--tag and --no-tags exclude each other"),
        (("--now", "--run-at", "2040-01-01T00:00:00Z"), "--run-at and --now exclude each other"),
        (("--run-at", "tomorrow"), "'tomorrow' is no instant"),
        (("--run-at", "2040-01-01T00:00:00"), "with its time zone"),
    ],
)
def test_what_alters_nothing_is_refused_with_what_to_say(words: tuple[str, ...], said: str) -> None:
    typed = Terminal("--server", "http://127.0.0.1:1")("amend", "7", *words)

    assert typed.exit_code == exits.UNUSABLE
    assert said in _unfolded(typed.stderr)


def test_a_priority_that_does_not_fit_is_refused_both_ways(terminal: Terminal, tag: str) -> None:
    [job_id] = started(terminal, tag, 1)

    typed = terminal("amend", job_id, "--priority", "40000")

    assert typed.exit_code == exits.UNUSABLE
    assert "priority" in typed.stderr
    terminal("cancel", job_id)


# --- a person is asked


@pytest.mark.parametrize(
    ("answer", "code", "after"),
    [
        ("y\n", exits.OK, "cancelled"),
        ("n\n", exits.INTERRUPTED, "scheduled"),
        ("\n", exits.INTERRUPTED, "scheduled"),
        ("\x04", exits.INTERRUPTED, "scheduled"),
    ],
    ids=["yes", "no", "return", "end of input"],
)
def test_a_person_is_told_how_many_and_asked(
    *, terminal: Terminal, screen: OpenScreen, tag: str, answer: str, code: int, after: str
) -> None:
    started(terminal, tag, 2)

    typed = screen("cancel", "--tag", tag, *terminal.way)
    eventually(lambda: typed.shows(r"Cancel them\? \[y/N\]: "))
    typed.type(answer)

    assert typed.end() == code
    assert typed.text.startswith("2 jobs would be cancelled.\r\n")
    assert ("nothing was changed" in typed.text) == (code != exits.OK)
    assert states(terminal, tag) == [after] * 2
    terminal("cancel", "--tag", tag, "--yes")


def test_ctrl_c_is_no(terminal: Terminal, screen: OpenScreen, tag: str) -> None:
    started(terminal, tag, 1)
    typed = screen("cancel", "--tag", tag, *terminal.way)
    eventually(lambda: typed.shows(r"\[y/N\]"))

    typed.process.send_signal(signal.SIGINT)

    assert typed.end() == exits.INTERRUPTED
    assert "Traceback" not in typed.text
    assert states(terminal, tag) == ["scheduled"]
    terminal("cancel", "--tag", tag, "--yes")


def test_nobody_is_asked_where_there_is_nothing_to_change(
    terminal: Terminal, screen: OpenScreen, tag: str
) -> None:
    typed = screen("retry", "--tag", tag, *terminal.way)

    assert typed.end() == exits.OK
    assert typed.text == "0 jobs run again\r\n"


# --- long ones


class Slow:
    """Verbs that need several requests, and break off in the end."""

    def __init__(self, *counts: int, breaks: bool = False) -> None:
        self._counts = counts
        self._breaks = breaks

    def of_many(self, *_: object, **__: object) -> Any:
        for left, count in enumerate(reversed(self._counts)):
            yield self._view(count, "9" if left < len(self._counts) - 1 or self._breaks else None)
        if self._breaks:
            raise StoreUnavailable("it is gone")

    def _view(self, count: int, cursor: str | None) -> Mapping[str, Any]:
        counts = {"preview": False, "matched": count + 1, "changed": count, "unchanged": 0}
        return {**counts, "refused": {"not-pausable": 1}, "next_cursor": cursor}


ALL = Meant((), {"tag": "x"}, preview=False, yes=True)


def test_a_long_one_tells_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    verbs: Any = Slow(10, 20, 30)

    code = ask_all(verbs, "cancel", ALL, as_json=False)

    told = capsys.readouterr()
    assert code == exits.REFUSED
    assert told.out == "60 jobs cancelled or cancelling; 3 refused (not-pausable)\n"
    assert told.err.splitlines() == [
        "offload: 31 jobs looked at; 30 jobs cancelled or cancelling; 1 refused (not-pausable) …",
        "offload: 52 jobs looked at; 50 jobs cancelled or cancelling; 2 refused (not-pausable) …",
    ]


def test_one_that_breaks_off_says_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    verbs: Any = Slow(10, 20, breaks=True)

    with pytest.raises(StoreUnavailable):
        ask_all(verbs, "cancel", ALL, as_json=False)

    assert capsys.readouterr().err.splitlines()[-1] == (
        "offload: broken off after 30 jobs cancelled or cancelling; 2 refused (not-pausable); "
        "the same command goes on with the rest"
    )
