"""Exit codes and sentences: what is wrong, and what to do; never a traceback."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from offload import errors
from offload.cli import exits, group
from tests.cli.conftest import TASKS, Start, Terminal

pytestmark = pytest.mark.slow

MISSING = "1000000"


@pytest.mark.parametrize("verb", ["status", "result", "wait", "cancel"])
def test_a_job_that_never_was(terminal: Terminal, verb: str) -> None:
    typed = terminal(verb, MISSING)

    assert typed.exit_code == exits.UNKNOWN
    assert typed.stderr == f"offload: job {MISSING} was never started\n"


@pytest.mark.parametrize("verb", ["status", "result", "wait", "cancel"])
def test_an_error_in_json_is_a_problem_on_standard_error(terminal: Terminal, verb: str) -> None:
    typed = terminal(verb, MISSING, "--json")

    assert typed.stdout == ""
    assert json.loads(typed.stderr) == {
        "type": "/problems/unknown-job",
        "detail": f"job {MISSING} was never started",
        "id": int(MISSING),
    }


@pytest.mark.parametrize("text", ["0", "-1", "1_0", "٣", "x", "9223372036854775808", " 1"])
def test_what_is_no_number_of_a_job(text: str) -> None:
    typed = CliRunner().invoke(group, ["status", "--", text])

    assert typed.exit_code == exits.UNUSABLE
    assert "is not the number of a job" in typed.stderr


def test_a_result_that_is_not_there_yet(terminal: Terminal) -> None:
    job_id = str(terminal.started("echo", "--delay", "3600"))

    typed = terminal("result", job_id)

    assert typed.exit_code == exits.REFUSED
    assert typed.stderr == f"offload: job {job_id} is scheduled; it has no result yet\n"


def test_a_result_that_will_never_be(terminal: Terminal) -> None:
    failed, cancelled = terminal.started("fail"), terminal.started("echo", "--delay", "3600")
    terminal("wait", str(failed))
    terminal("cancel", str(cancelled))

    for job_id, code, words in (
        (failed, exits.FAILED, "(fail) failed: ValueError: no luck"),
        (cancelled, exits.CANCELLED, "was cancelled"),
    ):
        typed = terminal("result", str(job_id))
        assert (typed.exit_code, typed.stderr) == (code, f"offload: job {job_id} {words}\n")


@pytest.mark.promise("S25")
def test_a_terminal_is_not_told_what_it_would_obey(terminal: Terminal) -> None:
    typed = terminal("start", "fail", "message=\x1b[2J\x07", "--wait")

    assert typed.stderr.endswith(r"failed: ValueError: \x1b[2J\x07" + "\n")


def test_a_job_that_has_ended_cannot_be_cancelled(terminal: Terminal) -> None:
    job_id = str(terminal.started("echo"))
    terminal("wait", job_id)

    typed = terminal("cancel", job_id)

    assert typed.exit_code == exits.REFUSED
    assert typed.stderr == f"offload: job {job_id} has already succeeded\n"


def test_an_unknown_task_names_the_nearest_ones(terminal: Terminal) -> None:
    typed = terminal("start", "doubel", "n=1")

    assert typed.exit_code == exits.UNKNOWN
    assert "there is no task 'doubel' here" in typed.stderr
    assert "double" in typed.stderr


def test_wrong_parameters_are_all_named(terminal: Terminal) -> None:
    typed = terminal("start", "double", "m=1", "o=2")

    assert typed.exit_code == exits.UNUSABLE
    for words in ("n: missing", "m: unexpected", "o: unexpected"):
        assert words in typed.stderr
    assert "Traceback" not in typed.output


def test_a_wrong_type_says_what_was_expected(terminal: Terminal) -> None:
    typed = terminal("start", "double", "n=two", "--json")

    problem = json.loads(typed.stderr)
    assert typed.exit_code == exits.UNUSABLE
    assert problem["errors"] == [{"parameter": "n", "problem": "expected an integer, got 'two'"}]


@pytest.mark.parametrize("pair", ["n", "=2", ""])
def test_what_is_no_assignment(pair: str) -> None:
    typed = CliRunner().invoke(group, ["start", "double", pair])

    assert typed.exit_code == exits.UNUSABLE
    assert "is not of the form name=value" in typed.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--delay", "-1"), ("--delay", "inf"), ("--priority", "40000")]
)
def test_an_option_that_does_not_fit(terminal: Terminal, option: str, value: str) -> None:
    typed = terminal("start", "echo", option, value)

    assert typed.exit_code == exits.UNUSABLE
    assert option.strip("-") in typed.stderr
    assert "Traceback" not in typed.output


def test_a_full_queue_refuses(serve: Start) -> None:
    running = serve("--workers", "0", "--capacity", "1", "--json")
    said = running.introduction()
    far = Terminal("--server", said["address"])
    near = Terminal("--db", said["database"], app=("--app", str(TASKS)))
    far.started("echo")

    for terminal in (near, far):
        typed = terminal("start", "echo")
        assert typed.exit_code == exits.REFUSED
        assert "already holds its 1 waiting jobs; nothing was started" in typed.stderr


def test_a_job_that_is_no_longer_kept(serve: Start) -> None:
    said = serve("--keep", "0", "--json").introduction()
    far, near = Terminal("--server", said["address"]), Terminal("--db", said["database"])
    job_id = str(far.started("echo"))
    while far("status", job_id).exit_code == exits.OK:
        pass

    for terminal in (near, far):
        typed = terminal("status", job_id)
        assert typed.exit_code == exits.UNKNOWN
        assert typed.stderr == f"offload: job {job_id} was finished and is no longer kept\n"


@pytest.mark.parametrize("verb", ["list", "status 1", "result 1", "wait 1", "cancel 1"])
def test_a_database_that_is_not_there_is_never_made(tmp_path: Path, verb: str) -> None:
    typed = CliRunner().invoke(group, [*verb.split(), "--db", "absent.db"])

    assert typed.exit_code == exits.UNAVAILABLE
    assert typed.stderr.startswith(f"offload: there is no database {tmp_path / 'absent.db'}; name")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("shopping list: milk, bread, a database\n" * 100)

    typed = CliRunner().invoke(group, ["list", "--db", "notes.db"])

    assert typed.exit_code == exits.UNAVAILABLE
    assert "is not a database" in typed.stderr
    assert "Traceback" not in typed.output


def test_no_server_answers() -> None:
    typed = CliRunner().invoke(group, ["list", "--server", "http://127.0.0.1:9"])

    assert typed.exit_code == exits.UNAVAILABLE
    assert typed.stderr == (
        "offload: no server answers at http://127.0.0.1:9; start one with `offload serve`, or "
        "name another address (--server, OFFLOAD_SERVER)\n"
    )


def test_two_ways_at_once_are_refused(tmp_path: Path) -> None:
    arguments = ["list", "--db", "offload.db", "--server", "http://127.0.0.1:9"]
    variables = {"OFFLOAD_DB": "offload.db", "OFFLOAD_SERVER": "http://127.0.0.1:9"}

    by_flags = CliRunner().invoke(group, arguments)
    by_variables = CliRunner().invoke(group, ["list"], env=variables)
    (tmp_path / "offload.toml").write_text('db = "some.db"\nserver = "http://127.0.0.1:9"\n')
    by_file = CliRunner().invoke(group, ["list"])

    for typed, names in (
        (by_flags, "--db and --server"),
        (by_variables, "OFFLOAD_DB and OFFLOAD_SERVER"),
        (by_file, "both db and server"),
    ):
        assert typed.exit_code == exits.UNUSABLE
        assert names in typed.stderr


def test_a_flag_beats_a_variable(terminal: Terminal) -> None:
    other = (
        {"OFFLOAD_DB": "absent.db"}
        if "--server" in terminal.way
        else {"OFFLOAD_SERVER": "http://127.0.0.1:9"}
    )

    assert terminal("list", **other).exit_code == exits.OK


def test_a_variable_leads_the_way(terminal: Terminal) -> None:
    name = {"--db": "OFFLOAD_DB", "--server": "OFFLOAD_SERVER"}[terminal.way[0]]

    typed = CliRunner().invoke(group, ["list", "--json"], env={name: terminal.way[1]})

    assert typed.exit_code == exits.OK
    assert isinstance(json.loads(typed.stdout), list)


def test_app_is_not_for_a_server() -> None:
    arguments = ["start", "echo", "--server", "http://127.0.0.1:9", "--app", "tasks.py"]

    typed = CliRunner().invoke(group, arguments)

    assert typed.exit_code == exits.UNUSABLE
    assert "a server has its own tasks" in typed.stderr


def test_an_unknown_command_and_an_unknown_option() -> None:
    assert CliRunner().invoke(group, ["begin"]).exit_code == exits.UNUSABLE
    assert CliRunner().invoke(group, ["list", "--fast"]).exit_code == exits.UNUSABLE


def test_every_error_has_a_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ours = [kind for kind in kinds if issubclass(kind, errors.OffloadError)]

    codes = {kind: exits.of_error(kind.__new__(kind)) for kind in ours}

    assert codes[errors.SchemaTooNew] == exits.UNAVAILABLE
    assert codes[errors.Draining] == exits.REFUSED
    assert codes[errors.NotSerializable] == exits.UNUSABLE
    assert exits.OK not in codes.values()


def test_the_help_lists_every_code() -> None:
    shown = CliRunner().invoke(group, ["--help"]).stdout
    codes = {
        value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)
    }

    assert {int(code) for code, _ in exits.MEANINGS} == codes
    for code, meaning in exits.MEANINGS:
        assert f"  {code:>3}  {meaning[:40]}" in shown
