"""What a task, or one call of it, says about its jobs: read and checked before anything is started.

People write durations as seconds, `timedelta` or ``"10m"``, sizes as ``"512M"``, rates as
``"500/min"``; from here on they are numbers.
"""

import math
import re
import string
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from offload.backoff import backoff_of
from offload.errors import InvalidTask
from offload.lanes import lane_text
from offload.model import PLAIN, JobOptions, Lane, OnCrash
from offload.schedule import Misfire, Schedule, misfire_of, plan_of, schedule_of
from offload.text import capped_repr
from offload.units import Rate, rate, seconds, size

LOWEST_PRIORITY, HIGHEST_PRIORITY = -32_768, 32_767
"""What a 16-bit integer holds, in every database."""

DEFAULT_QUEUE = "default"
"""Where jobs wait whose task says nothing else."""

MOST_RETRIES = 1_000_000

LONGEST_RETAIN = 3650 * 86_400.0
"""Ten years: longer than anybody means."""

LONGEST_KEY = 500

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
"""A name that can stand in a URL, a file name and a command line as it is."""

OnConflict = Literal["existing", "refuse"]


class TaskOptions(Struct, frozen=True, kw_only=True):
    """What a task says about its jobs.

    Attributes:
        queue: the queue in which they wait.
        priority: higher goes first; from -32,768 to 32,767.
        executor: how the code is run; None leaves it to the kind of function.
        tags: words to find its jobs by.
        encode: makes a simpler object of a result that JSON does not know.
        job: how each of its jobs is run, unless the call says otherwise.
        retry_on: the exceptions after which another attempt is worth it.
        checkpoints: its code calls `checkpoint()` though it takes no Context, so that it can be
            paused where it runs in a thread.
        key: the unique key of its jobs, with parameters in braces: ``movie-{movie_id}``.
        on_conflict: what a second job of the same key means.
        limits: named limits, and how many of the jobs that name it may run at once.
        rate: how many of its jobs may begin in a time.
        schedule: when it is started by itself.
        misfire: what becomes of due times that passed while nobody looked.
        overlap: whether it is started by its schedule while the job before has not ended.
    """

    queue: str = DEFAULT_QUEUE
    priority: int = 0
    executor: str | None = None
    tags: tuple[str, ...] = ()
    encode: Callable[[object], object] | None = None
    job: JobOptions = PLAIN
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    checkpoints: bool = False
    key: str | None = None
    on_conflict: OnConflict = "existing"
    limits: dict[str, int] = {}
    rate: Rate | None = None
    schedule: Schedule | None = None
    misfire: Misfire = "once"
    overlap: bool = False


OPTIONS = (
    *("queue", "priority", "executor", "tags", "encode"),
    *("retries", "backoff", "retry_on", "timeout", "deadline", "memory", "on_crash", "checkpoints"),
    *("retain", "secret"),
    *("key", "on_conflict", "limits", "rate", "cron", "every", "tz", "misfire", "overlap"),
)
"""What `@app.task(…)` takes besides name and aliases."""


class CallOptions(Struct, frozen=True):
    """What `using` sets for the jobs started through it; None is what the task says.

    Attributes:
        queue: the queue to wait in.
        priority: higher goes first.
        delay: seconds before which it does not start.
        run_at: the instant before which it does not start, seconds since the epoch.
        owner: on whose behalf it runs.
        tags: words to find it by, besides the task's own.
        job: what it says about how the job is run, by the name of the field of `JobOptions`.
        deadline_at: the instant by which it must have ended.
        key: its unique key.
        on_conflict: what another unfinished job of that key means.
        paused: it is held from the start.
    """

    queue: str | None = None
    priority: int | None = None
    delay: float | None = None
    run_at: float | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    job: dict[str, Any] = {}
    deadline_at: float | None = None
    key: str | None = None
    on_conflict: OnConflict | None = None
    paused: bool | None = None


NOTHING_SAID = CallOptions()


def task_options(task: str, given: Mapping[str, Any]) -> TaskOptions:
    """Read what a task's decorator was given.

    Raises:
        InvalidTask: an option is unknown or has a value that does not fit; says which and why.
    """
    for option in given:
        if option not in OPTIONS:
            raise _unknown(task, option)
    said = {name: value for name, value in given.items() if value is not None}
    read = {name: _read(task, name, said.pop(name)) for name in list(said) if name in _READERS}
    clock = {name: said.pop(name) for name in ("cron", "every", "tz") if name in said}
    try:
        read["schedule"] = schedule_of(**clock)
        plan_of(read["schedule"], read.get("misfire", "once"), read.get("overlap", False))
    except ValueError as error:
        raise InvalidTask(f"the task {task!r}: {error}") from error
    job = {name: read.pop(name) for name in _OF_JOB if name in read}
    return TaskOptions(**read, **said, job=_job_options(job, PLAIN))


