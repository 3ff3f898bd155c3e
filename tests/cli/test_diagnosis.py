"""What each fact about a database means: well, a warning or a fault, and what to do."""

from pathlib import PurePath
from typing import Any

import pytest
from msgspec.structs import replace

from offload.doctor import Facts, Finding, Level, judge
from offload.doctor.facts import Content, Disk, FileFact, Situation, WorkerFact
from offload.doctor.findings import ago, amount
from offload.doctor.mounts import file_system_of, is_network
from offload.model import Job, Queue, State, Vitals, Wish, WorkerInfo
from tests.ideas.samples import a_job

NOW = 2000.0

WORKER = WorkerInfo(
    id=3,
    host="here",
    boot_id="boot",
    pid=4711,
    lock_file="worker.lock",
    queues=(),
    tasks=("render",),
    slots=100,
    started_at=900.0,
    seen_at=1999.0,
    house=17,
)
QUEUE = Queue("default", 3, 10, 1000, 1e6, 10**9, paused=False)
ALIVE = WorkerFact(WORKER, is_alive=True, process_began_at=899.0)
DEAD = WorkerFact(replace(WORKER, id=4, pid=4712), is_alive=False)


def situation(*jobs: Job, **members: Any) -> Situation:
    """One living worker, one queue, and these jobs."""
    counts: dict[tuple[str, State], int] = {}
    for job in jobs:
        counts[job.queue, job.state] = counts.get((job.queue, job.state), 0) + 1
    usual: dict[str, Any] = {
        "workers": (ALIVE,),
        "queues": (QUEUE,),
        "counts": counts,
        "admitted": {"default": sum(job.state is State.QUEUED for job in jobs)},
        "unfinished": jobs,
        "is_complete": True,
        "cancel_asked_at": {},
        "due_at": {},
        "latest_at": NOW - 1,
    }
    return Situation(**(usual | members))


def facts(**members: Any) -> Facts:
    """A database with which all is well."""
    usual: dict[str, Any] = {
        "database": "/data/offload.db",
        "now": NOW,
        "user": 1000,
        "grace": 5.0,
        "lease": 30.0,
        "disk": Disk("ext4", "/", 10**11),
        "files": (FileFact("/data/offload.db", 0o600, 1000),),
        "content": Content(damage=(), schema=1, size=90_000, log_size=0),
        "situation": situation(),
    }
    return Facts(**(usual | members))


def ill(**members: Any) -> list[Finding]:
    """What is not well."""
    return [each for each in judge(facts(**members)) if each.level is not Level.OK]


def only(level: Level, **members: Any) -> str:
    """The one thing that is not well, in words."""
    [finding] = ill(**members)
    assert (finding.level, bool(finding.do)) == (level, True)
    return f"{finding.about}: {finding.says} -> {finding.do}"


def stuck(*jobs: Job, **members: Any) -> str:
    return only(Level.FAULT, situation=situation(*jobs, **members))


def test_a_healthy_database_has_nothing_ill_and_says_what_was_looked_at() -> None:
    found = judge(facts())

    assert {finding.level for finding in found} == {Level.OK}
    assert {finding.about for finding in found} == {
        *("database", "file system", "space", "permissions", "workers", "clock", "jobs"),
    }


# --- the file


def test_a_database_that_is_not_there_is_a_fault() -> None:
    missing = facts(exists=False, files=(), content=None, situation=None)

    assert judge(missing)[0].says == "there is no /data/offload.db"
    assert judge(missing)[0].level is Level.FAULT


def test_damage_is_told_with_what_was_found_and_how_to_save_the_rest() -> None:
    damaged = Content(("row 3 missing from index job_claim",), 1, 90_000, 0)

    said = only(Level.FAULT, content=damaged, trouble="malformed", situation=None)

    assert "row 3 missing from index job_claim" in said
    assert "sqlite3 /data/offload.db .recover" in said


def test_a_check_that_was_not_finished_is_not_called_sound() -> None:
    unchecked = judge(facts(content=Content(None, 1, 90_000, 0)))

    assert "its check was not finished in time" in unchecked[0].says


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smbfs", "9p", "fuse.sshfs"])
def test_a_file_system_of_the_network_is_refused(kind: str) -> None:
    said = only(Level.FAULT, disk=Disk(kind, "/mnt/share", 10**11))

    assert f"lies on {kind} (mounted at /mnt/share)" in said


