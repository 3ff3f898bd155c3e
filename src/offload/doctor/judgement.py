"""What the facts mean: a list of findings, in the order in which to read them. Pure."""

import shlex
from collections.abc import Iterator

from offload.doctor import jobs, workers
from offload.doctor.facts import Content, Disk, Facts, FileFact
from offload.doctor.findings import Finding, amount, fault, ok, warning
from offload.doctor.mounts import MEMORY, is_network

FULL, NEARLY_FULL = 100_000_000, 1_000_000_000
"""Bytes: with less free nothing can soon be stored any more; with less there is cause to look."""

LONG_LOG = 256_000_000
"""Bytes: SQLite begins the log anew long before, unless somebody reads for hours."""


def judge(facts: Facts) -> list[Finding]:
    """Return what there is to say, the well and the ill."""
    return [
        *_database(facts),
        *_file_system(facts.disk),
        *_space(facts.disk, facts.content),
        *_permissions(facts),
        *workers.judge(facts),
        *jobs.judge(facts),
    ]


def _database(facts: Facts) -> Iterator[Finding]:
    about = "database"
    if not facts.exists:
        yield fault(
            about,
            f"there is no {facts.database}",
            "name another one with --db or OFFLOAD_DB; `offload serve` makes one",
        )
        return
    content = facts.content
    if content is not None and content.damage:
        yield fault(
            about,
            f"{facts.database} is damaged: {'; '.join(content.damage)}",
            "stop all that uses it, copy it aside, and restore a backup, or save what can be read "
            f"with: sqlite3 {shlex.quote(facts.database)} .recover",
        )
    elif facts.trouble is not None:
        yield fault(about, facts.trouble, "mend that first; nothing else can be judged")
    elif content is not None:
        checked = "its check was not finished in time" if content.damage is None else "sound"
        size = amount(content.size)
        yield ok(about, f"{facts.database}, {size}, schema {content.schema}, {checked}")


def _file_system(disk: Disk) -> Iterator[Finding]:
    about = "file system"
    if not disk.kind:
        yield warning(
            about,
            "this system does not tell on which one the database lies",
            "see that it is a disk of this machine, not of the network",
        )
    elif is_network(disk.kind):
        yield fault(
            about,
            f"the database lies on {disk.kind} (mounted at {disk.mounted_at}), where SQLite's "
            "locks and shared memory do not hold between machines: it will be damaged",
            "move it to a disk of this machine, and reach it from others with --server",
        )
    elif disk.kind in MEMORY:
        yield warning(
            about,
            f"the database lies in memory ({disk.kind} at {disk.mounted_at}); it is gone when "
            "the machine restarts",
            "move it to a disk, unless that is meant",
        )
    else:
        yield ok(about, f"{disk.kind}, of this machine")


def _space(disk: Disk, content: Content | None) -> Iterator[Finding]:
    about = "space"
    if disk.free < FULL:
        yield fault(
            about,
            f"only {amount(disk.free)} are free; soon no start and no result can be stored",
            "free some space there, or keep fewer jobs (--keep)",
        )
    elif disk.free < NEARLY_FULL:
        yield warning(about, f"{amount(disk.free)} are free", "free some space before it is full")
    else:
        yield ok(about, f"{amount(disk.free)} free")
    if content is not None and content.log_size > LONG_LOG:
        yield warning(
            about,
            f"the write-ahead log has grown to {amount(content.log_size)}: somebody has been "
            "reading for a long time, so that it cannot begin anew",
            "find out who has the file open (fuser), and end a forgotten sqlite3 or backup",
        )


def _permissions(facts: Facts) -> Iterator[Finding]:
    found = [finding for file in facts.files for finding in _permission(file, facts.user)]
    yield from found
    if facts.files and not found:
        yield ok("permissions", "private to you")


def _permission(file: FileFact, user: int) -> Iterator[Finding]:
    about, wanted = "permissions", 0o700 if file.is_folder else 0o600
    quoted = shlex.quote(file.path)
    if file.owner != user:
        yield warning(
            about,
            f"{file.path} belongs to the user {file.owner}, not to you ({user})",
            "run everything that uses the database as one user",
        )
    elif file.mode & wanted != wanted:
        yield fault(
            about,
            f"you may not use {file.path} (mode {file.mode:04o})",
            f"chmod {wanted:o} {quoted}",
        )
    if file.mode & 0o077:
        yield warning(
            about,
            f"others may use {file.path} (mode {file.mode:04o}); it holds parameters and results",
            f"chmod {wanted:o} {quoted}",
        )
