"""Rows to records: the one place that knows how a record lies in a table."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from offload.model import (
    PLAIN,
    By,
    Change,
    Error,
    Event,
    Held,
    Job,
    JobOptions,
    NewJob,
    Pause,
    Progress,
    Queue,
    State,
    Vitals,
    Wish,
    WorkerInfo,
)
from offload.text import first_line

Row = Sequence[Any]

INLINE_BYTES = 2048
"""Values up to this size live in the job's own row; larger ones in a table of their own, so that
a claim or a list reads narrow rows."""

encode = msgspec.json.Encoder().encode
_decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode
decode_error = msgspec.json.Decoder(Error).decode
_decode_progress = msgspec.json.Decoder(Progress).decode
_decode_options = msgspec.json.Decoder(JobOptions).decode
_decode_pause = msgspec.json.Decoder(Pause).decode
_COLUMNS = {"key": "unique_key", "group": "group_id"}
"""Fields of `Job` whose column has another name: `key` and `group` are words of SQL."""

_STATES = {state.value: state for state in State}
_WISHES = {wish.value: wish for wish in Wish}


def job_reader(columns: Sequence[str]) -> Callable[[Row], Job]:
    """Return a function that makes a `Job` of a row of `select *` with these columns.

    Columns are found by name once, here: a migration may add some anywhere.
    """
    names = (_COLUMNS.get(field, field) for field in Job.__struct_fields__)
    pick = itemgetter(*(columns.index(name) for name in names))

    def read(row: Row) -> Job:
        (
            job_id, task, kind, queue, priority, state, requested, claimable, ahead, version,
            token, worker, lease_until, occupies_slot, attempt, crashes, interrupts, created_at,
            run_at, started_at, finished_at, reason, owner, tags, params, result, error, progress,
            size, options, lane, key, group, bound_to, deadline_at, handle, next_check_at, forgiven,
            pause, paused_seconds, saved_at, kept_until,
        ) = pick(row)  # fmt: skip
        return Job(
            job_id,
            task,
            kind,
            queue,
            priority,
            _STATES[state],
            None if requested is None else _WISHES[requested],
            bool(claimable),
            bool(ahead),
            version,
            token,
            worker,
            lease_until,
            bool(occupies_slot),
            attempt,
            crashes,
            interrupts,
            created_at,
            run_at,
            started_at,
            finished_at,
            reason,
            owner,
            () if tags is None else _decode_tags(tags),
            params,
            result,
            None if error is None else decode_error(error),
            None if progress is None else _progress_of(progress, state),
            size,
            PLAIN if options is None else _decode_options(options),
            lane,
            key,
            group,
            bound_to,
            deadline_at,
            handle,
            next_check_at,
            forgiven,
            None if pause is None else _decode_pause(pause),
            paused_seconds,
            saved_at,
            kept_until,
        )

    return read


def insert_row(job_id: int, job: NewJob, now: float, token: int, group: int | None) -> Row:
    """Lay a new job out as a row."""
    claimable = job.run_at is None or job.run_at <= now
    return (
        job_id,
        job.task,
        job.kind,
        job.queue,
        job.priority,
        State.QUEUED.value,
        claimable,
        1,
        now,
        None if claimable else job.run_at,
        job.owner,
        encode(job.tags).decode() if job.tags else None,
        inline(job.params),
        len(job.params),
        None if job.options is PLAIN else encode(job.options).decode(),
        job.lane,
        job.key,
        group,
        job.bound_to,
        job.deadline_at,
        token,
        now if claimable else None,
    )


def change_statement(change: Change) -> str:
    """Return the statement that a change needs: one that names fewer columns, or all."""
    return "finish" if _just_ends_a_run(change) else "apply"


def _just_ends_a_run(change: Change) -> bool:
    """Whether it is the end of a running job, with nothing about it that few jobs have."""
    is_plain = change.after.kept_until is None
    return change.before is State.RUNNING and change.after.is_finished and is_plain


def change_row(change: Change, error: bytes | None, now: float) -> Row:
    """Lay a change out for the compare-and-set of its statement."""
    job = change.after
    if _just_ends_a_run(change):
        return (
            str(job.state),
            job.version,
            job.crashes,
            job.finished_at,
            job.reason,
            inline(job.result),
            inline(error),
            grown(change, error),
            job.id,
            job.version - 1,
            job.token,
        )
    return (
        str(job.state),
        None if job.requested is None else str(job.requested),
        job.claimable,
        job.ahead,
        job.version,
        job.worker,
        job.lease_until,
        job.occupies_slot,
        job.attempt,
        job.crashes,
        job.interrupts,
        job.run_at,
        job.started_at,
        job.finished_at,
        job.reason,
        inline(job.result),
        inline(error),
        grown(change, error),
        job.handle,
        job.next_check_at,
        job.deadline_at,
        job.forgiven,
        None if job.pause is None else encode(job.pause).decode(),
        job.paused_seconds,
        job.kept_until,
        now,
        job.id,
        job.version - 1,
        job.token,
    )


def grown(change: Change, error: bytes | None) -> int:
    """Bytes that the change adds to what is kept of the job."""
    return len(change.after.result or b"") + len(error or b"")


def event_row(change: Change, now: float) -> Row:
    """Lay out the event that records a change; of a failure it says why."""
    job = change.after
    error = job.error
    why = job.reason or (error and f"{error.code}: {first_line(error.message)}")
    return (
        job.id,
        job.version,
        change.event,
        str(job.state),
        now,
        change.by.actor,
        change.by.door,
        job.attempt,
        job.worker,
        why,
    )


def claim_event_row(job: Job, now: float, by: By) -> Row:
    """Lay out the event that records a claim."""
    return (
        job.id,
        job.version,
        "claimed",
        str(job.state),
        now,
        by.actor,
        by.door,
        job.attempt,
        job.worker,
        None,
    )


def _progress_of(value: bytes, state: str) -> Progress:
    """Read progress. Only what runs is expected to end, whatever it said of that before."""
    progress = _decode_progress(value)
    if progress.eta is None or state == State.RUNNING:
        return progress
    return msgspec.structs.replace(progress, eta=None)


def progress_bytes(progress: Progress) -> bytes | None:
    """Encode what running code says of itself; None where that could not be read back.

    It may say anything, NaN and half a surrogate pair too, and a row that cannot be read would be
    lost to everybody.
    """
    try:
        encoded = encode(progress)
        _decode_progress(encoded)
    except Exception:
        return None
    return encoded


def inline(value: bytes | None) -> bytes | None:
    """Return the value if it belongs into the job's own row."""
    return None if value is None or len(value) > INLINE_BYTES else value


def event_of(row: Row) -> Event:
    """Make an `Event` of a row."""
    job_event = Event(*row)
    return msgspec.structs.replace(job_event, state=_STATES[row[4]])


def queue_of(row: Row) -> Queue:
    """Make a `Queue` of a row."""
    name, limit, capacity, keep, keep_seconds, keep_bytes, paused, why = row
    return Queue(name, limit, capacity, keep, keep_seconds, keep_bytes, bool(paused), why)


def held_of(row: Row) -> Held:
    """Make a `Held` of a row."""
    job_id, token, version, state, requested = row
    wish = None if requested is None else _WISHES[requested]
    return Held(job_id, token, version, _STATES[state], wish)


def worker_of(row: Row) -> WorkerInfo:
    """Make a `WorkerInfo` of a row."""
    (
        worker, host, boot_id, pid, lock_file, queues, tasks, slots, started, seen, stopping, house,
        max_frozen, memory, cpu, loop_lag,
    ) = row  # fmt: skip
    return WorkerInfo(
        worker, host, boot_id, pid, lock_file, _decode_tags(queues), _decode_tags(tasks), slots,
        started, seen, bool(stopping), house, max_frozen, Vitals(memory, cpu, loop_lag),
    )  # fmt: skip