def call_options(given: Mapping[str, Any]) -> CallOptions:
    """Read what `using` was given; None is not given.

    Raises:
        ValueError: a value does not fit; says which and why.
    """
    said = {name: value for name, value in given.items() if value is not None}
    if "delay" in said and "run_at" in said:
        raise ValueError("delay and run_at say the same thing; give one of them")
    if isinstance(said.get("deadline"), datetime):
        said["deadline_at"] = _instant("deadline", said.pop("deadline"))
    if isinstance(said.get("run_at"), datetime):
        said["run_at"] = _instant("run_at", said["run_at"])
    if "run_at" in said:
        _check_number("run_at", said["run_at"], "seconds since the epoch")
    if "delay" in said:
        said["delay"] = _named("delay", seconds, said["delay"])
    for name in ("queue", "owner", "key"):
        if name in said:
            _check_text(name, said[name])
    read = {name: _named(name, _READERS[name], said.pop(name)) for name in _CALLED if name in said}
    job = {name: read.pop(name) for name in _OF_JOB if name in read}
    return CallOptions(**said, **read, job=job)


def merged(task: TaskOptions, call: CallOptions) -> JobOptions:
    """Return how a job is run: what the call says, and else what its task says."""
    return _job_options(call.job, task.job) if call.job else task.job


def that_can_pause(options: TaskOptions, *, is_so: bool) -> TaskOptions:
    """Return the options of a task whose running jobs can be made to stand still, or cannot."""
    return replace(options, job=_job_options({"pausable": is_so}, options.job))


def lane(name: str, executor: str, options: TaskOptions) -> str:
    """Return the lane of a task's jobs, as it stands in their rows."""
    pool = "processes" if executor == "process" else "slots"
    rates = {} if options.rate is None else {name: options.rate}
    return lane_text(Lane(pool, options.limits, rates))


def key_fields(template: str) -> list[str]:
    """Return the parameters that a key's template names.

    Raises:
        ValueError: its braces do not fit, or hold more than a name.
    """
    fields = []
    for _, field, form, conversion in string.Formatter().parse(template):
        if field is None:
            continue
        if not field.isidentifier() or form or conversion:
            raise ValueError(
                f"key {template!r} may hold names of parameters in braces, and nothing else: "
                f"{{{field}}} is none"
            )
        fields.append(field)
    return fields


def filled(template: str, params: Mapping[str, Any]) -> str:
    """Return the key that a template makes of these parameters; "" for one that was not given."""
    known = dict.fromkeys(key_fields(template), "") | dict(params)
    return template.format_map(known)


def check_name(name: object, what: str, task: object) -> None:
    """Refuse what cannot be a name; see `NAME`."""
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise InvalidTask(
            f"the task {capped_repr(task, limit=120)} cannot have the {what} "
            f"{capped_repr(name, limit=120)}: it must be at most 100 ASCII letters, digits and the "
            "signs _ . - and begin with a letter or _"
        )


def texts(task: str, what: str, given: object) -> tuple[str, ...]:
    """Check several texts; one text alone would be taken apart into its letters."""
    if isinstance(given, Iterable) and not isinstance(given, str):
        found = tuple(given)
        if all(isinstance(text, str) and text for text in found):
            return found
        given = found
    raise InvalidTask(
        f"the task {task!r}: {what} must be a list of texts, not {capped_repr(given, limit=80)}"
    )


def _job_options(said: Mapping[str, Any], base: JobOptions) -> JobOptions:
    options = replace(base, **said)
    return PLAIN if options == PLAIN else options


def _read(task: str, name: str, value: Any) -> Any:
    try:
        if name == "queue":
            check_name(value, "queue", task)
        if name in ("tags", "secret"):
            return tuple(dict.fromkeys(texts(task, name, value)))
        return _READERS[name](value)
    except ValueError as error:
        raise InvalidTask(f"the task {task!r}: {name}: {error}") from error


