"""A token for one job, for a short time: what a page of yours may hold to show that job.

It is signed and not stored (`access.slips`), so giving one changes nothing. It opens no more than
its giver could look at, and ends with the giver's own token.
"""

from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from offload import keyring
from offload.access.ring import SERVERS_OWN
from offload.access.slips import LONGEST_SECONDS, USUAL_SECONDS, write_slip
from offload.errors import Fault
from offload.http import answers
from offload.http.body import read_body, read_object
from offload.http.door import Door, path_id
from offload.http.permits import visitor_of
from offload.shapes import instant, write
from offload.units import seconds
from offload.wire.problems import Problem
from offload.wire.query import read_no_query


class JobToken(Struct, frozen=True):
    """A token for one job.

    Attributes:
        token: to be shown as `Authorization: Bearer …`, or in an address as `?access_token=…`.
        expires_at: from when on it opens nothing.
        job: the only job that it shows.
    """

    token: str
    expires_at: str
    job: int


async def give(door: Door, request: Request) -> Response:
    """Give a token that shows one job for a time: an hour, unless something else is said."""
    read_no_query(request.scope["query_string"])
    job_id = path_id(request)
    lasts = _lasts(await read_object(await read_body(request)))
    await door.app.aread_job(job_id)
    known = await door.app.perform(keyring.known(door.app.now()))
    assert known is not None
    visitor = visitor_of(request.scope)
    expires_at = int(door.app.now() + lasts)
    giver, digest = (SERVERS_OWN, b"") if visitor is None else (visitor.giver, visitor.digest)
    token = write_slip(known.secret, job_id, expires_at, giver, digest)
    given = JobToken(token, instant(expires_at), job_id)
    return answers.json(write(given), 201)


def _lasts(said: dict[str, Any]) -> float:
    """Return for how long it is to last.

    Raises:
        Problem: invalid-parameters.
    """
    faults = [Fault(name, "unexpected") for name in said if name != "expires"]
    lasts = USUAL_SECONDS
    try:
        lasts = seconds(said.get("expires", USUAL_SECONDS))
    except ValueError as error:
        faults.append(Fault("expires", str(error)))
    if not 1 <= lasts <= LONGEST_SECONDS:
        faults.append(Fault("expires", "expected a time from 1s to 24h"))
    if faults:
        listed = "; ".join(f"{fault.parameter}: {fault.problem}" for fault in faults)
        raise Problem("invalid-parameters", listed, faults=faults)
    return lasts
