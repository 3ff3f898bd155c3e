"""Nothing public is missing from the pages, and nothing stands there that is not so."""

import inspect
import re
import subprocess
import sys
from typing import get_type_hints

import click
import msgspec
import pytest

import offload
from offload import errors, lifecycle
from offload.cli import COMMANDS, exits, group, narrowing
from offload.config import Config
from offload.desk.registering import TaskKeywords
from offload.errors import OffloadError
from offload.http.problems import KINDS
from offload.http.routes import ROUTES
from offload.lifecycle import MOVES, Shown
from offload.model import State
from offload.options import OPTIONS
from offload.shapes import ErrorShape, JobShape, ProgressShape
from scripts.check_promises import read_tested
from tests.docs.pages import ROOT, page

HTTP = page("docs/reference/http.md")
PYTHON = page("docs/reference/python.md")
TERMINAL = page("docs/guides/terminal.md")

MEMBERS_FOR_DOORS = {
    # what starts, waits, reads and cancels for `Task`, `Job` and `Group`, which users hold
    "Offload": {
        *("start_new", "astart_new", "start_all_new", "astart_all_new"),
        *("wait_for", "await_for", "wait_until", "await_until", "result_of", "aresult_of"),
        *("admitting", "asking", "run", "perform", "now", "queue_settings", "configure"),
        *("hire", "ahire", "make_worker", "open", "forking", "after_fork", "end"),
        *("cancel", "acancel", "retry", "aretry", "retrying", "completing"),
        *("start_group_of", "astart_group_of", "group_counts", "agroup_counts"),
        *("group_jobs", "agroup_jobs", "wait_for_group", "await_for_group"),
        *("outcomes_of_group", "aoutcomes_of_group", "ask_group", "aask_group", "asking_group"),
        *("retry_failed_of", "aretry_failed_of"),
        *("pause_job", "apause_job", "resume_job", "aresume_job", "pausing"),
        *("asituation", "afrozen", "aadmitted", "aoldest_waiting", "paused_tasks", "apaused_tasks"),
        *("amend_job", "aamend_job", "amending", "meant"),
        *("ask_jobs", "aask_jobs", "asking_jobs"),
        *("hand_in", "carry_on", "hire_here", "listen_for_boxes", "staffed_house"),
    },
    "Task": {"new_job", "registered"},
    "Job": {"desk"},
    "Jobs": set(),
    "Context": set(),
}
"""What has no underscore because our own rooms use it, and is not for users."""


# --- Python


def test_every_public_name_has_an_entry() -> None:
    headings = {line.removeprefix("## ") for line in PYTHON.prose() if line.startswith("## ")}
    errors_of_ours = code_in(PYTHON.section("Errors"))

    assert set(offload.__all__) - headings - errors_of_ours == set()


def test_every_public_name_can_be_imported() -> None:
    for name in offload.__all__:
        assert getattr(offload, name).__doc__


@pytest.mark.parametrize("name", ["Offload", "Task", "Job", "Jobs", "Context"])
def test_every_public_member_has_an_entry(name: str) -> None:
    words = set(re.findall(r"\w+", PYTHON.section(name)))
    members = {each for each in dir(getattr(offload, name)) if not each.startswith("_")}

    assert members - words - MEMBERS_FOR_DOORS[name] == set()


def test_every_option_of_a_task_and_of_a_call_has_an_entry() -> None:
    words = set(re.findall(r"\w+", PYTHON.section("Task")))
    of_a_task = get_type_hints(TaskKeywords).keys()
    of_a_call = inspect.signature(offload.Task.using).parameters.keys()

    assert of_a_task == {"name", "aliases", *OPTIONS}
    assert (of_a_task | of_a_call) - words - {"self"} == set()


# --- errors


def test_every_error_has_a_sentence() -> None:
    described = {
        name for row in page("docs/reference/errors.md").rows() for name in code_in(row[0])
    }

    assert {each.__name__ for each in all_errors(OffloadError)} - described == set()


