"""The options of a start over HTTP: what `Task.using` takes, checked like parameters."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, convert
from msgspec.structs import asdict

from offload.backoff import Backoff
from offload.errors import Fault, InvalidParameters
from offload.options import (
    HIGHEST_PRIORITY,
    LONGEST_KEY,
    LOWEST_PRIORITY,
    MOST_RETRIES,
    call_options,
)
from offload.signature import Signature
from offload.units import seconds

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern="^[A-Za-z0-9_.-]+$")]
Priority = Annotated[int, Meta(ge=LOWEST_PRIORITY, le=HIGHEST_PRIORITY)]
Instant = Annotated[datetime, Meta(tz=True)]
_Words = Annotated[str, Meta(min_length=1, max_length=200)]
Tags = Annotated[list[_Words], Meta(max_length=50)]
_Retries = Annotated[int, Meta(ge=0, le=MOST_RETRIES)]
_Key = Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY)]
_Duration = Annotated[float | str, Meta(description="Seconds, or text such as 90s, 10m, 24h, 7d.")]
_Deadline = Annotated[
    float | str, Meta(description="A duration from now, or an instant in RFC 3339.")
]
_Size = Annotated[int | str, Meta(description="Bytes, or text such as 512M.")]


class Waits(Struct, frozen=True, forbid_unknown_fields=True):
    """Waits that grow: the first one, by which factor, and never more than `most`."""

    first: float | str = 1.0
    factor: float = 2.0
    most: float | str = "10m"
    jitter: float = 0.25


def _using(
    *,
    queue: Name | None = None,
    priority: Priority | None = None,
    delay: _Duration | None = None,
    run_at: Instant | None = None,
    timeout: _Duration | None = None,
    deadline: _Deadline | None = None,
    retries: _Retries | None = None,
    backoff: float | str | Waits | None = None,
    memory: _Size | None = None,
    on_crash: Literal["again", "fail"] | None = None,
    retain: _Duration | None = None,
    key: _Key | None = None,
    on_conflict: Literal["existing", "refuse"] | None = None,
    owner: _Words | None = None,
    tags: Tags | None = None,
    paused: bool | None = None,
) -> None:
    """What can be said about a job besides its parameters."""


OPTIONS = Signature.of(_using, task="options")


def read_options(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a start, as `Task.using` takes them.

    Raises:
        InvalidParameters: lists every fault, as `options.priority`.
    """
    if not said:
        return {}
    options, faults = {}, []
    for name, value in _checked(said).items():
        try:
            options[name] = _READERS.get(name, _as_is)(value)
            if name != "tags":
                call_options({name: options[name]})
        except ValueError as error:
            problem = str(error).removeprefix(f"{name}: ").removeprefix(f"{name} ")
            faults.append(Fault(f"options.{name}", problem))
    if {"delay", "run_at"} <= options.keys():
        problem = "delay and run_at say the same thing; give one of them"
        faults.append(Fault("options.run_at", problem))
    if faults:
        raise InvalidParameters("", faults)
    return options


def _checked(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said, each value of its type; null is not said."""
    try:
        values = OPTIONS.call_arguments(OPTIONS.check(said))[1]
    except InvalidParameters as error:
        faults = [Fault(f"options.{fault.parameter}", fault.problem) for fault in error.faults]
        raise InvalidParameters("", faults) from None
    return {name: value for name, value in values.items() if value is not None}


def _deadline(value: float | str) -> float | datetime:
    """Read a duration or an instant; what is neither is explained as a duration."""
    try:
        instant: datetime = convert(value, Instant)
        return instant
    except ValidationError:
        return seconds(value)


def _backoff(value: float | str | Waits) -> float | str | Backoff:
    return Backoff.exponential(**asdict(value)) if isinstance(value, Waits) else value


def _as_is(value: Any) -> Any:
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "deadline": _deadline,
    "backoff": _backoff,
    "run_at": datetime.timestamp,
}
