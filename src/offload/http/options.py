"""The options of a start over HTTP: what `Task.using` takes, checked like parameters."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from offload.errors import Fault, InvalidParameters
from offload.options import HIGHEST_PRIORITY, LOWEST_PRIORITY
from offload.signature import Signature

_Name = Annotated[str, Meta(min_length=1, max_length=100, pattern="^[A-Za-z0-9_.-]+$")]
_Priority = Annotated[int, Meta(ge=LOWEST_PRIORITY, le=HIGHEST_PRIORITY)]
_Seconds = Annotated[float, Meta(ge=0, le=1e9)]
_Instant = Annotated[datetime, Meta(tz=True)]
_Words = Annotated[str, Meta(min_length=1, max_length=200)]
_Tags = Annotated[list[_Words], Meta(max_length=50)]


class Options(Struct, frozen=True, kw_only=True):
    """What `Task.using` is given."""

    queue: str | None = None
    priority: int | None = None
    delay: float | None = None
    run_at: float | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()


def _using(
    *,
    queue: _Name | None = None,
    priority: _Priority | None = None,
    delay: _Seconds | None = None,
    run_at: _Instant | None = None,
    owner: _Words | None = None,
    tags: _Tags | None = None,
) -> None:
    """What can be said about a job besides its parameters."""


_NONE = Options()
OPTIONS = Signature.of(_using, task="options")


def read_options(said: Mapping[str, Any]) -> Options:
    """Return the options of a start.

    Raises:
        InvalidParameters: lists every fault, as `options.priority`.
    """
    if not said:
        return _NONE
    try:
        values = OPTIONS.call_arguments(OPTIONS.check(said))[1]
    except InvalidParameters as error:
        raise InvalidParameters("", [_named(fault) for fault in error.faults]) from None
    if values.get("delay") is not None and values.get("run_at") is not None:
        problem = "delay and run_at say the same thing; give one of them"
        raise InvalidParameters("", [Fault("options.run_at", problem)])
    return _options(values)


def _named(fault: Fault) -> Fault:
    return Fault(f"options.{fault.parameter}", fault.problem)


def _options(values: Mapping[str, Any]) -> Options:
    run_at: datetime | None = values.get("run_at")
    return Options(
        queue=values.get("queue"),
        priority=values.get("priority"),
        delay=values.get("delay"),
        run_at=None if run_at is None else run_at.timestamp(),
        owner=values.get("owner"),
        tags=tuple(values.get("tags") or ()),
    )
