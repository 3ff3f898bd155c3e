"""A job that lives by the real rules, and the events that the store would have written of it."""

from typing import Any

from msgspec.structs import replace

from offload import lifecycle
from offload.model import (
    By,
    Cause,
    Change,
    Crashed,
    Deed,
    Error,
    Event,
    Failed,
    Job,
    JobOptions,
    Mode,
    Outcome,
    Record,
    Snoozed,
    State,
    Succeeded,
    Usage,
    Wish,
    Yielded,
)

ANNA = By(actor="http anna", door="http")
WORKER = By(actor="worker 3", door="worker")
CARE = By(actor="worker 4", door="care")

BEGIN = 1000.0


class Life:
    """A job that was started at `BEGIN`; `now` is moved by hand, or by `after`.

    Args:
        options: how it is run.
        fields: of the job, beside those of a new one.
    """

    def __init__(self, options: JobOptions | None = None, **fields: Any) -> None:
        self.now = BEGIN
        self.job = _new(options or JobOptions(retries=2), **fields)
        self.events: list[Event] = []
        self.records: list[Record] = []
        self._tell("queued", ANNA)

    def after(self, seconds: float) -> "Life":
        """Let time pass."""
        self.now += seconds
        return self

    def claim(self, worker: int = 3) -> None:
        """A worker takes it."""
        self.job = lifecycle.claim(self.job, worker, self.now + 30, self.now)
        self._tell("claimed", WORKER)

    def wait(self) -> None:
        """Its work goes on elsewhere."""
        self._apply(lifecycle.wait(self.job, b"{}", self.now + 5, WORKER))

    def ask(self, wish: Wish, reason: str | None = None, by: By = ANNA) -> bool:
        """Ask something of it; returns whether that changed anything."""
        return self._apply(lifecycle.request(self.job, wish, self.now, by, reason))

    def stands_still(self, mode: Mode = Mode.FROZEN) -> bool:
        """Its holder says so."""
        return self._apply(lifecycle.pause(self.job, mode, self.now, WORKER))

    def refuse(self, why: str) -> bool:
        """Its holder will not pause it."""
        return self._apply(lifecycle.refuse_pause(self.job, why, WORKER))

    def resume(self) -> None:
        """Its holder lets it go on."""
        self._apply(lifecycle.resume(self.job, self.now, WORKER))

    def end(self, outcome: Outcome, by: By = WORKER) -> None:
        """Its attempt ends."""
        self._apply(lifecycle.conclude(self.job, outcome, self.now, by))

    def retry(self) -> None:
        """Somebody tries it anew."""
        self._apply(lifecycle.retry(self.job, self.now, ANNA))

    def note(self, *deeds: tuple[float, str, tuple[int, ...]], usage: Usage | None = None) -> None:
        """The flight recorder has this of the attempt that runs; times are from `BEGIN`."""
        told = tuple(Deed(BEGIN + at, what, pids) for at, what, pids in deeds)
        job = self.job
        self.records.append(Record(job.id, job.token, job.attempt, job.worker, usage, told))

    def _apply(self, change: Change | None) -> bool:
        if change is None:
            return False
        self.job = change.after
        self._tell(change.event, change.by)
        return True

    def _tell(self, kind: str, by: By) -> None:
        job = self.job
        self.events.append(
            Event(
                id=100 + len(self.events),
                job_id=job.id,
                version=job.version,
                kind=kind,
                state=job.state,
                at=self.now,
                actor=by.actor,
                door=by.door,
                attempt=job.attempt,
                worker=job.worker,
                reason=None if kind == "claimed" else job.reason,
            )
        )


SUCCEEDED = Succeeded(b"16")
FAILED = Failed(Error(code="exception", message="no", type="ValueError"))
INTERRUPTED = Yielded(Cause.INTERRUPT)
TIMED_OUT = Yielded(Cause.TIMEOUT)
CANCELLED = Yielded(Cause.CANCEL)
OUTCOMES: tuple[Outcome, ...] = (
    SUCCEEDED,
    FAILED,
    INTERRUPTED,
    TIMED_OUT,
    CANCELLED,
    Crashed(),
    Snoozed(5.0),
    Yielded(Cause.DEADLINE),
)


def _new(options: JobOptions, **fields: Any) -> Job:
    columns: dict[str, Any] = dict.fromkeys(Job.__struct_fields__)
    columns |= {
        "id": 7,
        "task": "render",
        "kind": "blocking",
        "queue": "default",
        "priority": 0,
        "state": State.QUEUED,
        "claimable": True,
        "ahead": False,
        "version": 1,
        "token": 0,
        "occupies_slot": False,
        "attempt": 0,
        "crashes": 0,
        "interrupts": 0,
        "created_at": BEGIN,
        "tags": (),
        "size": 0,
        "options": options,
        "lane": "",
        "forgiven": 0,
        "paused_seconds": 0.0,
    }
    return replace(Job(**columns), **fields)
