"""What the tables say, read beside the store by plain SQL after every transaction."""

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from offload.lanes import lane_of
from offload.model import PLAIN, JobOptions, State
from offload.store import rows
from tests.simulation.history import Committed, Count, Ending, Entered, NewJobRow

EVENTS = """
select id, job_id, version, kind, state, at, actor, door, attempt, worker, reason
from event where id > ? order by id
"""
NEW_JOBS = """
select id, task, queue, priority, run_at, insert_token, options, lane, unique_key, group_id,
       bound_to, json_extract(params, '$.due_at')
from job where id > ? order by id
"""
NEW_WORKERS = "select id, lock_file, tasks, house from worker where id > ? order by id"
COUNTED = "select queue, state, count(*) from job group by queue, state"
TALLIED = "select queue, state, jobs from tally where jobs <> 0"
OCCUPIED = "select queue, count(*) from job where occupies_slot = 1 group by queue"
HOLDING = "select name, count(*) from holding group by name"
LANES = """
select lane from job where lane <> '' and worker is not null
  and (state = 'running' or json_extract(pause, '$.mode') = 'not-checking')
"""
TOUCHED = """
select id, run_at, crashes, ahead
from job where id in (select job_id from event where id > ?)
"""
SAVED = "select job_id, value from saved"
LIMITS = "select name, slot_limit from queue"
TOLD = """
select id, token, json_extract(progress, '$.message')
from job where state = 'running' and progress is not null
"""


class Books:
    """A reader of its own on the file, which sees what is committed and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._last_event = 0
        self._last_job = 0
        self._last_worker = 0

    def look(self, at: float, process: str) -> tuple[Committed, list[Entered]]:
        """Read what is new since the last look, and the counts as they are."""
        events = tuple(rows.event_of(row) for row in self._all(EVENTS, self._last_event))
        new = tuple(_new_row(row) for row in self._all(NEW_JOBS, self._last_job))
        touched = self._all(TOUCHED, self._last_event)
        [[newest]] = self._all(
            "select coalesce(max(seq), 0) from sqlite_sequence where name = 'event'"
        )
        unseen = newest - self._last_event - len(events)
        self._last_event = newest
        committed = Committed(
            at=at,
            process=process,
            events=events,
            unseen=unseen,
            new=new,
            ids=frozenset(row[0] for row in self._all("select id from job")),
            occupied=dict(self._all(OCCUPIED)),
            limits=dict(self._all(LIMITS)),
            counted=self._count(COUNTED),
            tallied=self._count(TALLIED),
            holding=self._holding(),
            due={job: run_at for job, run_at, _, _ in touched},
            crashes={job: crashes for job, _, crashes, _ in touched},
            ahead={job: bool(ahead) for job, _, _, ahead in touched},
            saved=dict(self._all(SAVED)),
            told={(job, token): word for job, token, word in self._all(TOLD)},
        )
        self._last_job = max([self._last_job, *(row.id for row in new)])
        return committed, self._entered(at)

    def end(self, at: float) -> Ending:
        """Read everything, for the last time."""
        connection = self._open()
        [integrity] = connection.execute("pragma integrity_check").fetchone()
        cursor = connection.execute("select * from job order by id")
        job_of = rows.job_reader([column[0] for column in cursor.description])
        jobs = tuple(job_of(row) for row in cursor.fetchall())
        keep = dict(self._all("select name, keep from queue"))
        connection.close()
        return Ending(at=at, jobs=jobs, keep=keep, integrity=integrity)

    def _entered(self, at: float) -> list[Entered]:
        found = self._all(NEW_WORKERS, self._last_worker)
        self._last_worker = max([self._last_worker, *(row[0] for row in found)])
        return [
            Entered(
                at=at,
                process=lock.partition(" ")[0],
                worker=worker,
                lock=lock,
                tasks=frozenset(json.loads(tasks)),
                house=house,
            )
            for worker, lock, tasks, house in found
        ]

    def _holding(self) -> dict[str, int]:
        """Count who holds a named limit by the jobs themselves; the table must agree."""
        lanes = [lane_of(lane) for (lane,) in self._all(LANES)]
        counted = Counter(name for lane in lanes for name in lane.limits)
        recorded = dict(self._all(HOLDING))
        return {
            name: _agreed(counted[name], recorded.get(name, 0)) for name in {*counted, *recorded}
        }

    def _count(self, sql: str) -> Count:
        return {(queue, State(state)): count for queue, state, count in self._all(sql)}

    def _all(self, sql: str, *parameters: int) -> list[Any]:
        return self._open().execute(sql, parameters).fetchall()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None)
        return self._connection


def _agreed(counted: int, recorded: int) -> int:
    """Return the number that both say, or one beyond all limits."""
    return counted if counted == recorded else 1_000_000


_options = msgspec.json.Decoder(JobOptions).decode


def _new_row(row: tuple[Any, ...]) -> NewJobRow:
    job, task, queue, priority, due, token, options, lane, key, group, bound_to, due_at = row
    return NewJobRow(
        id=job,
        task=task,
        queue=queue,
        priority=priority,
        due=due,
        token=token,
        options=PLAIN if options is None else _options(options),
        lane=lane,
        key=key,
        group=group,
        bound_to=bound_to,
        due_at=due_at,
    )
