"""Many starts in one request, `POST /v1/jobs`: each with its own outcome, or all as one group.

`[{"task": …, "params": {…}, "options": {…}}, …]`, or the same list as `jobs` beside
`"group": true`. Of a list each item is started or refused by itself, and the answer says what
became of each, in order. A group is stored as a whole or refused as a whole.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from offload.errors import Draining, Fault, InvalidParameters, OffloadError, UnknownTask
from offload.http import answers, groups
from offload.http.body import read_body, read_value
from offload.http.door import Door, asker
from offload.http.permits import spend
from offload.http.starting import Prepared, StartedJob, prepare, started
from offload.shapes import write
from offload.wire.answers import ACCEPTED_RETRY_SECONDS
from offload.wire.problems import KINDS, Problem, document, kind_of
from offload.wire.query import read_no_query
from offload.wire.wishes import digest_of_all, idempotency_key

MOST_JOBS = 1000

FACE = "POST /v1/jobs"

_MEMBERS = ("jobs", "group")


class Outcomes(Struct, frozen=True):
    """What became of each item, in order: a `StartedJob`, or a problem document.

    Attributes:
        started: how many have a job, be it one that was there before by its unique key.
        refused: how many have none.
    """

    items: list[StartedJob | Raw]
    started: int
    refused: int


class StartedGroup(Struct, frozen=True):
    """A group that was accepted; `jobs` are the ids, one for each item."""

    group: int
    jobs: tuple[int, ...]
    links: dict[str, str]


async def start(door: Door, request: Request) -> Response:
    """Start many jobs."""
    read_no_query(request.scope["query_string"])
    if door.draining:
        raise Draining("the server is stopping and starts nothing new; try again soon")
    items, grouped = _read(await read_value(await read_body(request)))
    spend(request, len(items) - 1)
    if grouped:
        return await _group(door, request, items)
    return await _each(door, request, items)


def _read(said: object) -> tuple[Sequence[object], bool]:
    """Return the items, and whether they are to be a group.

    Raises:
        Problem: invalid-parameters: it is neither a list nor an object with one.
    """
    body: Mapping[str, Any] = said if isinstance(said, dict) else {"jobs": said}
    faults = [Fault(name, "unexpected") for name in body if name not in _MEMBERS]
    items, grouped = body.get("jobs"), body.get("group", False)
    if not isinstance(items, list):
        faults.append(Fault("jobs", 'expected a list of {"task": …, "params": …, "options": …}'))
    elif not 0 < len(items) <= MOST_JOBS:
        faults.append(Fault("jobs", f"expected 1 to {MOST_JOBS} of them, got {len(items)}"))
    if not isinstance(grouped, bool):
        faults.append(Fault("group", "expected true or false"))
    if faults or not isinstance(items, list):
        raise _invalid(faults)
    return items, bool(grouped)


async def _prepare(door: Door, item: object) -> Prepared:
    """Check one item.

    Raises:
        UnknownTask: there is no such task.
        Problem, InvalidParameters: it does not fit.
    """
    if not isinstance(item, dict) or not isinstance(item.get("task"), str):
        raise _invalid([Fault("task", "expected an object with the name of a task as `task`")])
    found = door.app.find(item["task"])
    return await prepare(door, found, {name: item[name] for name in item if name != "task"})


# --- each by itself


async def _each(door: Door, request: Request, items: Sequence[object]) -> Response:
    key = idempotency_key(request.headers)
    checked = [await _checked(door, item) for item in items]
    fitting = [each for each in checked if isinstance(each, Prepared)]
    sum_of_all = digest_of_all(FACE, [(each.job, each.options) for each in fitting])
    starts = [
        _start(door, request, each, _key_of(key, place), sum_of_all)
        for place, each in enumerate(fitting)
    ]
    # The very first start of a program writes its queue's settings before; the others must not
    # overtake it. They are asked for together, so that one transaction stores them all.
    first = [await each for each in starts[:1]]
    outcomes = iter([*first, *await asyncio.gather(*starts[1:])])
    answered = [next(outcomes) if isinstance(each, Prepared) else each for each in checked]
    await door.hire(*(each.job for each in fitting))
    return _answer(request.scope["path"], answered)


async def _checked(door: Door, item: object) -> Prepared | OffloadError:
    try:
        return await _prepare(door, item)
    except OffloadError as error:
        return error


async def _start(
    door: Door, request: Request, prepared: Prepared, key: str | None, digest: bytes
) -> StartedJob | OffloadError:
    asked_at = door.app.now()
    admitting = door.app.admitting((prepared.job,), asker(request), key, digest)
    try:
        inserted = await door.app.perform(admitting)
    except OffloadError as error:
        return error
    job_id = inserted.ids[0]
    known = None if inserted.repeated else await door.known(prepared.job, job_id, asked_at)
    if known is None:
        return started(job_id, prepared)
    state = door.app.shown(known)
    return replace(started(known.id, prepared), state=state, changed=False)


def _key_of(key: str | None, place: int) -> str | None:
    """Return the key of one item: the first has the client's, no other one can be a client's."""
    return key if key is None or place == 0 else f"{key} {place}"


def _answer(instance: str, outcomes: Sequence[StartedJob | OffloadError]) -> Response:
    """Answer 202 where all were started, else 207: look at each.

    Raises:
        OffloadError: the server could start none of them.
    """
    refusals = [each for each in outcomes if isinstance(each, OffloadError)]
    failures = [each for each in refusals if KINDS[kind_of(each)].status >= 500]
    if failures and len(refusals) == len(outcomes):
        raise failures[0]
    items: list[StartedJob | Raw] = [
        Raw(document(each, instance)[0]) if isinstance(each, OffloadError) else each
        for each in outcomes
    ]
    answer = Outcomes(items, len(items) - len(refusals), len(refusals))
    return answers.json(write(answer), 207 if refusals else 202)


# --- as a group


async def _group(door: Door, request: Request, items: Sequence[object]) -> Response:
    key = idempotency_key(request.headers)
    prepared = await _all(door, items)
    jobs = tuple(each.job for each in prepared)
    sum_of_all = digest_of_all(f"{FACE} group", [(each.job, each.options) for each in prepared])
    admitting = door.app.admitting(jobs, asker(request), key, sum_of_all, grouped=True)
    inserted = await door.app.perform(admitting)
    await door.hire(*jobs)
    assert inserted.group is not None
    location = groups.path(inserted.group)
    links = {
        "self": location,
        "jobs": f"/v1/jobs?group={inserted.group}",
        "cancel": f"{location}/cancel",
    }
    headers = {"location": location, "retry-after": ACCEPTED_RETRY_SECONDS}
    return answers.json(write(StartedGroup(inserted.group, inserted.ids, links)), 202, headers)


async def _all(door: Door, items: Sequence[object]) -> list[Prepared]:
    """Check all items; all that is wrong with any of them is told at once.

    Raises:
        Problem: invalid-parameters, with each fault as `jobs[3].params.a`.
    """
    checked = [await _checked(door, item) for item in items]
    faults = [
        Fault(f"jobs[{place}].{fault.parameter}", fault.problem)
        for place, each in enumerate(checked)
        if isinstance(each, OffloadError)
        for fault in _faults(each)
    ]
    if faults:
        raise _invalid(faults)
    return [each for each in checked if isinstance(each, Prepared)]


def _faults(error: OffloadError) -> Sequence[Fault]:
    match error:
        case InvalidParameters(faults=faults) | Problem(faults=faults):
            return faults
        case UnknownTask():
            return [Fault("task", str(error))]
    raise error


def _invalid(faults: Sequence[Fault]) -> Problem:
    listed = "; ".join(f"{fault.parameter}: {fault.problem}" for fault in faults)
    return Problem("invalid-parameters", listed, faults=faults)
