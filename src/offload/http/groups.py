"""Groups under `/v1/groups`: jobs that were started together, looked at and stopped as one."""

from collections.abc import Awaitable, Callable

from msgspec import UNSET, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from offload import verbs
from offload.errors import JobError, KeyTaken, QueueFull
from offload.http import answers
from offload.http.asking import reason_of
from offload.http.body import read_nothing
from offload.http.door import Door, asker
from offload.model import FINISHED, State, Wish
from offload.shapes import ProgressShape, instant, write
from offload.wire.problems import Problem
from offload.wire.query import job_id_of, read_no_query

_MOST = 2**31


class GroupShape(Struct, frozen=True):
    """A group as programs see it.

    Attributes:
        size: how many jobs were started.
        done: whether all of them have ended.
        counts: how many of those that are kept are in each stored state.
        progress: how many have ended, of all; one that is no longer kept has ended.
        changed: how many jobs the request that is answered has changed.
        links: what can be done with the group now.
    """

    id: int
    size: int
    done: bool
    counts: dict[State, int]
    progress: ProgressShape
    created_at: str
    links: dict[str, str]
    changed: int | UnsetType = UNSET


def path(group_id: int) -> str:
    """Return where a group is found over HTTP."""
    return f"/v1/groups/{group_id}"


async def show(door: Door, request: Request) -> Response:
    """Show a group: its counts, and how far it has come."""
    read_no_query(request.scope["query_string"])
    return answers.json(write(await _shape(door, _id(request))))


async def cancel(door: Door, request: Request) -> Response:
    """Ask for all jobs of a group that have not ended to be cancelled."""
    return await _change(door, request, _cancel)


async def pause(door: Door, request: Request) -> Response:
    """Ask for all jobs of a group that have not ended to stand still."""
    return await _change(door, request, _pause)


async def resume(door: Door, request: Request) -> Response:
    """Let all paused jobs of a group go on."""
    return await _change(door, request, _resume)


async def retry(door: Door, request: Request) -> Response:
    """Try all jobs of a group that failed anew."""
    return await _change(door, request, _retry)


_Act = Callable[[Door, Request, int], Awaitable[int]]


async def _change(door: Door, request: Request, act: _Act) -> Response:
    """Answer 202 while something is under way, 200 where all has ended."""
    read_no_query(request.scope["query_string"])
    group_id = _id(request)
    changed = await act(door, request, group_id)
    shape = await _shape(door, group_id, changed)
    return answers.json(write(shape), 200 if shape.done else 202, {"location": path(group_id)})


async def _pause(door: Door, request: Request, group_id: int) -> int:
    app, reason = door.app, await reason_of(request)
    return await app.perform(app.asking_group(group_id, Wish.PAUSE, asker(request), reason))


async def _resume(door: Door, request: Request, group_id: int) -> int:
    await read_nothing(request)
    app = door.app
    return await app.perform(app.asking_group(group_id, Wish.RESUME, asker(request)))


async def _cancel(door: Door, request: Request, group_id: int) -> int:
    await read_nothing(request)
    app = door.app
    return await app.perform(app.asking_group(group_id, Wish.CANCEL, asker(request)))


async def _retry(door: Door, request: Request, group_id: int) -> int:
    """Try one after the other; where there is no room for more, those before go on.

    Raises:
        QueueFull, KeyTaken: not one could be tried anew.
        UnknownGroup: there is no such group.
    """
    await read_nothing(request)
    await door.app.aget_group(group_id)
    failed = await door.app.alist(states=[State.FAILED], group=group_id, limit=_MOST)
    tried, refusal = [], None
    for job in reversed(failed):
        try:
            tried.append(await door.app.perform(door.app.retrying(job.id, asker(request))))
        except (QueueFull, KeyTaken) as error:
            refusal = error
        except JobError:  # somebody else has tried it meanwhile, or it is gone
            continue
        if isinstance(refusal, QueueFull):
            break
    if refusal is not None and not tried:
        raise refusal
    await door.hire(*tried)
    return len(tried)


async def _shape(door: Door, group_id: int, changed: int | UnsetType = UNSET) -> GroupShape:
    group = await door.app.perform(verbs.group(group_id))
    unfinished = sum(count for state, count in group.counts.items() if state not in FINISHED)
    return GroupShape(
        id=group.id,
        size=group.jobs,
        done=unfinished == 0,
        counts=group.counts,
        progress=ProgressShape(group.jobs - unfinished, group.jobs, None, "job"),
        created_at=instant(group.created_at),
        links=_links(group.id, group.counts, unfinished),
        changed=changed,
    )


def _links(group_id: int, counts: dict[State, int], unfinished: int) -> dict[str, str]:
    itself = path(group_id)
    links = {"self": itself, "jobs": f"/v1/jobs?group={group_id}"}
    if unfinished:
        links |= {verb: f"{itself}/{verb}" for verb in ("cancel", "pause")}
    if counts.get(State.PAUSED):
        links["resume"] = f"{itself}/resume"
    if counts.get(State.FAILED):
        links["retry"] = f"{itself}/retry"
    return links


def _id(request: Request) -> int:
    """Return the group id of a path.

    Raises:
        Problem: invalid-id, as 404: there is nothing at such an address.
    """
    text = request.path_params["id"]
    group_id = job_id_of(text)
    if group_id is None:
        raise Problem("invalid-id", f"no group has an id like {text!r}", status=404)
    return group_id