def _named(name: str, read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _unknown(task: str, option: str) -> InvalidTask:
    nearest = get_close_matches(option, OPTIONS, n=1, cutoff=0.5)
    known = ", ".join(("name", "aliases", *OPTIONS))
    hint = f"did you mean {nearest[0]}?" if nearest else f"there are {known}"
    return InvalidTask(f"the task {task!r} has no option {option!r}; {hint}")


def _as_is(value: Any) -> Any:
    return value


def _priority(value: Any) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number or value not in range(LOWEST_PRIORITY, HIGHEST_PRIORITY + 1):
        raise ValueError(
            f"it must be an integer from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}, not "
            f"{capped_repr(value, limit=80)}"
        )
    number: int = value
    return number


def _encode(value: Any) -> Any:
    if not callable(value):
        raise ValueError(f"it must be a function, not {capped_repr(value, limit=80)}")
    return value


def _retries(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MOST_RETRIES:
        raise ValueError(f"it must be an integer from 0 on, not {capped_repr(value, limit=80)}")
    return value


def _some_time(value: Any) -> float:
    length = seconds(value)
    if length <= 0:
        raise ValueError(f"it must be longer than nothing, not {capped_repr(value, limit=80)}")
    return length


def _retain(value: Any) -> float:
    length = seconds(value)
    if length > LONGEST_RETAIN:
        raise ValueError(f"it can be ten years (3650d) at most, not {capped_repr(value, limit=80)}")
    return length


def _on_crash(value: Any) -> OnCrash:
    if value not in set(OnCrash):
        raise ValueError(f"it can be 'again' or 'fail', not {capped_repr(value, limit=80)}")
    return OnCrash(value)


def _on_conflict(value: Any) -> str:
    if value not in {"existing", "refuse"}:
        raise ValueError(f"it can be 'existing' or 'refuse', not {capped_repr(value, limit=80)}")
    said: str = value
    return said


def _retry_on(value: Any) -> tuple[type[BaseException], ...]:
    kinds = value if isinstance(value, tuple | list) else (value,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise ValueError(
                f"it must name classes of exceptions, not {capped_repr(kind, limit=80)}"
            )
    return tuple(kinds)


def _key(value: Any) -> str:
    _check_text("it", value)
    key_fields(value)
    text: str = value
    return text


def _limits(value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise ValueError(f"write them as {{'gpu': 1}}, not as {capped_repr(value, limit=80)}")
    for name, most in value.items():
        if not isinstance(name, str) or NAME.fullmatch(name) is None:
            raise ValueError(f"the name is a word such as gpu, not {capped_repr(name, limit=80)}")
        if type(most) is not int or most < 1:
            raise ValueError(
                f"{name} must be an integer from 1 on, not {capped_repr(most, limit=80)}"
            )
    return dict(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"it must be True or False, not {capped_repr(value, limit=80)}")
    return value


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_KEY:
        raise ValueError(
            f"{name} must be a text of 1 to {LONGEST_KEY} characters, not "
            f"{capped_repr(value, limit=80)}"
        )


def _check_number(name: str, value: Any, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be {what}, not {capped_repr(value, limit=80)}")


def _instant(name: str, value: datetime) -> float:
    if value.tzinfo is None:
        raise ValueError(
            f"{name} {value} has no time zone; write datetime.now(UTC) or give it tzinfo="
        )
    return value.timestamp()


_READERS: dict[str, Callable[[Any], Any]] = {
    "queue": _as_is,
    "executor": _as_is,
    "tags": _as_is,
    "secret": _as_is,
    "priority": _priority,
    "encode": _encode,
    "retries": _retries,
    "backoff": backoff_of,
    "retry_on": _retry_on,
    "timeout": _some_time,
    "deadline": _some_time,
    "memory": size,
    "on_crash": _on_crash,
    "retain": _retain,
    "checkpoints": _flag,
    "paused": _flag,
    "key": _key,
    "on_conflict": _on_conflict,
    "limits": _limits,
    "rate": rate,
    "misfire": misfire_of,
    "overlap": _flag,
}

_OF_JOB = tuple(name for name in JobOptions.__struct_fields__ if name != "pausable")
"""Whether it can be paused follows from how it is run; nobody says it."""
_CALLED = ("priority", "on_conflict", "paused", *(name for name in _OF_JOB if name != "secret"))
"""What a call may say, too; what is secret is the task's own to say."""

Duration = float | str | timedelta
"""How people write a duration: seconds, ``"10m"``, or a `timedelta`."""
