"""A task's parameters on the command line: how they are read, and how the help tells of them."""

import enum
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import click
import pytest

from offload.cli import exits
from offload.cli.arguments import needs_schema, read_words
from offload.cli.parameters import write_task_help
from offload.errors import InvalidParameters
from offload.signature import Signature
from tests.cli.conftest import TASKS, Terminal


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Size:
    width: int


def render(
    frames: int,
    frame_rate: float = 25,
    *,
    draft: bool = False,
    loud: bool = True,
    urls: list[str] = [],  # noqa: B006
    colour: Colour = Colour.RED,
    quality: Literal["low", "high"] | None = None,
    size: Size | None = None,
    delay: float = 0,
) -> None:
    """Draw pictures.

    Args:
        frames: how many pictures.
        frame_rate: pictures in a second.
        draft: without details.
        urls: where from.
        delay: between two of them.
    """


def anything(**settings: int) -> None: ...


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    return Signature.of(function, task=function.__name__).schema()


def read(*words: str, function: Callable[..., Any] = render) -> list[tuple[str, str]]:
    return read_words("render", words, schema_of(function), ("--queue", "--delay"))


def fault_of(*words: str) -> str:
    with pytest.raises(InvalidParameters) as caught:
        read(*words)
    [fault] = caught.value.faults
    return f"{fault.parameter}: {fault.problem}"


# --- reading


@pytest.mark.parametrize(
    ("typed", "pairs"),
    [
        ("frames=240", [("frames", "240")]),
        ("--frames 240", [("frames", "240")]),
        ("--frames=240", [("frames", "240")]),
        ("--frame-rate 12.5", [("frame_rate", "12.5")]),
        ("--frame_rate=12.5", [("frame_rate", "12.5")]),
        ("--frames -5", [("frames", "-5")]),
        ("--frames=", [("frames", "")]),
        ("--frames a=b", [("frames", "a=b")]),
        ("frames=a=--b", [("frames", "a=--b")]),
        ("--draft --frames 1", [("draft", "true"), ("frames", "1")]),
        ("--draft=off", [("draft", "off")]),
        ("--no-loud draft=1", [("loud", "false"), ("draft", "1")]),
        ("--urls x --urls y urls=z", [("urls", "x"), ("urls", "y"), ("urls", "z")]),
        ('--size {"width":3}', [("size", '{"width":3}')]),
        ("typo=1", [("typo", "1")]),  # the signature tells of that, as at every door
    ],
)
def test_names_and_texts_are_told_apart(typed: str, pairs: list[tuple[str, str]]) -> None:
    assert read(*typed.split(" ")) == pairs


def test_a_task_that_takes_any_name_takes_it_with_dashes_too() -> None:
    assert read("--max-size", "3", function=anything) == [("max_size", "3")]


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("--frame 240", "--frame: unexpected; did you mean --frames?"),
        ("--queu x", "--queu: unexpected; did you mean --queue?"),
        ("--frames", "--frames: expected a value after it"),
        ("--no-loud=1", "--no-loud: takes no value"),
        ("frames", "'frames': is not of the form name=value or --name value"),
        ("=12", "'=12': is not of the form name=value or --name value"),
        ("--draft on", "'on': is not of the form name=value or --name value"),
        ("--no-frames", "--no-frames: unexpected; did you mean --frames?"),
    ],
)
def test_what_cannot_be_read_is_named(typed: str, fault: str) -> None:
    assert fault_of(*typed.split()) == fault


def test_a_name_that_is_like_no_other_is_answered_with_all() -> None:
    assert fault_of("--xyzzy").startswith("--xyzzy: unexpected; it takes --frames, --frame-rate,")


def test_words_that_say_everything_themselves_need_no_schema() -> None:
    assert not needs_schema(["a=1", "b=--c"])
    assert needs_schema(["a=1", "--b=2"])


# --- the help


