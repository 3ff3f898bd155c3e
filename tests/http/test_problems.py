"""The table of problems: every error of the rooms below has its place in it."""

import re

import pytest
from msgspec.structs import asdict

from offload import errors
from offload.errors import OffloadError, QueryTooSlow, StoreError, StoreUnavailable
from offload.http.problems import ERRORS, KINDS, Problem, answer, kind_of
from offload.model import Error
from offload.values import decode


def _leaves(kind: type[OffloadError]) -> set[type[OffloadError]]:
    below = {sub for sub in kind.__subclasses__() if sub.__module__ == errors.__name__}
    return set().union(*(_leaves(each) for each in below)) if below else {kind}


NOT_MET_BY_A_REQUEST = {
    errors.InvalidTask,
    errors.NotSerializable,
    errors.Undecodable,
    errors.ConfigError,
    errors.Fatal,
}
"""Met when tasks are registered, jobs run or the server starts; at this door a fault of ours."""


def test_every_error_that_a_request_can_meet_has_its_kind() -> None:
    assert _leaves(OffloadError) - NOT_MET_BY_A_REQUEST <= ERRORS.keys()
    assert set(ERRORS.values()) <= KINDS.keys()


def test_kinds_are_named_as_their_errors_are() -> None:
    alone = {kind: name for kind, name in ERRORS.items() if list(ERRORS.values()).count(name) == 1}

    for kind, name in alone.items():
        assert re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower() == name


def test_a_kind_is_5xx_only_where_the_server_is_at_fault() -> None:
    ours = {name for name, kind in KINDS.items() if kind.status >= 500}
    never = {"internal-error", "store-uncertain"}  # not known to be safe to repeat

    assert ours == {
        "internal-error",
        "server-unreachable",
        "draining",
        "too-many-connections",
        "store-unavailable",
        "store-uncertain",
        "query-too-slow",
    }
    assert {KINDS[name].retry_after is None for name in ours - never} == {False}


@pytest.mark.promise("S25")
def test_what_the_server_could_not_do_is_logged_and_not_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = StoreError("select * from job; /srv/secret/jobs.db")

    response = answer(error, "/status")

    assert response.status_code == 500
    assert b"secret" not in bytes(response.body)
    assert "secret" in caplog.text


def test_a_cause_is_logged_once_a_second_at_most(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(100):
        answer(QueryTooSlow("it took 5 s"), "/v1/jobs")

    assert len(caplog.records) <= 2


def test_a_store_that_does_not_answer_invites_to_come_again() -> None:
    for error in (StoreUnavailable(), QueryTooSlow()):
        response = answer(error, "/status")

        assert (response.status_code, response.headers["retry-after"]) == (503, "1")


def test_a_paused_job_s_missing_result_invites_nobody_to_come_again() -> None:
    paused = answer(errors.NotFinished(7, "paused"), "/result")
    running = answer(errors.NotFinished(7, "running"), "/result")

    assert "retry-after" not in paused.headers
    assert running.headers["retry-after"] == "1"


def test_a_document_has_the_members_of_rfc_9457_and_our_own() -> None:
    error = Error(code="exception", message="m", type="E", traceback="t")

    document = decode(bytes(answer(errors.JobFailed(7, "add", error), "/result").body))

    assert document == {
        "type": "/problems/job-failed",
        "title": KINDS["job-failed"].title,
        "status": 409,
        "detail": "job 7 (add) failed: E: m",
        "instance": "/result",
        "id": 7,
        "state": "failed",
        "task": "add",
        "error": asdict(error) | {"retryable": True},
    }


def test_an_error_that_is_not_in_the_table_is_a_fault_of_ours() -> None:
    assert kind_of(errors.InvalidTask()) == "internal-error"
    assert kind_of(Problem("not-found", "x")) == "not-found"
