"""A query string, read strictly: whatever could be understood in two ways is refused."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from offload.errors import InvalidParameters
from offload.signature import Signature
from offload.wire.problems import Problem

MOST_PARAMETERS = 1000

Pairs = list[tuple[str, str]]

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_JOB_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_HIGHEST_ID = 2**63 - 1


def read_query(raw: bytes) -> Pairs:
    """Return the names and values of a query string in their order.

    Raises:
        Problem: malformed-request: an escape that is none, bytes that are not UTF-8, or more than
            1,000 parameters.
    """
    if not raw:
        return []
    pieces = [piece for piece in raw.split(b"&") if piece]
    if len(pieces) > MOST_PARAMETERS:
        raise Problem("malformed-request", f"more than {MOST_PARAMETERS} parameters were given")
    return [(_text(name), _text(value)) for name, _, value in (p.partition(b"=") for p in pieces)]


def _text(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        if _BAD_ESCAPE.search(raw):
            raise Problem("malformed-request", "a % in the query is not followed by two hex digits")
        raw = unquote_to_bytes(raw)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Problem("malformed-request", "the query is not UTF-8") from None


def refuse_repeated(repeated: Iterable[str]) -> None:
    """Refuse names that stand twice where one value is wanted.

    Raises:
        Problem: malformed-request: there is one.
    """
    for name in repeated:
        raise Problem("malformed-request", f"the parameter {name!r} is given more than once")


def read_by(signature: Signature, raw: bytes) -> dict[str, Any]:
    """Return the values of a query string, each as the signature says.

    Raises:
        Problem: malformed-request, or invalid-parameters with every fault.
    """
    pairs = read_query(raw)
    refuse_repeated(signature.repeated(pairs))
    try:
        return signature.call_arguments(signature.check_text(pairs))[1]
    except InvalidParameters as error:
        raise invalid(error) from None


def invalid(error: InvalidParameters) -> Problem:
    """Return the problem for parameters of a route, not of a task."""
    listed = "; ".join(f"{fault.parameter}: {fault.problem}" for fault in error.faults)
    return Problem("invalid-parameters", listed, faults=error.faults)


def read_no_query(raw: bytes) -> None:
    """Refuse parameters where there are none to give.

    Raises:
        Problem: malformed-request, or invalid-parameters.
    """
    read_by(_NOTHING, raw)


def read_id(raw: bytes) -> int:
    """Return the job id of a query `id=7`.

    Raises:
        Problem: malformed-request; invalid-parameters: something else was given too; invalid-id.
    """
    ids = read_by(ID, raw)
    if "id" not in ids:
        raise Problem("invalid-id", "say which job: ?id=7")
    job_id = job_id_of(ids["id"])
    if job_id is None:
        raise Problem("invalid-id", "an id is a number from 1 on, written in the digits 0 to 9")
    return job_id


def job_id_of(text: str) -> int | None:
    """Read a job id; None if it is none. `int()` would take ` 7`, `1_0` and Arabic digits."""
    if _JOB_ID.fullmatch(text) is None:
        return None
    job_id = int(text)
    return job_id if job_id <= _HIGHEST_ID else None


def _id(*, id: str = "") -> None:
    """What the brief's routes are asked."""


def _nothing() -> None:
    """What most routes are asked."""


ID = Signature.of(_id, task="id")
_NOTHING = Signature.of(_nothing, task="nothing")
