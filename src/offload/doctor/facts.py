"""What a doctor can see: frozen records, gathered by `examination` and judged by `judgement`.

Instants are seconds since the epoch, sizes are bytes.
"""

from msgspec import Struct

from offload.model import Job, Queue, State, WorkerInfo


class FileFact(Struct, frozen=True):
    """A file or folder of the database: its mode's permission bits, and whose it is."""

    path: str
    mode: int
    owner: int
    is_folder: bool = False


class Disk(Struct, frozen=True):
    """Where the database lies.

    Attributes:
        kind: the file system as the kernel calls it, `ext4`; "" where it does not tell.
        mounted_at: the folder where it begins.
    """

    kind: str
    mounted_at: str
    free: int


class Content(Struct, frozen=True):
    """The file itself, as SQLite sees it.

    Attributes:
        damage: what the integrity check found; None if it was not finished in time.
        size: of the file.
        log_size: of the write-ahead log beside it.
    """

    damage: tuple[str, ...] | None
    schema: int
    size: int
    log_size: int


class WorkerFact(Struct, frozen=True):
    """A worker that is enrolled.

    Attributes:
        is_alive: its lock file is locked.
        process_began_at: when its process began, by today's clock; None where that is not told.
    """

    info: WorkerInfo
    is_alive: bool
    process_began_at: float | None = None


class Situation(Struct, frozen=True):
    """Who works on what.

    Attributes:
        admitted: how much of its capacity is taken, by queue; of those that have one.
        unfinished: the newest jobs that have not ended.
        is_complete: `unfinished` are all of them.
        cancel_asked_at: for running jobs that are to be cancelled: since when, by id.
        due_at: when each schedule is due next, by its name.
        latest_at: the latest instant at which anything is recorded to have happened.
    """

    workers: tuple[WorkerFact, ...]
    queues: tuple[Queue, ...]
    counts: dict[tuple[str, State], int]
    admitted: dict[str, int]
    unfinished: tuple[Job, ...]
    is_complete: bool
    cancel_asked_at: dict[int, float]
    due_at: dict[str, float]
    latest_at: float


class Facts(Struct, frozen=True):
    """Everything.

    Attributes:
        user: the number of the user who asks.
        grace: seconds that stopped code is given; what takes much longer is stuck.
        lease: seconds without a sign of life after which a worker is silent.
        trouble: why the database cannot be opened; None if it can.
        exists: whether there is a database at all.
        content: None if there is no file, or none that SQLite can read.
        situation: None if the jobs cannot be read.
    """

    database: str
    now: float
    user: int
    grace: float
    lease: float
    disk: Disk
    exists: bool = True
    files: tuple[FileFact, ...] = ()
    trouble: str | None = None
    content: Content | None = None
    situation: Situation | None = None
