"""The shape of a job, from the record alone."""

import math

import pytest
from msgspec.structs import replace

from offload.model import Error, Progress, State
from offload.shapes import error_shape, instant, job_shape, number, progress_shape, write
from offload.values import decode
from tests.ideas.samples import QUEUED

JOB = replace(
    QUEUED,
    task="add",
    priority=0,
    created_at=0.0,
    owner=None,
    tags=(),
    params=b'{"a":1}',
    size=7,
)


@pytest.mark.promise("S8")
@pytest.mark.parametrize("result", [b"null", b"0", b'""', b"[]", b"false", b"9" * 5000])
def test_a_result_is_embedded_as_the_bytes_that_are_stored(result: bytes) -> None:
    job = replace(JOB, state=State.SUCCEEDED, result=result)

    assert b'"result":' + result + b',"error":null' in write(job_shape(job, 0.0, None))


def test_the_brief_s_names_stand_beside_those_of_v1() -> None:
    brief = write(job_shape(JOB, 0.0, None, for_brief=True, changed=False))

    assert brief.startswith(b'{"id":7,"task_id":7,"task":"add"')
    assert b'"state":"queued","status":"queued","changed":false,"done":false' in brief


def test_what_is_not_said_is_left_out() -> None:
    listed = decode(write(job_shape(JOB, 0.0, None, in_list=True)))

    assert isinstance(listed, dict)
    assert not listed.keys() & {"task_id", "status", "changed", "result", "error"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.1239, "2023-11-14T22:13:20.123Z"),
        (253_402_300_799.0, "9999-12-31T23:59:59.000Z"),
        (1e18, "9999-12-31T23:59:59.999Z"),
        (math.inf, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_instants_are_rfc_3339_in_utc_with_milliseconds(seconds: float, text: str) -> None:
    assert instant(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, b"3"),
        (0.5, b"0.5"),
        (-2.0, b"-2"),
        (1e300, b"1e300"),
        (2.0**53, b"9007199254740992.0"),
    ],
)
def test_whole_numbers_are_shown_as_such(value: float, text: bytes) -> None:
    assert write(number(value)) == text


def test_progress_has_all_its_members() -> None:
    shape = decode(write(progress_shape(Progress(done=1.0, unit="step"))))

    assert shape == {
        "done": 1,
        "total": None,
        "message": None,
        "unit": "step",
        "rate": None,
        "eta": None,
        "bars": [],
    }


@pytest.mark.parametrize(
    ("code", "retryable"),
    [("exception", True), ("lost", True), ("crash-loop", True), ("not-serializable", False)],
)
def test_an_error_says_whether_another_attempt_may_end_otherwise(
    code: str, retryable: bool
) -> None:
    shape = error_shape(Error(code=code, message="m"))

    assert shape is not None
    assert shape.retryable is retryable
    assert error_shape(None) is None
