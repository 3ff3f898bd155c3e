"""JSON as the records of `model`: what the server does not tell is empty."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import NODEFAULT
from msgspec.structs import fields

from offload import model
from offload.bulk import Done
from offload.client.refusals import kind_named
from offload.lifecycle import Shown
from offload.model import (
    Bar,
    Error,
    Event,
    Job,
    JobOptions,
    Mode,
    Pause,
    Progress,
    Queue,
    State,
    StoredLine,
    Vitals,
    Wish,
    WorkerInfo,
)
from offload.schedule import Timetable
from offload.values import encode

View = Mapping[str, Any]


class FarJob(Job, frozen=True, kw_only=True):
    """A job as a server has told it.

    Attributes:
        told: what people are shown as its state, by the server's clock.
        explained: why it is as it is, in the server's words.
    """

    told: Shown = Shown.QUEUED
    explained: str | None = None


_STORED = {
    Shown.SCHEDULED: (State.QUEUED, None),
    Shown.WAITING: (State.RUNNING, None),
    Shown.CANCELLING: (State.RUNNING, Wish.CANCEL),
    "pausing": (State.RUNNING, "pause"),
    "resuming": (State.PAUSED, "resume"),
}
"""What is stored where something else is shown: a state, and what was asked of the job."""

_EMPTY: dict[str, Any] = {
    **{"claimable": False, "ahead": False, "occupies_slot": False},
    **{"token": 0, "size": 0, "forgiven": 0, "lane": "", "options": model.PLAIN},
    **{"paused_seconds": 0.0},
}
"""What stands in a record for what is the server's own; all else that is not told is None."""


def job_of(view: View) -> FarJob:
    """Return the record of a job."""
    shown = Shown(view["state"])
    state, wish = _STORED.get(shown, (shown.value, None))
    told: dict[str, Any] = {
        **_plain(view),
        "state": State(state),
        "requested": None if wish is None else Wish(wish),
        "params": encode(view["params"]),
        "result": _result(view, shown),
        "error": _error(view.get("error")),
        "progress": progress_of(view["progress"]),
        "tags": tuple(view["tags"]),
        "options": JobOptions(retries=view["retries"], secret=tuple(view.get("secret", ()))),
        "told": shown,
        "explained": view["reason"],
    }
    for name in ("created_at", "run_at", "next_check_at", "deadline_at", "started_at"):
        told[name] = seconds_of(view[name])
    for name in ("finished_at", "saved_at", "kept_until"):
        told[name] = seconds_of(view.get(name))
    if isinstance(view.get("pause"), Mapping):
        told["pause"] = _pause(view["pause"])
    return FarJob(**{each.name: _field(each, told) for each in fields(FarJob)})


def _plain(view: View) -> dict[str, Any]:
    """Return what stands in a record as it does in JSON."""
    names = ("id", "task", "kind", "queue", "version", "reason", "attempt", "crashes")
    more = ("interrupts", "group", "owner", "priority", "key", "worker", "paused_seconds")
    return {name: view[name] for name in (*names, *more) if name in view}


def _field(field: Any, told: Mapping[str, Any]) -> Any:
    if field.name in told:
        return told[field.name]
    if field.name in _EMPTY or field.default is NODEFAULT:
        return _EMPTY.get(field.name)
    return field.default


def _result(view: View, shown: Shown) -> bytes | None:
    """Return the result. Null is one, unless the server says why it has none; a list has none."""
    if shown is not Shown.SUCCEEDED or "result" not in view:
        return None
    is_withheld = view["result"] is None and view["reason"] is not None
    return None if is_withheld else encode(view["result"])


def _error(view: View | None) -> Error | None:
    if view is None:
        return None
    names = {each.name for each in fields(Error)}
    return Error(**{name: view[name] for name in view if name in names})


def _pause(view: View) -> Pause:
    """Return who paused it, and how it stands still."""
    mode = view["mode"]
    return Pause(
        asked_at=_instant(view["asked_at"]),
        actor=view["by"],
        door=view["door"],
        reason=view["reason"],
        mode=None if mode is None else Mode(mode),
        since=seconds_of(view["since"]),
    )


def progress_of(view: View | None) -> Progress | None:
    """Return how far a job has come."""
    if view is None:
        return None
    return Progress(
        done=view["done"],
        total=view["total"],
        message=view["message"],
        unit=view["unit"],
        rate=view.get("rate"),
        eta=seconds_of(view.get("eta")),
        bars=tuple(_bar(bar) for bar in view.get("bars", ())),
    )


def _bar(view: View) -> Bar:
    return Bar(view["name"], view["done"], view["total"], view["unit"], view["message"])


def event_of(view: View, job_id: int) -> Event:
    """Return an event of a job."""
    return Event(
        id=view["id"],
        job_id=job_id,
        version=view["version"],
        kind=view["kind"],
        state=State(view["state"]),
        at=_instant(view["at"]),
        actor=view["actor"],
        door=view["door"],
        attempt=view["attempt"],
        worker=view["worker"],
        reason=view["reason"],
    )


def line_of(view: View) -> StoredLine:
    """Return a line that a job has written."""
    at, level = _instant(view["at"]), view["level"] or ""
    return StoredLine(view["n"], view["attempt"], at, level, view["source"], view["text"])


def queue_of(view: View) -> Queue:
    """Return a queue with its settings."""
    return Queue(**{each.name: view[each.name] for each in fields(Queue) if each.name in view})


def worker_of(view: View) -> WorkerInfo:
    """Return what a worker says of itself; of its machine only the name."""
    return WorkerInfo(
        id=view["id"],
        host=view["host"],
        boot_id="",
        pid=view["pid"],
        lock_file="",
        queues=tuple(view["queues"]),
        tasks=tuple(view["tasks"]),
        slots=view["slots"],
        started_at=_instant(view["started_at"]),
        seen_at=_instant(view["seen_at"]),
        stopping=view["stopping"],
        vitals=Vitals(*(view.get(each.name) for each in fields(Vitals))),
    )


def done_of(view: View) -> Done:
    """Return what came of asking many jobs; the rest is asked for by its cursor, elsewhere."""
    return Done(
        matched=view["matched"],
        changed=view["changed"],
        unchanged=view["unchanged"],
        refused={kind_named(name): count for name, count in view["refused"].items()},
        begun=frozenset(),
        before=None,
    )


def timetable_of(view: View) -> Timetable:
    """Return a schedule."""
    return Timetable(
        name=view["name"],
        task=view["task"],
        when=view["when"],
        tz=view["tz"],
        misfire=view["misfire"],
        overlap=view["overlap"],
        next_at=tuple(_instant(each) for each in view["next_at"]),
        last_at=seconds_of(view["last_at"]),
        last_job=view["last_job"],
        skipped=view["skipped"],
    )


def seconds_of(text: str | None) -> float | None:
    """Read an instant that may not have come."""
    return None if text is None else _instant(text)


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
