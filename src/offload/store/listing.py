"""Pages of jobs: each looks at few rows, however many jobs are kept.

Five ways to the rows of a page:

- a stretch of ids, newest first: a page that is not full says where to go on;
- the index of groups, where one group is asked for;
- the index of what is owned, where one worker is asked for and only jobs that have not ended;
- the indexes of states that few jobs are in, so that three failed ones among a million are found;
- the newest 10,000 jobs, where free text is looked for.
"""

from typing import Any

from offload.model import Job, State
from offload.store import rows
from offload.store.base import List, Listed, Paged
from offload.store.session import Session

MAX_ID = (1 << 63) - 1

STRETCH = 50_000
"""How many ids a page looks at: 10 to 20 ms."""

SEARCHED = 10_000
"""How many of the newest jobs free text is looked for in."""

CLOCKS_DIFFER_SECONDS = 60.0
"""Ids are given out in the order of commits, instants by whoever asks: a little apart."""

_OWNED = frozenset({State.QUEUED, State.RUNNING, State.PAUSED})
"""The states of jobs that can be a worker's now; a finished one was its once."""

_WITH_AN_INDEX = (State.QUEUED, State.RUNNING, State.PAUSED, State.FAILED, State.CANCELLED)


def whole(session: Session, query: List) -> list[Job]:
    """Read a page that is full, whatever it takes; see `List`."""
    parameters = _parameters(query) | {"lowest": _first_since(session, query)}
    return _read(session, _indexed(query) or "page", parameters)


def paged(session: Session, query: Paged) -> Listed:
    """Read a page that looks at few rows; see `Paged`."""
    which = query.which
    parameters = _parameters(which) | {"lowest": _first_since(session, which)}
    if query.terms:
        parameters |= {
            "lowest": max(parameters["lowest"], _newest(session)),
            "terms": rows.encode(query.terms).decode(),
        }
        return _listed(which, _read(session, "page_of_text", parameters))
    if statement := _indexed(which):
        return _listed(which, _read(session, statement, parameters))
    if _are_few(session, which.states):
        asked = {str(state): state in which.states for state in _WITH_AN_INDEX}
        return _listed(which, _read(session, "page_of_few", parameters | asked))
    return _of_a_stretch(session, which, parameters)


def _indexed(which: List) -> str | None:
    """Name the statement that reads a page over an index of its own; None: there is none."""
    if which.group is not None:
        return "page_of_group"
    if which.worker is not None and which.states and _OWNED.issuperset(which.states):
        return "page_of_worker"
    return None


def _of_a_stretch(session: Session, which: List, parameters: dict[str, Any]) -> Listed:
    """Read what lies within some ids; ids that are not kept any more are passed over."""
    first = parameters["lowest"]
    newest = session.one("id_below", {"id": parameters["before"]})[0]
    if newest is None:
        return Listed([], None)
    lowest = max(first, newest + 1 - STRETCH)
    jobs = _read(session, "page", parameters | {"lowest": lowest})
    if len(jobs) == which.limit:
        return _listed(which, jobs)
    left = session.one("id_below", {"id": lowest})[0]
    return Listed(jobs, None if left is None or left < first else left + 1)


def _listed(which: List, jobs: list[Job]) -> Listed:
    """A full page may have a next one; one that is not full has none."""
    return Listed(jobs, jobs[-1].id if jobs and len(jobs) == which.limit else None)


def _read(session: Session, statement: str, parameters: dict[str, Any]) -> list[Job]:
    return [session.with_params(job) for job in session.jobs(statement, parameters)]


def _parameters(which: List) -> dict[str, Any]:
    return {
        "limit": which.limit,
        "before": MAX_ID if which.before is None else which.before,
        "states": rows.encode(which.states).decode() if which.states else None,
        "task": which.task,
        "queue": which.queue,
        "worker": which.worker,
        "tag": which.tag,
        "group": which.group,
        "since": which.since,
    }


def _are_few(session: Session, states: tuple[State, ...]) -> bool:
    """Whether the jobs in these states are fewer than a page looks at; the counters say so."""
    if not states or State.SUCCEEDED in states:
        return False
    counted: int = session.one("in_states", {"states": rows.encode(states).decode()})[0]
    return counted <= STRETCH


def _newest(session: Session) -> int:
    lowest: int | None = session.one("newest_ids", {"count": SEARCHED})[0]
    return lowest or 0


def _first_since(session: Session, which: List) -> int:
    """Find the id before which every job was started too early; some twenty looks among millions.

    Halving the ids finds it, since they rise with time, but for what clocks differ.
    """
    if which.since is None:
        return 0
    since = which.since - CLOCKS_DIFFER_SECONDS
    low, high = 0, session.issued() + 1
    while low < high:
        middle = (low + high) // 2
        found = session.one("created_at_or_after", {"id": middle})
        if found is None or found[1] >= since:
            high = middle
        else:
            low = found[0] + 1
    return low