def help_of(function: Callable[..., Any], width: int = 80) -> str:
    signature = Signature.of(function, task=function.__name__)
    shape = {"name": "render", "summary": signature.summary, "params": signature.schema()}
    formatter = click.HelpFormatter(width=width)
    write_task_help(formatter, shape, ("--delay",))
    return formatter.getvalue()


def test_the_help_tells_types_defaults_and_what_the_docstring_says() -> None:
    lines = " ".join(help_of(render, 200).split())

    assert "Draw pictures." in lines
    assert "--frames INTEGER how many pictures. [required]" in lines
    assert "--frame-rate NUMBER pictures in a second. [default: 25" in lines
    assert "--draft / --no-draft without details. [default: false]" in lines
    assert "--urls TEXT, repeatable where from. [default: []]" in lines
    assert '--colour red|blue [default: "red"]' in lines.replace("blue|red", "red|blue")
    assert "[default: null]" in lines


def test_a_parameter_named_as_an_option_of_start_is_shown_in_the_other_form() -> None:
    assert "  delay=NUMBER" in help_of(render)
    assert "--delay" not in help_of(render)


def test_the_help_fits_a_narrow_terminal() -> None:
    assert max(map(len, help_of(render, 40).splitlines())) <= 40


def test_the_help_of_a_task_without_parameters_says_so() -> None:
    def nothing() -> None: ...

    assert "It takes no parameters." in help_of(nothing)


# --- the command


def test_parameters_are_given_as_flags(terminal: Terminal) -> None:
    assert terminal("start", "double", "--n", "21", "--wait").stdout == "42\n"
    assert terminal("start", "double", "--n=-4", "--wait").stdout == "-8\n"
    assert terminal("start", "--wait", "double", "--n", "-4").stdout == "-8\n"


def test_an_unknown_flag_starts_nothing_and_names_the_nearest(terminal: Terminal) -> None:
    typed = terminal("start", "fail", "--mesage", "x")

    assert (typed.exit_code, typed.stdout) == (exits.UNUSABLE, "")
    assert "--mesage: unexpected; did you mean --message?" in typed.stderr


def test_a_wrong_value_is_told_by_the_signature(terminal: Terminal) -> None:
    typed = terminal("start", "double", "--n", "x", "--json")

    assert typed.exit_code == exits.UNUSABLE
    [fault] = json.loads(typed.stderr)["errors"]
    assert fault == {"parameter": "n", "problem": "expected an integer, got 'x'"}


def test_a_task_has_a_help_of_its_own(terminal: Terminal) -> None:
    typed = terminal("start", "rest", "--help")

    assert typed.exit_code == exits.OK
    assert "--seconds NUMBER" in typed.stdout
    assert "[default: 3600" in typed.stdout
    assert "--priority" in typed.stdout


def test_the_help_of_a_task_that_is_unknown_names_the_nearest(terminal: Terminal) -> None:
    typed = terminal("start", "doubel", "--help")

    assert typed.exit_code == exits.UNKNOWN
    assert "did you mean double?" in typed.stderr


def test_a_start_without_a_task_says_what_is_missing(terminal: Terminal) -> None:
    assert "Missing argument 'TASK'" in terminal("start").stderr
    assert "the task comes first: offload start TASK --n" in terminal("start", "--n", "1").stderr


def test_the_tasks_are_a_table_or_json(terminal: Terminal) -> None:
    app = terminal.app

    lines = terminal("tasks", *app).stdout.splitlines()
    names = [task["name"] for task in terminal.json("tasks", *app)]

    assert lines[0].split()[:2] == ["task", "kind"]
    assert any(line.split()[:3] == ["double", "async", "async"] for line in lines)
    assert names == sorted(names)
    assert "double" in names


def test_both_ways_describe_a_task_alike(terminal: Terminal) -> None:
    near = Terminal("--app", str(TASKS)).json("tasks")

    assert terminal.json("tasks", *terminal.app) == near
