"""Every problem that a server has, and the exception that it is here."""

import inspect
import json
from typing import Any

import pytest

from offload import errors
from offload.client import error_of
from offload.errors import Fault, OffloadError
from offload.model import Error
from offload.wire.problems import ERRORS, KINDS, Problem, document

OURS: dict[str, type[OffloadError]] = {
    **{name: errors.OffloadError for name in KINDS if name not in ERRORS.values()},
    "invalid-id": errors.UnknownJob,
    "internal-error": errors.StoreError,
    "too-many-connections": errors.StoreUnavailable,
    "unauthorized": errors.ConfigError,
    "forbidden": errors.ConfigError,
    "cross-site": errors.ConfigError,
    "wrong-host": errors.ConfigError,
}
"""Problems that no error of the rooms below stands for; a new one is an `OffloadError`."""

SAID: dict[str, Any] = {
    **{"job_id": 7, "group_id": 3, "gone": 2, "size": 5, "state": "running", "why": "it is late"},
    **{"task": "mow", "name": "mow", "nearest": ("mew",), "queue": "default", "capacity": 10},
    **{"key": "k", "reason": "so", "message": "it is so", "path": "$.a", "problem": "a set"},
    **{"faults": (Fault("a", "missing"), Fault("b", "unexpected"))},
    "error": Error("exception", "no", "ValueError", "Traceback …"),
}


def made(kind: type[OffloadError]) -> OffloadError:
    """Make an error as the rooms below do."""
    taken = [name for name in inspect.signature(kind).parameters if name in SAID]
    return kind(**{name: SAID[name] for name in taken})


def over_http(error: OffloadError, path: str) -> OffloadError:
    return error_of(json.loads(document(error, path)[0]))


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_of_the_server_is_the_same_error_here(kind: type[OffloadError]) -> None:
    there = made(kind)

    here = over_http(there, "/v1/tasks/mow/jobs")

    is_hidden = issubclass(kind, errors.StoreError) and kind is not errors.StoreUncertain
    assert isinstance(here, errors.StoreError) if is_hidden else type(here) is kind
    untold = {"gone", "key", "name"} if kind is not errors.KeyTaken else set()
    for name, value in vars(there).items():
        assert hasattr(here, name) or is_hidden
        if name not in untold and not is_hidden:
            assert getattr(here, name) == value
    if not is_hidden and kind is not errors.JobFailed:
        assert str(here) == str(there)


def test_a_job_that_failed_tells_how() -> None:
    here = over_http(made(errors.JobFailed), "/v1/jobs/7/result")

    assert isinstance(here, errors.JobFailed)
    assert (here.code, here.type, here.remote_message) == ("exception", "ValueError", "no")
    assert here.traceback == "Traceback …"


def test_a_task_that_is_unknown_is_named() -> None:
    here = over_http(made(errors.UnknownTask), "/v1/tasks/mow/jobs")

    assert isinstance(here, errors.UnknownTask)
    assert (here.name, here.nearest) == ("mow", ("mew",))


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ERRORS.values()])
def test_a_problem_of_the_door_has_its_exception(name: str) -> None:
    here = over_http(Problem(name, "it is so"), "/v1/jobs")

    assert type(here) is OURS[name]
    assert str(here) == "it is so" or KINDS[name].status >= 500


def test_a_problem_of_a_later_server_is_an_error_all_the_same() -> None:
    here = error_of({"type": "/problems/too-beautiful", "title": "It is too beautiful"}, 3.0)

    assert type(here) is OffloadError
    assert str(here) == "It is too beautiful"
    assert vars(here)["retry_after"] == 3.0