@pytest.mark.parametrize(
    "kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "fuse.fuse-overlayfs", "fuseblk"]
)
def test_a_file_system_of_this_machine_is_well(kind: str) -> None:
    assert ill(disk=Disk(kind, "/", 10**11)) == []


def test_a_database_in_memory_is_a_warning() -> None:
    assert "gone when the machine restarts" in only(
        Level.WARNING, disk=Disk("tmpfs", "/tmp", 10**11)
    )


@pytest.mark.parametrize(("free", "level"), [(5 * 10**7, Level.FAULT), (5 * 10**8, Level.WARNING)])
def test_little_space_is_told(free: int, level: Level) -> None:
    assert only(level, disk=Disk("ext4", "/", free)).startswith("space: ")


def test_a_long_log_tells_that_somebody_reads_for_ever() -> None:
    assert "has grown to 1.0 GB" in only(
        Level.WARNING, content=Content((), 1, 90_000, 1_000_000_000)
    )


@pytest.mark.parametrize(
    ("file", "level", "says"),
    [
        (FileFact("/d/o.db", 0o644, 1000), Level.WARNING, "(mode 0644)"),
        (FileFact("/d/o.db-run", 0o755, 1000, is_folder=True), Level.WARNING, "chmod 700 /d/o.db"),
        (FileFact("/d/my o.db", 0o400, 1000), Level.FAULT, "chmod 600 '/d/my o.db'"),
        (FileFact("/d/o.db", 0o600, 0), Level.WARNING, "belongs to the user 0"),
    ],
)
def test_permissions_that_do_not_fit_are_told(file: FileFact, level: Level, says: str) -> None:
    assert says in only(level, files=(file,))


MOUNTS = """\
/dev/vda / ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
server:/home /home nfs4 rw 0 0
//nas/my\\040files /home/ada/my\\040files cifs rw 0 0
hidden /srv ext4 rw 0 0
host /srv 9p rw 0 0
odd
"""


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/var/lib/x.db", ("ext4", "/")),
        ("/tmp/a/x.db", ("tmpfs", "/tmp")),
        ("/tmpfile/x.db", ("ext4", "/")),
        ("/home/ada/x.db", ("nfs4", "/home")),
        ("/home/ada/my files/x.db", ("cifs", "/home/ada/my files")),
        ("/srv/x.db", ("9p", "/srv")),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path: str, found: tuple[str, str]) -> None:
    assert file_system_of(PurePath(path), MOUNTS) == found


def test_a_system_that_does_not_tell_its_mounts_is_a_warning() -> None:
    assert file_system_of(PurePath("/x"), "") == ("", "")
    assert only(Level.WARNING, disk=Disk("", "", 10**11)).startswith("file system: ")
    assert not is_network("")


# --- workers and the clock


def test_no_worker_and_nothing_to_do_is_well() -> None:
    assert ill(situation=situation(workers=())) == []


def test_no_worker_and_something_to_do_is_a_fault() -> None:
    assert "none is alive, and there are 1 unfinished job" in stuck(a_job(), workers=())


def test_a_dead_worker_beside_a_living_one_is_rescued_from() -> None:
    running = a_job(State.RUNNING, worker=4)

    said = only(Level.WARNING, situation=situation(running, workers=(ALIVE, DEAD)))

    assert "worker 4 (process 4712) is dead and still holds 1 job" in said


def test_a_dead_worker_alone_needs_another_one() -> None:
    found = ill(situation=situation(a_job(State.RUNNING, worker=4), workers=(DEAD,)))

    assert {finding.level for finding in found} == {Level.FAULT}
    assert any("offload worker" in finding.do for finding in found)


def test_a_silent_worker_is_named_with_the_way_to_look_and_to_end_it() -> None:
    silent = WorkerFact(replace(WORKER, seen_at=NOW - 45), is_alive=True)

    said = stuck(workers=(silent,))

    assert "no sign of life for 45 s" in said
    assert "py-spy dump --pid 4711" in said


@pytest.mark.parametrize(("loop_lag", "is_told"), [(None, False), (0.9, False), (12.4, True)])
def test_a_loop_that_is_late_is_told_of_with_the_way_to_look(
    loop_lag: float | None, is_told: bool
) -> None:
    info = replace(WORKER, vitals=Vitals(loop_lag=loop_lag))

    found = ill(situation=situation(workers=(WorkerFact(info, is_alive=True),)))

    assert [finding.level for finding in found] == [Level.WARNING] * is_told
    assert all("late by 12 s" in finding.says for finding in found)
    assert all("py-spy dump --pid 4711" in finding.do for finding in found)


