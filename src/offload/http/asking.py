"""What may be asked of one job: to cancel it, to pause it and to let it go on; `/v1` and brief."""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from offload.errors import AlreadyFinished
from offload.http import answers
from offload.http.body import read_body, read_nothing, read_object
from offload.http.door import Door, asker, path_id
from offload.model import Job, Wish
from offload.wire import answers as wire
from offload.wire.query import read_id, read_no_query
from offload.wire.reason import read_reason
from offload.wire.wishes import preferences


async def cancel(door: Door, request: Request) -> Response:
    """Ask for a job to be cancelled."""
    job_id = _path_id(request)
    await read_nothing(request)
    return await _answer(door, request, job_id, Wish.CANCEL, for_brief=False)


async def pause(door: Door, request: Request) -> Response:
    """Ask for a job to stand still."""
    job_id = _path_id(request)
    reason = await reason_of(request)
    return await _answer(door, request, job_id, Wish.PAUSE, reason, for_brief=False)


async def resume(door: Door, request: Request) -> Response:
    """Let a paused job go on."""
    job_id = _path_id(request)
    await read_nothing(request)
    return await _answer(door, request, job_id, Wish.RESUME, for_brief=False)


async def cancel_by_query(door: Door, request: Request) -> Response:
    """Ask for a job to be cancelled: `?id=7`."""
    job_id = read_id(request.scope["query_string"])
    await read_nothing(request)
    return await _answer(door, request, job_id, Wish.CANCEL, for_brief=True)


async def pause_by_query(door: Door, request: Request) -> Response:
    """Ask for a job to stand still: `?id=7`."""
    job_id = read_id(request.scope["query_string"])
    reason = await reason_of(request)
    return await _answer(door, request, job_id, Wish.PAUSE, reason, for_brief=True)


async def resume_by_query(door: Door, request: Request) -> Response:
    """Let a paused job go on: `?id=7`."""
    job_id = read_id(request.scope["query_string"])
    await read_nothing(request)
    return await _answer(door, request, job_id, Wish.RESUME, for_brief=True)


async def reason_of(request: Request) -> str | None:
    """Return the reason that a body may give.

    Raises:
        Problem: invalid-parameters, or the body cannot be read.
    """
    return read_reason(await read_object(await read_body(request)))


class _Asked(Struct, frozen=True):
    """What became of a request: the job, and whether the request changed anything."""

    job: Job
    changed: bool
    lenient: bool


async def _answer(
    door: Door,
    request: Request,
    job_id: int,
    wish: Wish,
    reason: str | None = None,
    *,
    for_brief: bool,
) -> Response:
    asked = await _ask(door, request, job_id, wish, reason)
    shape = await answers.shape_of(door, asked.job, for_brief=for_brief, changed=asked.changed)
    return answers.response(wire.asked(shape, wish, lenient=asked.lenient))


async def _ask(door: Door, request: Request, job_id: int, wish: Wish, reason: str | None) -> _Asked:
    """Ask something of a job.

    Raises:
        AlreadyFinished: it has an outcome, and the client did not prefer to be spared.
        NotPausable, BeingCancelled: it cannot be paused.
        UnknownJob, Evicted: there is no such job.
    """
    app = door.app
    try:
        job, changed = await app.perform(app.asking(job_id, wish, asker(request), reason))
    except AlreadyFinished:
        if not preferences(request.headers).lenient:
            raise
        return _Asked(await app.aread_job(job_id), changed=False, lenient=True)
    if wish is Wish.RESUME and changed:
        await door.hire(job)
    return _Asked(job, changed, lenient=False)


def _path_id(request: Request) -> int:
    read_no_query(request.scope["query_string"])
    return path_id(request)
