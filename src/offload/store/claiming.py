"""Claiming: all open lanes of all queues are merged by rank, as far as there are free places.

A lane is a queue with what its jobs compete for besides: a pool of places, named limits, rates.
What holds for a lane holds for each job in it, so one that is blocked is not looked into: a million
jobs that wait for a limit cost nothing to those behind them.
"""

import heapq
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import asdict, replace

from offload import lifecycle, pace
from offload.lanes import lane_of
from offload.model import Job, Lane, State
from offload.store import changing, rows
from offload.store.base import Apply, Claim
from offload.store.session import Session
from offload.units import Rate


def claim(session: Session, claim: Claim) -> list[Job]:
    """Take what may begin now, and take back what may go on; see `Claim`."""
    if not session.one("enrolled", {"worker": claim.worker})[0]:
        return []
    room = _Room(session, claim)
    resumed = _resume(session, claim, room) if room.is_resuming else []
    return resumed + _begin(session, _of_unpaused(session, claim), room)


def _begin(session: Session, claim: Claim, room: "_Room") -> list[Job]:
    open_lanes = [lane for lane in _lanes(session, claim) if room.of(lane) > 0]
    if not open_lanes:
        return []
    if len(open_lanes) == 1 and not open_lanes[0].is_led:
        jobs = _take_from(session, claim, open_lanes[0], room.of(open_lanes[0]))
    else:
        jobs = _take(session, claim, _choose(session, claim, open_lanes, room))
    _record(session, claim, jobs)
    return [session.with_params(job) for job in jobs]


def _resume(session: Session, claim: Claim, room: "_Room") -> list[Job]:
    """Let the worker's own paused jobs go on, ahead of all that has not begun.

    They take a slot and their named limits again; they began long ago, so no rate counts them.
    """
    chosen = []
    for job in session.jobs("resuming", {"worker": claim.worker, "count": room.most}):
        queued = _Queued(job.queue, job.lane, lane_of(job.lane))
        if room.of_resumed(queued) > 0:
            room.give(queued, is_resumed=True)
            chosen.append(job)
    changes = tuple(lifecycle.resume(job, claim.now, claim.by) for job in chosen)
    [answers] = changing.apply_all(session, [Apply(changes, claim.now)])
    resumed = [
        change.after for change, answer in zip(changes, answers, strict=True) if answer is None
    ]
    session.many("hold", [(name, job.id) for job in resumed for name in lane_of(job.lane).limits])
    return resumed


def _of_unpaused(session: Session, claim: Claim) -> Claim:
    """Leave out the tasks of which nothing is to begin."""
    paused = {row[0] for row in session.all("paused_tasks")}
    if not paused:
        return claim
    return replace(claim, tasks=tuple(name for name in claim.tasks if name not in paused))


class _Queued(Struct, frozen=True):
    """A lane of a queue.

    Attributes:
        text: how the lane stands in the rows.
        is_led: there are jobs in it that go ahead of the others.
    """

    queue: str
    text: str
    lane: Lane
    is_led: bool = False


class _Room:
    """How many jobs of each lane may begin: the least of all that binds them.

    A queue's slots for which another worker's job waits to go on are that job's.

    Attributes:
        most: how many jobs may begin whatever they are.
        is_resuming: the worker has paused jobs that are to go on.
    """

    def __init__(self, session: Session, claim: Claim) -> None:
        self.most = sum(claim.free.values())
        self.is_resuming = False
        self._session = session
        self._now = claim.now
        self._awaited: Counter[str] = Counter()
        for worker, queue, count in session.all("resuming_counts"):
            self.is_resuming = self.is_resuming or worker == claim.worker
            self._awaited[queue] += 0 if worker == claim.worker else count
        self._pools = dict(claim.free)
        self._queues: dict[str, float] = {}
        self._limits: dict[str, int] = {}
        self._rates: dict[str, int] = {}

    def of(self, queued: _Queued) -> int:
        rates = queued.lane.rates.items()
        bounds = [rate.count - self._begun(name, rate) for name, rate in rates]
        bounds.append(self.of_resumed(queued))
        awaited = self._awaited[queued.queue]
        return int(max(0, min(*bounds, self._in_queue(queued.queue) - awaited)))

    def of_resumed(self, queued: _Queued) -> int:
        """Of those that go on: they come first, and began before any rate's time."""
        lane = queued.lane
        bounds = [self._pools.get(lane.pool, 0), self._in_queue(queued.queue)]
        bounds += [most - self._in_use(name) for name, most in lane.limits.items()]
        return int(max(0, min(bounds)))

    def give(self, queued: _Queued, *, is_resumed: bool = False) -> None:
        """Give one place to a job of this lane."""
        self._pools[queued.lane.pool] -= 1
        self._queues[queued.queue] -= 1
        for name in queued.lane.limits:
            self._limits[name] += 1
        for name in () if is_resumed else queued.lane.rates:
            self._rates[name] += 1

    def _in_queue(self, name: str) -> float:
        if name not in self._queues:
            queue = self._session.queue(name)
            if queue.paused:
                self._queues[name] = 0
            elif queue.limit is None:
                self._queues[name] = float("inf")
            else:
                self._queues[name] = queue.limit - self._session.one("occupied", {"queue": name})[0]
        return self._queues[name]

    def _in_use(self, name: str) -> int:
        if name not in self._limits:
            self._limits[name] = self._session.one("in_use", {"name": name})[0]
        return self._limits[name]

    def _begun(self, name: str, rate: Rate) -> int:
        if name not in self._rates:
            first, last = pace.window(rate, self._now)
            parameters = {"name": name, "first": first, "last": last}
            self._rates[name] = self._session.one("begun", parameters)[0]
        return self._rates[name]


