"""What the facts say of workers, and of the clock that they go by. Pure."""

from collections.abc import Iterator

from offload.doctor.facts import Facts, Situation, WorkerFact
from offload.doctor.findings import Finding, ago, counted, fault, ok, warning

LATE_SECONDS = 1.0
"""A loop that is so late is held up by a task's code: all that runs on it waits for that."""

TOLERANCE_SECONDS = 5.0
"""Clocks are set by so much every day, and a fact is a moment old when it is judged."""


def judge(facts: Facts) -> Iterator[Finding]:
    """Say who works, who does not, and whether the clock can be believed."""
    situation = facts.situation
    if situation is None:
        return
    yield from _living(situation, facts)
    for worker in situation.workers:
        if not worker.is_alive:
            yield _dead(worker, situation)
        elif facts.now - worker.info.seen_at > facts.lease:
            yield _silent(worker, facts.now)
        elif (worker.info.vitals.loop_lag or 0.0) > LATE_SECONDS:
            yield _late(worker)
    yield from _clock(situation, facts.now)


def _living(situation: Situation, facts: Facts) -> Iterator[Finding]:
    about = "workers"
    alive = [worker for worker in situation.workers if worker.is_alive]
    if any(facts.now - worker.info.seen_at <= facts.lease for worker in alive):
        pids = ", ".join(str(worker.info.pid) for worker in alive)
        yield ok(about, f"{counted(len(alive), 'worker')} alive (process {pids})")
    elif not alive and situation.unfinished:
        jobs = counted(len(situation.unfinished), "unfinished job")
        yield fault(about, f"none is alive, and there are {jobs}", "offload worker FILE_OR_MODULE")
    elif not alive:
        yield ok(about, "none is alive, and there is nothing to do")


def _dead(worker: WorkerFact, situation: Situation) -> Finding:
    held = sum(1 for job in situation.unfinished if job.worker == worker.info.id)
    said = f"worker {worker.info.id} (process {worker.info.pid}) is dead"
    said += f" and still holds {counted(held, 'job')}" if held else ""
    if any(other.is_alive and not other.info.stopping for other in situation.workers):
        return warning("workers", said, "wait: a living worker gives its jobs back within seconds")
    return fault("workers", said, "its jobs go on when a worker is started: offload worker …")


def _silent(worker: WorkerFact, now: float) -> Finding:
    info = worker.info
    return fault(
        "workers",
        f"worker {info.id} (process {info.pid}) lives, and has given no sign of life for "
        f"{ago(now - info.seen_at)}: it is frozen, or a task's code holds the interpreter",
        f"see where it hangs (py-spy dump --pid {info.pid}), then kill -KILL {info.pid}: its jobs "
        "are given back",
    )


def _late(worker: WorkerFact) -> Finding:
    info = worker.info
    return warning(
        "workers",
        f"the event loop of worker {info.id} (process {info.pid}) was late by "
        f"{ago(info.vitals.loop_lag or 0.0)}: the code of an async task blocks it, or the machine "
        "is busy",
        f"see what it does (py-spy dump --pid {info.pid}); a task that blocks belongs in a plain "
        "def, and a call that does in asyncio.to_thread",
    )


def _clock(situation: Situation, now: float) -> Iterator[Finding]:
    about = "clock"
    ahead = situation.latest_at - now
    if ahead > TOLERANCE_SECONDS:
        yield fault(
            about,
            f"the database tells of something {ago(ahead)} from now: the clock was set back",
            "set the clock right (timedatectl); until then what is due may be late",
        )
        return
    for worker in situation.workers:
        began_at, said_at = worker.process_began_at, worker.info.started_at
        if began_at is not None and said_at < began_at - TOLERANCE_SECONDS:
            yield warning(
                about,
                f"worker {worker.info.id} began {ago(began_at - said_at)} before its own process: "
                "the clock was set forward meanwhile",
                "if it is right now, all is well; what was due in between has been started late",
            )
            return
    yield ok(about, "agrees with what is recorded")
