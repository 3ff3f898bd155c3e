"""What the demo shows: a job or two of every kind, each with a sentence about its kind. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct


class Act(Struct, frozen=True):
    """A start, and what there is to see.

    Attributes:
        task: of `offload.examples`, or `BOX`; left out where there is none of that name.
        says: what is to be seen.
        calls: the parameters of its jobs; several are started as a group.
        options: for `Task.using`.
        ends: the state in which its jobs are to end.
        cancel_after: seconds after which they are cancelled.
    """

    task: str
    says: str
    calls: tuple[Mapping[str, Any], ...]
    options: Mapping[str, Any] = {}
    ends: str = "succeeded"
    cancel_after: float | None = None


BOX = "polling_box"
"""Stands for an object that is handed in, `offload.examples.boxes.PollingDouble`."""

KINDS = {
    "async": "A coroutine on the worker's loop, one of thousands",
    "process": "A blocking function in a process of its own: it holds up nobody, and can be killed",
    "thread": "A blocking function in a thread, which is asked to stop",
    "box": "An object of which only run() and get_output() are known, held by this program",
    "poll": "Work somewhere else, started once and looked at now and then: it holds no slot",
}
"""What there is to say of each executor."""

ACTS = (
    Act(
        "power_sim",
        "It tells how far it is, and from that comes the time that is left.",
        ({"a": 2, "b": 30, "delay_seconds": 0.4},),
    ),
    Act(
        "count_primes",
        "Nothing but computing.",
        ({"limit": 400_000},),
    ),
    Act(
        "patient_sim",
        "Between two steps it looks whether it is to stop.",
        ({"steps": 20, "delay_seconds": 0.4},),
    ),
    Act(
        "remote_sim",
        "It is `waiting` between two looks, and a restart of everything would find it again.",
        ({"seconds": 9},),
    ),
    Act(
        BOX,
        "It is asked again and again until there is an output; nothing else can run it.",
        ({"value": 21, "seconds": 5.0},),
    ),
    Act(
        "flaky_sim",
        "It fails twice and is tried again, a little later each time.",
        ({"failures": 2, "delay_seconds": 1},),
    ),
    Act(
        "failing_sim",
        "It fails for good; `offload status` has the traceback.",
        ({"a": 4, "delay_seconds": 0.6},),
        ends="failed",
    ),
    Act(
        "power_sim",
        "It is to begin later.",
        ({"a": 3, "b": 8, "delay_seconds": 0.3},),
        options={"delay": 5.0},
    ),
    Act(
        "power_sim",
        "Started together: one handle to watch, stop and collect them.",
        tuple({"a": a, "b": 8, "delay_seconds": 0.1 * a} for a in (5, 6, 7)),
        options={"delay": 2.0},
    ),
    Act(
        "power_sim",
        "It would take a minute; it is cancelled on the way.",
        ({"a": 10, "b": 60, "delay_seconds": 1},),
        ends="cancelled",
        cancel_after=6.0,
    ),
)
"""In the order in which they are started. All of it takes less than half a minute."""


def narrated(act: Act, ids: Sequence[int], executor: str) -> str:
    """Return the sentences about an act whose jobs were started; `executor` may be "" once told."""
    who = f"job {ids[0]}" if len(ids) == 1 else f"jobs {ids[0]} to {ids[-1]}"
    kind = f"{KINDS[executor]}. " if executor in KINDS else ""
    return f"{who}, {act.task}: {kind}{act.says}"


def cancellations(started: Sequence[tuple[Act, Sequence[int]]], seconds: float) -> Iterator[int]:
    """Return the jobs whose time has come to be cancelled, `seconds` after the beginning."""
    for act, ids in started:
        if act.cancel_after is not None and seconds >= act.cancel_after:
            yield from ids


def surprises(
    started: Sequence[tuple[Act, Sequence[int]]], state_of: Callable[[int], str]
) -> Iterator[str]:
    """Say which jobs have ended otherwise than was told, but by a cancel of whoever watches."""
    for act, ids in started:
        for job_id in ids:
            if state_of(job_id) not in (act.ends, "cancelled"):
                yield f"job {job_id} was to end as {act.ends}, and is {state_of(job_id)}"