def _lanes(session: Session, claim: Claim) -> Iterator[_Queued]:
    """Step over the index of claimable jobs, one statement for each lane that there is."""
    row = session.one("first_lane")
    while row is not None:
        queue, text, ahead = row
        if not claim.queues or queue in claim.queues:
            yield _Queued(queue, text, lane_of(text), bool(ahead))
        row = session.one("next_lane", {"queue": queue, "lane": text})


def _choose(session: Session, claim: Claim, lanes: list[_Queued], room: _Room) -> list[int]:
    """Merge the lanes by rank and give places until there are none; returns ids."""
    chosen = []
    for _, job_id, place in heapq.merge(
        *(_ranked(session, claim, lane, place, room.of(lane)) for place, lane in enumerate(lanes))
    ):
        if room.of(lanes[place]) > 0:
            room.give(lanes[place])
            chosen.append(job_id)
    return chosen


def _ranked(
    session: Session, claim: Claim, lane: _Queued, place: int, count: int
) -> list[tuple[tuple[int, int], int, int]]:
    found = session.all("candidates", _parameters(claim, lane, count))
    return [((-ahead, -priority), job_id, place) for ahead, priority, job_id in found]


def _parameters(claim: Claim, lane: _Queued, count: int) -> dict[str, object]:
    return {
        "queue": lane.queue,
        "lane": lane.text,
        "house": claim.house,
        "tasks": rows.encode(claim.tasks).decode(),
        "count": count,
    }


def _take_from(session: Session, claim: Claim, lane: _Queued, count: int) -> list[Job]:
    """Take the first jobs of a lane. Whether one went ahead is not in its row any more."""
    jobs = session.jobs("claim", _parameters(claim, lane, count) | _owner(claim))
    return sorted(jobs, key=lambda job: (-job.priority, job.id))


def _take(session: Session, claim: Claim, ids: list[int]) -> list[Job]:
    """Take these jobs; returned as they are listed."""
    taken = {}
    if ids:
        found = session.jobs("take", _owner(claim) | {"ids": rows.encode(ids).decode()})
        taken = {job.id: job for job in found}
    return [taken[job_id] for job_id in ids]


def _owner(claim: Claim) -> dict[str, object]:
    known = asdict(claim)
    return {name: known[name] for name in ("worker", "lease_until", "now")}


def _record(session: Session, claim: Claim, jobs: list[Job]) -> None:
    """Write the events, and what the jobs now hold."""
    session.many("insert_event", [rows.claim_event_row(job, claim.now, claim.by) for job in jobs])
    session.changed += [job.id for job in jobs]
    for queue, count in Counter(job.queue for job in jobs).items():
        session.count(queue, State.QUEUED, -count)
        session.count(queue, State.RUNNING, count)
    holds, begun = [], dict[tuple[str, Rate], int]()
    for job in jobs:
        if not job.lane:
            continue
        lane = lane_of(job.lane)
        holds += [(name, job.id) for name in lane.limits]
        for name, rate in lane.rates.items():
            begun[name, rate] = begun.get((name, rate), 0) + 1
    session.many("hold", holds)
    for (name, rate), count in begun.items():
        _note_begun(session, name, rate, count, claim.now)


def _note_begun(session: Session, name: str, rate: Rate, count: int, now: float) -> None:
    first, last = pace.window(rate, now)
    session.do("forget_begun", {"name": name, "first": first, "last": last})
    session.do("begin", {"name": name, "slice": pace.slice_of(rate, now), "jobs": count})
