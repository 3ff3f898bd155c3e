"""Start and result as the brief's routes have them: how they are asked, how they are answered."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct

from offload import verbs
from offload.lifecycle import Shown
from offload.model import Job
from offload.shapes import write
from offload.signature import Signature
from offload.wire.answers import ACCEPTED_RETRY_SECONDS, Answer, start_headers
from offload.wire.problems import Problem
from offload.wire.query import Pairs, refuse_repeated

START = "POST /start"
"""The route, as an idempotency key remembers it."""


class Started(Struct, frozen=True):
    """A start that was accepted."""

    id: int
    task_id: int
    task: str
    state: Shown
    status: Shown


class Result(Struct, frozen=True):
    """What a job has returned."""

    id: int
    task_id: int
    state: Shown
    status: Shown
    result: Raw


def check_params(signature: Signature, pairs: Pairs, said: Mapping[str, Any] | None) -> bytes:
    """Return the parameters of a start, checked and encoded.

    Args:
        signature: the task's.
        pairs: the query.
        said: the body; None if there was none.

    Raises:
        Problem: malformed-request: both say something, or a name stands twice.
        InvalidParameters: they do not fit.
    """
    if pairs and said is not None:
        raise Problem("malformed-request", "give the parameters in the query or in the body")
    if said is not None:
        return signature.check(dict(said))
    refuse_repeated(signature.repeated(pairs))
    return signature.check_text(pairs)


def accepted(
    job_id: int, task: str, location: str, waited: int | None = None, state: Shown = Shown.QUEUED
) -> Answer:
    """Answer a start: 202, where the job is found, and when to look again."""
    headers = start_headers(location, waited) | {"retry-after": ACCEPTED_RETRY_SECONDS}
    return Answer(202, write(Started(job_id, job_id, task, state, state)), headers)


def result(job: Job, shown: Shown) -> Answer:
    """Show what a job has returned; only one that has succeeded has a result.

    Raises:
        NotFinished, JobFailed, JobCancelled: it has none.
    """
    value, succeeded = verbs.value(job, shown), Shown.SUCCEEDED
    return Answer(200, write(Result(job.id, job.id, succeeded, succeeded, Raw(value))))
