"""What somebody wants to be otherwise with a job that waits, read as a start's options are."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypedDict, Unpack

from offload.lifecycle import Amendment
from offload.options import call_options
from offload.text import capped_repr


class Otherwise(TypedDict, total=False):
    """What can be altered; what is not said stays. See `Job.amend`."""

    priority: int
    queue: str
    tags: Iterable[str]
    run_at: float | datetime | None


def amendment(**otherwise: Unpack[Otherwise]) -> Amendment:
    """Return what is wanted.

    Raises:
        TypeError: there is something else that cannot be altered.
        ValueError: a value does not fit; says which and why.
    """
    said: dict[str, Any] = dict(otherwise)
    unknown = sorted(said.keys() - Otherwise.__annotations__)
    if unknown:
        known = ", ".join(Otherwise.__annotations__)
        raise TypeError(f"{unknown[0]!r} of a job cannot be altered; it can be: {known}")
    tags = said.pop("tags", None)
    read = call_options(said)
    found: dict[str, Any] = {"priority": read.priority, "queue": read.queue}
    found["tags"] = None if tags is None else _tags(tags)
    found = {name: value for name, value in found.items() if value is not None}
    if "run_at" in said:
        found["run_at"] = read.run_at
    return Amendment(**found)


def _tags(given: object) -> tuple[str, ...]:
    """Check the tags; one text alone would be taken apart into its letters."""
    if isinstance(given, Iterable) and not isinstance(given, str):
        tags = tuple(given)
        if all(isinstance(tag, str) and tag for tag in tags):
            return tuple(dict.fromkeys(tags))
        given = tags
    raise ValueError(f"tags must be a list of texts, not {capped_repr(given, limit=80)}")