def test_instants_to_come_tell_that_the_clock_was_set_back() -> None:
    assert "tells of something 60 min from now" in stuck(latest_at=NOW + 3600)


def test_a_worker_older_than_its_process_tells_that_the_clock_was_set_forward() -> None:
    older = WorkerFact(WORKER, is_alive=True, process_began_at=WORKER.started_at + 600)

    said = only(Level.WARNING, situation=situation(workers=(older,)))

    assert "began 10 min before its own process" in said


# --- jobs


def test_jobs_that_no_worker_knows_are_named_by_task() -> None:
    jobs = [a_job(id=number, task="paint") for number in (9, 8)]

    assert stuck(a_job(), *jobs) == (
        "jobs: no living worker knows the task 'paint' in the queue 'default'; jobs 8, 9 cannot "
        "begin -> offload worker FILE_OR_MODULE, with the file that has the task"
    )


def test_many_jobs_are_told_by_number() -> None:
    jobs = [a_job(id=number, task="paint") for number in range(20, 40)]

    assert "20 jobs (the oldest is 20)" in stuck(*jobs, queues=(replace(QUEUE, capacity=None),))


def test_a_black_box_whose_program_has_ended_is_told() -> None:
    assert "only the program that started job 7" in stuck(a_job(bound_to=99))
    assert ill(situation=situation(a_job(bound_to=17, task="no-task-at-all"))) == []


def test_code_that_does_not_stop_is_named_after_the_grace_and_some_patience() -> None:
    job = a_job(State.RUNNING, requested=Wish.CANCEL)

    assert ill(situation=situation(job, cancel_asked_at={7: NOW - 12})) == []
    assert "kill -TERM 4711" in stuck(job, cancel_asked_at={7: NOW - 20})


def test_a_job_that_is_due_and_not_let_in_is_told() -> None:
    assert "due up to 50 s ago" in stuck(a_job(claimable=False, run_at=NOW - 50))
    assert ill(situation=situation(a_job(claimable=False, run_at=NOW + 50))) == []


def test_a_check_that_is_overdue_is_told() -> None:
    waiting = {"handle": b"{}", "occupies_slot": False}

    late = a_job(State.RUNNING, next_check_at=NOW - 300, **waiting)
    in_time = a_job(State.RUNNING, next_check_at=NOW - 3, **waiting)

    assert "time up to 5 min ago: job 7" in stuck(late)
    assert ill(situation=situation(in_time)) == []


def test_a_schedule_whose_time_has_gone_is_told() -> None:
    assert "due up to 5 min ago, and nothing was started: nightly" in stuck(
        due_at={"nightly": NOW - 300, "weekly": NOW + 300, "hourly": NOW - 3}
    )
    assert ill(situation=situation(workers=(), due_at={"nightly": NOW - 300})) == []


@pytest.mark.parametrize(
    ("queue", "level", "says"),
    [
        (replace(QUEUE, paused=True), Level.WARNING, "is paused, and 1 job"),
        (replace(QUEUE, capacity=1), Level.WARNING, "is full (1 of 1 waiting jobs)"),
        (replace(QUEUE, limit=0), Level.FAULT, "has the limit 0"),
    ],
)
def test_queues_that_hold_jobs_up_are_told(queue: Queue, level: Level, says: str) -> None:
    assert says in only(level, situation=situation(a_job(), queues=(queue,)))


def test_a_queue_is_not_full_of_jobs_that_are_paused_where_they_stand() -> None:
    queue = replace(QUEUE, capacity=1)

    assert ill(situation=situation(a_job(State.PAUSED, worker=3), queues=(queue,))) == []


def test_what_was_not_looked_at_is_told() -> None:
    assert "only the newest 1 unfinished ones" in only(
        Level.WARNING, situation=situation(a_job(), is_complete=False)
    )


@pytest.mark.parametrize(
    ("size", "text"), [(999, "999 B"), (90_112, "90.1 kB"), (2.5e9, "2.5 GB"), (3e12, "3.0 TB")]
)
def test_sizes_are_told_in_their_unit(size: float, text: str) -> None:
    assert amount(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (119, "119 s"), (7200, "2 h")])
def test_times_are_told_in_their_unit(seconds: float, text: str) -> None:
    assert ago(seconds) == text
