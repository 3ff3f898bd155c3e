"""Workers come and go, and queues are set."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict, replace

from offload.model import Queue
from offload.store import rows
from offload.store.base import Enter, Leave, SetQueue, SetTask, Stopping
from offload.store.session import DEFAULT_QUEUE, Session

KEPT_WORKERS = 10_000
"""Of so many workers it stays known where they ran."""


def enter(session: Session, enter: Enter) -> int:
    """Enrol a worker; returns its id."""
    info = enter.info
    parameters = {
        "host": info.host,
        "boot_id": info.boot_id,
        "pid": info.pid,
        "lock_file": info.lock_file,
        "queues": rows.encode(info.queues).decode(),
        "tasks": rows.encode(info.tasks).decode(),
        "slots": info.slots,
        "now": info.started_at,
        "house": info.house,
        "max_frozen": info.max_frozen,
        **asdict(info.vitals),
    }
    worker: int = session.one("enter", parameters)[0]
    known = {name: parameters[name] for name in ("host", "pid", "now")}
    session.do("note_worker", known | {"id": worker})
    session.do("forget_workers", {"oldest": worker - KEPT_WORKERS})
    return worker


def stopping(session: Session, stopping: Stopping) -> None:
    """Note that a worker was told to end."""
    session.do("stopping", {"worker": stopping.worker})


def leave(session: Session, leave: Leave) -> None:
    """Strike a worker off."""
    session.do("leave", {"worker": leave.worker})


def set_queue(session: Session, setting: SetQueue) -> Queue:
    """Write explicit settings, and defaults where there is nothing yet."""
    row = session.one("queue", {"name": setting.name})
    base = (
        rows.queue_of(row)
        if row is not None
        else replace(DEFAULT_QUEUE, name=setting.name, **_given(setting.defaults))
    )
    queue = replace(base, **_given(setting.explicit))
    session.do("put_queue", asdict(queue))
    session.claimable = True
    return queue


def set_task(session: Session, setting: SetTask) -> None:
    """Pause a task, or let it go on."""
    if not setting.paused:
        session.do("resume_task", {"task": setting.task})
        session.claimable = True
        return
    said = {"actor": setting.by.actor, "door": setting.by.door, "reason": setting.reason}
    session.do("pause_task", said | {"task": setting.task, "at": setting.now})


def _given(settings: Any) -> dict[str, Any]:
    """Return the settings that were said, by name."""
    return {name: value for name, value in asdict(settings).items() if value is not UNSET}
