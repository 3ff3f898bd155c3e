"""New jobs: known keys are answered, room is looked for, and all rows are written at once."""

from collections import Counter

import msgspec

from offload import lifecycle
from offload.model import NewJob, State, Wish
from offload.store import changing, rows
from offload.store.base import Apply, Full, Insert, Inserted, KeyReused, KeyTaken
from offload.store.session import Session

_decode_ids = msgspec.json.Decoder(tuple[int, ...]).decode

Answer = Inserted | Full | KeyReused | KeyTaken


def insert_all(session: Session, inserts: list[Insert]) -> list[Answer]:
    """Run inserts in order. Each is stored as a whole or refused as a whole."""
    return _Batch(session).run(inserts)


def inserted(session: Session, insert: Insert, after: int) -> Inserted | None:
    """Find what became of an insert among the jobs issued after an id; None: nothing was stored."""
    parameters = {"after": after, "token": insert.token}
    found = session.jobs("inserted", parameters)
    if not found:
        return None
    keyed = {(job.task, job.key): job.id for job in found if job.key is not None}
    others = iter([job.id for job in found if job.key is None])
    ids = tuple(
        next(others)
        if job.key is None
        else keyed.get((job.task, job.key)) or _known(session, job, found[0].id)
        for job in insert.jobs
    )
    return Inserted(ids, group=found[0].group)


def _known(session: Session, job: NewJob, before: int) -> int:
    """Find the job that had a key when the insert came: the newest that is older than its own."""
    parameters = {"task": job.task, "key": job.key, "before": before}
    known: int = session.one("latest_with_key", parameters)[0]
    return known


def _new(insert: Insert, known: dict[int, int]) -> list[NewJob]:
    """Return the jobs that are to be stored: those not known, of each key only the first."""
    new: dict[object, NewJob] = {}
    for place, job in enumerate(insert.jobs):
        if place not in known:
            new.setdefault(place if job.key is None else (job.task, job.key), job)
    return list(new.values())


class _Batch:
    """Inserts of one transaction; their rows are written together at the end."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._next_id = session.issued() + 1
        self._room: dict[str, float] = {}
        self._keys: dict[tuple[str, str], int] = {}
        self._rows: list[rows.Row] = []
        self._bodies: list[rows.Row] = []
        self._events: list[rows.Row] = []
        self._held: list[tuple[int, Insert]] = []

    def run(self, inserts: list[Insert]) -> list[Answer]:
        answers = [self._insert(insert) for insert in inserts]
        self._session.many("insert_job", self._rows)
        self._session.many("put_body", self._bodies)
        self._session.many("insert_event", self._events)
        for job_id, insert in self._held:
            self._hold(job_id, insert)
        return answers

    def _hold(self, job_id: int, insert: Insert) -> None:
        """Pause a job that is to begin as a held one; nobody can have claimed it before."""
        job = self._session.job(job_id)
        assert job is not None
        change = lifecycle.request(job, Wish.PAUSE, insert.now, insert.by)
        assert change is not None
        changing.apply_all(self._session, [Apply((change,), insert.now)])

    def _insert(self, insert: Insert) -> Answer:
        answered = self._known_request(insert)
        if answered is not None:
            return answered
        known = self._known_jobs(insert)
        if isinstance(known, KeyTaken):
            return known
        return self._no_room(insert, known) or self._put(insert, known)

    def _known_request(self, insert: Insert) -> Inserted | KeyReused | None:
        """Answer a request that was answered before, as it was answered then."""
        row = None if insert.key is None else self._session.one("key", {"key": insert.key})
        if insert.key is None or row is None:
            return None
        digest, first, count, ids, group = row
        if bytes(digest) != insert.digest:
            return KeyReused(insert.key, first)
        known = tuple(range(first, first + count)) if ids is None else _decode_ids(ids)
        return Inserted(known, repeated=True, group=group)

    def _known_jobs(self, insert: Insert) -> dict[int, int] | KeyTaken:
        """Find the jobs that are there already, by their unique key: place in the insert to id."""
        known: dict[int, int] = {}
        for place, job in enumerate(insert.jobs):
            job_id = None if job.key is None else self._unfinished(job.task, job.key)
            if job.key is None or job_id is None:
                continue
            if job.refuse_known:
                return KeyTaken(job.key, job_id)
            known[place] = job_id
        return known

    def _unfinished(self, task: str, key: str) -> int | None:
        if (task, key) in self._keys:
            return self._keys[task, key]
        row = self._session.one("unfinished_with_key", {"task": task, "key": key})
        return None if row is None else row[0]

    def _no_room(self, insert: Insert, known: dict[int, int]) -> Full | None:
        """Refuse the whole insert where one of its queues has no room for all of it."""
        wanted = Counter(job.queue for job in _new(insert, known))
        for name, count in wanted.items():
            if name not in self._room:
                self._room[name] = self._session.room(name)
            if self._room[name] < count:
                capacity = self._session.queue(name).capacity
                return Full(name, capacity if capacity is not None else 0)
        for name, count in wanted.items():
            self._room[name] -= count
        return None

    def _put(self, insert: Insert, known: dict[int, int]) -> Inserted:
        group = self._put_group(insert, known) if insert.grouped else None
        ids = []
        for place, job in enumerate(insert.jobs):
            job_id = known.get(place) or self._repeated(job)
            if job_id is None:
                job_id, self._next_id = self._next_id, self._next_id + 1
                self._put_job(job_id, job, insert, group)
            ids.append(job_id)
        answer = Inserted(tuple(ids), group=group)
        self._put_key(insert, answer)
        return answer

    def _repeated(self, job: NewJob) -> int | None:
        """Find the same key further ahead in this very batch."""
        return None if job.key is None else self._keys.get((job.task, job.key))

    def _put_group(self, insert: Insert, known: dict[int, int]) -> int:
        """Make a group of the jobs that are new."""
        by = insert.by
        count = len(_new(insert, known))
        parameters = {
            "jobs": count, "now": insert.now, "actor": by.actor, "door": by.door
        }  # fmt: skip
        group: int = self._session.one("insert_group", parameters)[0]
        return group

    def _put_job(self, job_id: int, job: NewJob, insert: Insert, group: int | None) -> None:
        by = insert.by
        self._rows.append(rows.insert_row(job_id, job, insert.now, insert.token, group))
        self._events.append(
            (job_id, 1, "queued", "queued", insert.now, by.actor, by.door, 0, None, None)
        )
        if rows.inline(job.params) is None:
            self._bodies.append((job_id, "params", job.params))
        if job.key is not None:
            self._keys[job.task, job.key] = job_id
        if job.paused:
            self._held.append((job_id, insert))
        self._session.count(job.queue, State.QUEUED, 1)
        if job.run_at is not None and job.run_at > insert.now:
            self._session.put_off(job.run_at)
        else:
            self._session.claimable = True

    def _put_key(self, insert: Insert, answer: Inserted) -> None:
        ids = answer.ids
        if insert.key is None or not ids:
            return
        in_a_row = ids == tuple(range(ids[0], ids[0] + len(ids)))
        self._session.do(
            "put_key",
            {
                "key": insert.key,
                "digest": insert.digest,
                "job_id": ids[0],
                "jobs": len(ids),
                "ids": None if in_a_row else rows.encode(ids).decode(),
                "group": answer.group,
                "now": insert.now,
            },
        )
