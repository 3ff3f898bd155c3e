"""`POST /v1/jobs/cancel|pause|resume|retry`: one verb for all jobs that a filter leaves.

The server goes through them page by page and answers with counts. One request looks at 10,000 jobs
or lasts five seconds, whichever comes first; `next_cursor` says where the next one goes on. The
names of the filter are those of a list's query.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from offload.bulk import Bulk, Done, carry_out
from offload.errors import Fault, InvalidParameters
from offload.http import answers
from offload.http.body import read_body, read_object
from offload.http.door import Door, asker
from offload.http.listing import cursor_of, filter_of
from offload.model import Wish
from offload.shapes import write
from offload.signature import Signature
from offload.verbs import Act, checked_reason
from offload.wire.problems import ERRORS
from offload.wire.query import invalid, read_no_query
from offload.wire.reason import Reason, checked

_Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class FilterShape(Struct, frozen=True, forbid_unknown_fields=True):
    """Which jobs. Nothing said is all of those that the verb is about.

    Attributes:
        state: stored states, with a comma between them.
        task: jobs of this task.
        queue: jobs of this queue.
        worker: jobs that this worker has, by its id; of finished ones those that it had last.
        tag: jobs with this tag.
        group: jobs of this group, by its id.
        since: jobs started at this instant or later (RFC 3339), or within a time, such as 24h.
        q: words, looked for in the newest 10,000 jobs.
        ids: only these; nothing else can be said with them.
    """

    state: str = ""
    task: str | None = None
    queue: str | None = None
    worker: str = ""
    tag: str | None = None
    group: str = ""
    since: str = ""
    q: str = ""
    ids: Annotated[list[_Id], Meta(max_length=10_000)] | None = None


class BulkShape(Struct, frozen=True):
    """What came of it, or would.

    Attributes:
        preview: nothing was changed, only counted.
        matched: the jobs that it looked at; `changed`, `unchanged` and all that were refused.
        changed: those that it changed, or would change.
        unchanged: those that were so already.
        refused: the others, by the kind of problem.
        next_cursor: where the next request goes on; null when all were looked at.
    """

    preview: bool
    matched: int
    changed: int
    unchanged: int
    refused: dict[str, int]
    next_cursor: str | None


def _asking(
    filter: FilterShape, *, preview: bool = False, reason: Reason | None = None, cursor: str = ""
) -> None:
    """What is asked of many jobs.

    Args:
        filter: which jobs; {} is all of those that the verb is about.
        preview: only count what would be changed.
        reason: why they are paused, for whoever looks at them.
        cursor: the next_cursor of the answer before.
    """


ASKING = Signature.of(_asking, task="jobs")


async def cancel(door: Door, request: Request) -> Response:
    """Cancel all jobs that a filter leaves."""
    return await _carry_out(door, request, Wish.CANCEL)


async def pause(door: Door, request: Request) -> Response:
    """Pause all jobs that a filter leaves."""
    return await _carry_out(door, request, Wish.PAUSE)


async def resume(door: Door, request: Request) -> Response:
    """Let all paused jobs that a filter leaves go on."""
    return await _carry_out(door, request, Wish.RESUME)


async def retry(door: Door, request: Request) -> Response:
    """Try all failed or cancelled jobs that a filter leaves anew."""
    return await _carry_out(door, request, None)


async def _carry_out(door: Door, request: Request, wish: Wish | None) -> Response:
    read_no_query(request.scope["query_string"])
    said = checked(ASKING, await read_object(await read_body(request)))
    bulk = _bulk(door, said, wish)
    done = await door.app.perform(carry_out(bulk, Act(asker(request), door.app.now)))
    await door.hire_of(done.begun)
    return answers.json(write(_shape(done, preview=bulk.preview)))


def _bulk(door: Door, said: dict[str, Any], wish: Wish | None) -> Bulk:
    """Read the body.

    Raises:
        Problem: invalid-parameters.
    """
    asked = asdict(said["filter"])
    ids = asked.pop("ids")
    given = {name: value for name, value in asked.items() if value}
    if ids is not None and given:
        faults = [Fault(f"filter.{name}", "ids say which jobs already") for name in given]
        raise invalid(InvalidParameters("jobs", faults))
    return Bulk(
        filter_of(door, given),
        ids=None if ids is None else tuple(ids),
        wish=wish,
        reason=checked_reason(said.get("reason")),
        preview=said.get("preview", False),
        before=cursor_of(said.get("cursor", "")),
    )


def _shape(done: Done, *, preview: bool) -> BulkShape:
    return BulkShape(
        preview=preview,
        matched=done.matched,
        changed=done.changed,
        unchanged=done.unchanged,
        refused={ERRORS[kind]: count for kind, count in done.refused.items()},
        next_cursor=None if done.before is None else str(done.before),
    )
