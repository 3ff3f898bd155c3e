"""One idea: a black box, of which only `run()` and `get_output()` are known, and how it is run.

A blocking one has done its work when `run()` returns; what one `get_output()` then returns is its
output. A polling one has only begun by then; `get_output()` is asked again and again.
"""

import re
from concurrent.futures import Future
from enum import Enum
from typing import Any, Literal, TypedDict

from msgspec import UNSET, Struct, UnsetType

from offload.model import Job
from offload.options import NAME, Duration
from offload.polling import is_async
from offload.text import capped_repr, type_name
from offload.units import seconds
from offload.values import decode, encode

Kind = Literal["blocking", "polling"]

INTERVAL_SECONDS = 1.0
"""The time between two questions, unless it was said."""

GUESS_SECONDS = 24 * 3600.0
"""A box that was only guessed to be a polling one is not asked for ever."""

_PLAIN = (str, bytes, int, float, bool, complex, tuple, frozenset)
"""Values of which two that are equal are the same to everybody."""


class HowOptions(TypedDict, total=False):
    """What may be said about how boxes are run; see `offload.Offload.submit`."""

    kind: Kind | None
    interval: Duration | None
    slowest: Duration | None
    pending: Any
    error_budget: int


class How(Struct, frozen=True):
    """How a box is run.

    Attributes:
        kind: None leaves it to what `get_output()` returns first.
        interval: seconds between two questions.
        slowest: the interval grows up to this while the answer is "not yet"; None lets it stay.
        pending: what `get_output()` returns while there is no output yet.
        error_budget: the job fails when so many questions in a row have raised.
        runs_on_loop: `run` is a coroutine function.
        answers_on_loop: `get_output` is one.
    """

    kind: Kind | None = None
    interval: float = INTERVAL_SECONDS
    slowest: float | None = None
    pending: Any = None
    error_budget: int = 1
    runs_on_loop: bool = False
    answers_on_loop: bool = False

    def is_pending(self, answer: object) -> bool:
        """Whether an answer says "not yet": the very object, or a plain value that is equal."""
        if answer is self.pending:
            return True
        if type(answer) is not type(self.pending) or not isinstance(answer, _PLAIN):
            return False
        return not isinstance(answer, Enum) and answer == self.pending


class Box:
    """An object that was handed in, and what has come of it.

    Attributes:
        number: its place on the shelf.
        object: what was handed in; let go of when its job has ended.
        how: how it is run.
        accepted: answered when its job is stored, or refused.
        job_id: its job, once that is stored.
        output: what it gave, once it gave something; UNSET before.
        begun: the call of `run()`, while it has not been read; on the worker's loop.
    """

    __slots__ = (
        "__weakref__",
        "accepted",
        "begun",
        "how",
        "job_id",
        "number",
        "object",
        "output",
    )

    def __init__(self, number: int, box: Any, how: How) -> None:
        self.number = number
        self.object = box
        self.how = how
        self.accepted: Future[Any] | None = None
        self.job_id: int | None = None
        self.output: Any | UnsetType = UNSET
        self.begun: Any = None


def how(
    box: Any,
    *,
    kind: Kind | None = None,
    interval: Duration | None = None,
    slowest: Duration | None = None,
    pending: Any = None,
    error_budget: int = 1,
) -> How:
    """Say how a box, or every box of a class, is run.

    Raises:
        TypeError: it is no black box.
        ValueError: a setting does not fit; says which and why.
    """
    if kind not in (None, "blocking", "polling"):
        raise ValueError(f"kind can be 'blocking' or 'polling', not {capped_repr(kind, limit=80)}")
    between = INTERVAL_SECONDS if interval is None else _positive("interval", interval)
    most = None if slowest is None else _positive("slowest", slowest)
    if most is not None and most < between:
        raise ValueError(f"slowest is {most:g} s, shorter than the interval of {between:g} s")
    if type(error_budget) is not int or error_budget < 1:
        raise ValueError(
            f"error_budget must be a whole number from 1 on, not "
            f"{capped_repr(error_budget, limit=80)}"
        )
    return How(
        kind=kind,
        interval=between,
        slowest=most,
        pending=pending,
        error_budget=error_budget,
        runs_on_loop=is_async(box.run),
        answers_on_loop=is_async(box.get_output),
    )


def refuse_no_box(box: object) -> None:
    """Refuse what has no `run()` and `get_output()`.

    Raises:
        TypeError: it is no black box; says what is missing.
    """
    if isinstance(box, type):
        raise TypeError(
            f"a black box is an object, and {box.__name__} is a class: submit "
            f"{box.__name__}(…), or register the class with app.register({box.__name__})"
        )
    missing = missing_methods(box)
    if missing:
        raise TypeError(
            f"a black box has run() and get_output(); {type_name(box)} has no {missing}"
        )


def missing_methods(box: object) -> str:
    """Name the methods that an object, or a class, lacks to be a black box."""
    names = ("run", "get_output")
    return " and no ".join(f"{n}()" for n in names if not callable(getattr(box, n, None)))


def name_of(kind: type) -> str:
    """Return the name under which boxes of a class are shown: the class's, made fit for a URL."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", kind.__name__)[:99]
    return name if NAME.fullmatch(name) else f"_{name}"


def handle_of(box: Box, *, guessed: bool) -> bytes:
    """Return what is stored about a box that waits: enough to say what is awaited."""
    shown = capped_repr(box.how.pending, limit=80)
    return encode({"every": box.how.interval, "pending": shown, "guessed": guessed})


def awaited(job: Job) -> str | None:
    """Say what a job waits for, if it is a black box that waits."""
    if job.kind != "box" or not job.is_waiting or job.handle is None:
        return None
    facts: Any = decode(job.handle)
    asked = (
        f"its get_output() is asked every {facts['every']:g} s or so, until it returns something "
        f"else than {facts['pending']}"
    )
    if not facts["guessed"]:
        return asked
    return (
        f"{asked}. That it is a polling one was guessed: {facts['pending']} came right after "
        "run(). It fails after 24 h; say kind= to have it otherwise"
    )


def _positive(name: str, given: Duration) -> float:
    try:
        found = seconds(given)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if found <= 0:
        raise ValueError(f"{name} must be longer than nothing, not {capped_repr(given, limit=80)}")
    return found