def test_the_tree_of_errors_is_the_one_in_the_code() -> None:
    [drawn] = page("docs/reference/errors.md").blocks("text")
    depths = [(re.match(r"[^A-Z]*", line), line) for line in drawn.text.splitlines()]
    tree = [(len(indent[0]) // 4 if indent else 0, line.split()[-1]) for indent, line in depths]

    assert sorted(tree) == sorted((len(each.__mro__) - 4, each.__name__) for each in shown_errors())


def shown_errors() -> list[type[OffloadError]]:
    module = errors.__name__
    return [each for each in all_errors(OffloadError) if each.__module__ == module]


def all_errors(kind: type[OffloadError]) -> list[type[OffloadError]]:
    below = [found for each in kind.__subclasses__() for found in all_errors(each)]
    return [each for each in [kind, *below] if each.__module__ == errors.__name__]


def test_every_code_of_a_failure_has_a_sentence() -> None:
    codes = {row[0].strip("`") for row in page("docs/reference/errors.md").rows("One job")}
    written = {
        found
        for file in (ROOT / "src").rglob("*.py")
        for found in re.findall(r"Error\(\s*code=\"([\w-]+)\"", file.read_text("utf-8"))
    }

    assert written
    assert written - codes == set()


# --- settings


def test_every_setting_has_its_row() -> None:
    rows = {row[2].strip("`"): row for row in page("docs/guides/settings.md").rows()}

    assert list(rows) == list(Config.__struct_fields__)
    for name, (_, variable, *_rest) in rows.items():
        assert variable == f"`OFFLOAD_{name.upper()}`"


def test_every_setting_has_its_default() -> None:
    rows = {row[2].strip("`"): row[3].strip("`") for row in page("docs/guides/settings.md").rows()}
    defaults = {field.name: field.default for field in msgspec.structs.fields(Config)}
    defaults["processes"] = "the processors"  # of the machine that runs it

    for name, default in defaults.items():
        if default is not msgspec.UNSET:
            shown = f"{default:g}" if isinstance(default, float) else str(default)
            assert rows[name] == shown, name


def test_every_setting_that_is_a_flag_says_so() -> None:
    of_jobs = {f"--{name}" for name in narrowing.NAMES}  # `--worker 1`, of which jobs are shown
    flags = {flag for options in commands().values() for flag in options} - of_jobs
    rows = {row[2].strip("`"): row[0] for row in page("docs/guides/settings.md").rows()}

    for name, shown in rows.items():
        flag = f"--{name.replace('_', '-')}"
        assert (flag in flags) == (f"`{flag}`" in shown), name


# --- the terminal


def commands() -> dict[str, list[str]]:
    """Each command with its long options."""
    context = click.Context(group)
    found = {}
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        options = [each for each in command.params if isinstance(each, click.Option)]
        found[name] = [
            flag
            for option in options
            if not option.hidden
            for flag in option.opts
            if flag.startswith("--")
        ]
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_section(name: str) -> None:
    shown = TERMINAL.section(name) + TERMINAL.section("What all of them have")

    missing = [flag for flag in commands()[name] if f"`{flag}" not in shown]

    assert missing == []


def test_every_exit_code_has_its_row() -> None:
    rows = [tuple(row) for row in TERMINAL.rows("Exit codes")]

    assert rows == list(exits.MEANINGS)


# --- HTTP


def test_every_route_has_its_row() -> None:
    rows = {row[0].strip("`"): row[2] for row in HTTP.rows("Routes")}

    assert rows == {f"{each.method} {each.path}": each.access.value for each in ROUTES}


def test_every_problem_has_its_section_and_its_code() -> None:
    codes = {}
    for name in KINDS:
        text = HTTP.section(name).split("\n\n")[1]
        codes[name] = int(text.partition(".")[0])

    assert codes == {name: kind.status for name, kind in KINDS.items()}
    assert set(re.findall(r"^### (.*)$", HTTP.text, re.MULTILINE)) == set(KINDS)


@pytest.mark.parametrize("shape", [JobShape, ErrorShape, ProgressShape])
def test_every_field_of_a_job_is_named(shape: type[msgspec.Struct]) -> None:
    words = set(re.findall(r"\w+", HTTP.section("A job")))

    assert set(shape.__struct_fields__) - words == set()


# --- the life of a job


def edges() -> set[tuple[str, str, str]]:
    """Every move that can happen: those from a state that a job can come to."""
    found: set[tuple[str, str, str]] = set()
    reached: list[State | None] = [None]
    for state in reached:
        for move, after in MOVES[state].items():
            found.add((state.value if state else "", move.value, after.value))
            if after not in reached:
                reached.append(after)
    return found


def test_the_diagram_of_the_readme_is_the_one_in_the_code() -> None:
    [drawn] = page("README.md").blocks("mermaid")
    found = re.findall(r"^ +(\S+) --> (\S+): (\S+)$", drawn.text, re.MULTILINE)

    assert {(before.strip("[*]"), move, after) for before, after, move in found} == edges()
    assert len(found) == len(edges())


def test_the_picture_of_the_states_is_the_one_in_the_code() -> None:
    picture = (ROOT / "docs" / "images" / "life.svg").read_text("utf-8")
    drawn = subprocess.run(
        [sys.executable, ROOT / "scripts" / "draw_life.py"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.findall(r'data-move="(\S+) (\S+) (\S+)"', picture)

    assert picture == drawn, "draw it anew: python scripts/draw_life.py > docs/images/life.svg"
    assert {(before.replace("start", ""), move, after) for before, move, after in found} == edges()


def test_the_tables_of_the_states_are_those_in_the_code() -> None:
    rows = page("docs/concepts.md").rows("The life of a job")
    moves = {(row[0], row[1].strip("`"), row[2]) for row in rows if len(row) == 4}
    shown = [row[0].strip("`") for row in rows if len(row) == 2]

    assert moves == edges()
    assert shown == [each.value for each in Shown]


def test_the_number_of_crashes_is_the_one_in_the_code() -> None:
    assert lifecycle.MAX_CRASHES == 3
    assert "three times" in page("docs/what-happens-when.md").text


# --- promises


def promises_today() -> dict[str, str]:
    rows = page("docs/promises.md").rows()
    return {row[0].strip("*"): row[2] for row in rows if re.fullmatch(r"\*\*P\d+\*\*", row[0])}


@pytest.mark.slow
def test_a_promise_that_is_called_built_has_a_test() -> None:
    proved = {mention.id for mention in read_tested(ROOT / "tests")}
    rows = promises_today()

    assert list(rows) == [f"P{number}" for number in range(1, 11)]
    built = {name for name, today in rows.items() if today.startswith("built")}
    assert built - proved == set()


def test_a_promise_that_is_listed_as_built_is_not_called_otherwise() -> None:
    listed = set(re.findall(r"^P\d+", (ROOT / "tests/promises.txt").read_text(), re.MULTILINE))
    rows = promises_today()

    assert [name for name in sorted(listed) if rows[name].startswith("not built")] == []


# --- the house


def test_every_room_is_in_the_picture_of_the_house() -> None:
    drawn = "\n".join(block.text for block in page("docs/design/index.md").blocks("text"))
    rooms = {
        path.name if path.is_file() else f"{path.name}/"
        for path in (ROOT / "src" / "offload").iterdir()
        if path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").exists())
    }

    assert {room for room in rooms if room not in drawn} == {"__init__.py", "__main__.py"}


def test_pages_use_words_only_from_the_glossary() -> None:
    strangers = re.compile(r"\b(workflow|workflows|message queue|task id)\b", re.IGNORECASE)
    used = [
        (path.name, found)
        for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for found in strangers.findall(path.read_text("utf-8"))
    ]

    assert used == []


def test_the_picture_names_no_module_that_is_not_there() -> None:
    drawn = page("docs/design/index.md").blocks("text")[0].text
    files = set(re.findall(r"[a-z_]+\.(?:py|sql)\b", drawn)) - {"tasks.py"}
    there = {path.name for path in (ROOT / "src").rglob("*") if path.is_file()}

    assert files - there == set()


def code_in(text: str) -> set[str]:
    """The names that stand in `code`."""
    return set(re.findall(r"`(\w+)`", text))
