"""Lists of jobs: what can be asked of one, and the page that answers it."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from offload.errors import Fault, InvalidParameters, UnknownTask
from offload.filters import Filter, Terms, terms_of
from offload.filters import page as page_of
from offload.http.door import Door
from offload.model import State
from offload.shapes import JobShape, job_shape
from offload.signature import Signature
from offload.units import since
from offload.wire.query import invalid, job_id_of, read_by

MOST_JOBS = 500


class Page(Struct, frozen=True):
    """Some of many, and where the rest begins; null when there is no rest.

    A page may hold fewer than were asked for, or none, and still have a rest: a page looks at so
    many jobs and no more.
    """

    items: list[JobShape]
    next_cursor: str | None


def _listing(
    *,
    state: str = "",
    task: str | None = None,
    queue: str | None = None,
    worker: str = "",
    tag: str | None = None,
    group: str = "",
    since: str = "",
    q: str = "",
    limit: Annotated[int, Meta(ge=1)] = 100,
    cursor: str = "",
) -> None:
    """What a list of jobs can be asked.

    Args:
        state: stored states, with a comma between them.
        task: jobs of this task.
        queue: jobs of this queue.
        worker: jobs that this worker has, by its id; of finished ones those that it had last.
        tag: jobs with this tag.
        group: jobs of this group, by its id.
        since: jobs started at this instant or later (RFC 3339), or within a time, such as 24h.
        q: words that a job has in its task, parameters, error, tags, owner or key, or its id;
            also param.name:value and error:word. Looked for in the newest 10,000 jobs.
        limit: how many at most; 500 is the most.
        cursor: the next_cursor of the page before.
    """


LISTING = Signature.of(_listing, task="jobs")


async def page(door: Door, query: bytes) -> Page:
    """Return a page of jobs, newest first.

    Raises:
        Problem: malformed-request, or invalid-parameters with every fault.
    """
    asked = read_by(LISTING, query)
    limit = min(asked.get("limit", 100), MOST_JOBS)
    before = cursor_of(asked.get("cursor", ""))
    # One more than is shown tells whether there is a next page.
    listed = await door.app.perform(page_of(filter_of(door, asked), limit + 1, before))
    now, shown = door.app.now(), listed.jobs[:limit]
    reasons = await door.reasons(shown)
    items = [
        job_shape(job, now, reason, in_list=True)
        for job, reason in zip(shown, reasons, strict=True)
    ]
    rest = shown[-1].id if len(listed.jobs) > limit else listed.before
    return Page(items, None if rest is None else str(rest))


def filter_of(door: Door, asked: Mapping[str, Any]) -> Filter:
    """Return what a query, or the body of a bulk operation, asks for.

    Raises:
        Problem: invalid-parameters.
    """
    return Filter(
        states=_states(asked.get("state", "")),
        task=_own_name(door, asked.get("task")),
        queue=asked.get("queue"),
        tag=asked.get("tag"),
        group=_id("group", asked.get("group", ""), "the id of a group"),
        worker=_id("worker", asked.get("worker", ""), "the id of a worker"),
        since=_since(asked.get("since", ""), door.app.now()),
        terms=_terms(asked.get("q", "")),
    )


def cursor_of(text: str) -> int | None:
    """Read where a page begins.

    Raises:
        Problem: invalid-parameters.
    """
    return _id("cursor", text, "the next_cursor of a page before")


def _terms(text: str) -> Terms:
    try:
        return terms_of(text)
    except ValueError as error:
        raise _fault("q", str(error)) from None


def _states(text: str) -> tuple[State, ...]:
    """Read `queued,running`."""
    names = text.split(",") if text else []
    try:
        return tuple(State(name) for name in names)
    except ValueError:
        known = ", ".join(State)
        raise _fault(
            "state",
            f"expected some of {known}, with a comma between them "
            "(a scheduled job counts as queued, a cancelling or waiting one as running)",
        ) from None


def _own_name(door: Door, name: str | None) -> str | None:
    """Return the name that jobs of a task carry, also where it was asked for by an alias."""
    try:
        return None if name is None else door.app.find(name).name
    except UnknownTask:
        return name  # jobs of a task that is no longer registered are still there


def _id(name: str, text: str, what: str) -> int | None:
    found = job_id_of(text)
    if text and found is None:
        raise _fault(name, f"expected {what}")
    return found


def _since(text: str, now: float) -> float | None:
    """Read an instant, or a time that ends now."""
    try:
        return since(text, now) if text else None
    except ValueError as error:
        raise _fault("since", str(error)) from None


def _fault(name: str, problem: str) -> Exception:
    return invalid(InvalidParameters("jobs", [Fault(name, problem)]))
