"""Problem documents as exceptions: the same ones that a database here would raise."""

from collections.abc import Mapping
from typing import Any

from offload import errors
from offload.errors import Fault, OffloadError
from offload.problems import problem_name


def kind_of(problem: Mapping[str, Any]) -> str:
    """Return the name of a problem, the last part of its type."""
    return str(problem.get("type", "")).rpartition("/")[2]


def kind_named(name: str) -> type[OffloadError]:
    """Return the class of the exceptions that a problem of this name stands for."""
    return _KINDS.get(name, OffloadError)


def error_of(problem: Mapping[str, Any], retry_after: float | None = None) -> OffloadError:
    """Return the exception that a problem document stands for, with the server's own words.

    It has the attributes of its class; what the document does not tell is empty.

    Args:
        problem: the document.
        retry_after: seconds after which the server wants to be asked again.
    """
    kind = kind_named(kind_of(problem))
    error = kind.__new__(kind)
    OffloadError.__init__(error, str(problem.get("detail") or problem.get("title") or ""))
    vars(error).update({**_UNTOLD.get(kind, {}), **_attributes(kind, problem)})
    vars(error)["retry_after"] = retry_after
    return error


def _attributes(kind: type[OffloadError], problem: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: problem[name] for name in _MEMBERS if name in problem}
    if "id" in problem:
        found["job_id"] = problem["id"]
    if "group" in problem:
        found["group_id"] = problem["group"]
    if "errors" in problem:
        found["faults"] = tuple(_fault(fault) for fault in problem["errors"])
    if "nearest" in problem:
        found["nearest"] = tuple(problem["nearest"])
    if isinstance(problem.get("error"), Mapping):
        failed = problem["error"]
        found |= {name: failed.get(name) for name in ("code", "type", "traceback")}
        found["remote_message"] = failed.get("message")
    if kind is errors.UnknownTask:
        found["name"] = _task_of(str(problem.get("instance", "")))
    return found


def _fault(said: Mapping[str, Any]) -> Fault:
    return Fault(str(said.get("parameter", "")), str(said.get("problem", "")))


def _task_of(instance: str) -> str:
    """Return the task in the path of a start, `/v1/tasks/render/jobs`."""
    below = instance.partition("/tasks/")[2] or instance.partition("/start/")[2]
    return below.partition("/")[0]


_MEMBERS = ("state", "task", "queue", "capacity", "key")

_UNTOLD: Mapping[type[OffloadError], Mapping[str, Any]] = {
    errors.InvalidParameters: {"task": "", "faults": ()},
    errors.UnknownTask: {"name": "", "nearest": ()},
    errors.QueueFull: {"queue": "", "capacity": 0},
    errors.KeyTaken: {"key": "", "job_id": 0},
    errors.IdempotencyKeyReused: {"key": "", "job_id": 0},
    errors.UnknownGroup: {"group_id": 0},
    errors.GroupEvicted: {"group_id": 0, "gone": 0},
    errors.NotSerializable: {"path": "$", "problem": ""},
    errors.NotFinished: {"job_id": 0, "state": ""},
    errors.AlreadyFinished: {"job_id": 0, "state": ""},
    errors.JobFailed: {
        **{"job_id": 0, "task": "", "code": "exception"},
        **{"type": None, "remote_message": "", "traceback": None},
    },
    **{
        kind: {"job_id": 0}
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.JobError)
        and kind not in (errors.NotFinished, errors.AlreadyFinished, errors.JobFailed)
    },
}
"""What an exception of each class has at least, besides its words."""

_KINDS: Mapping[str, type[OffloadError]] = {
    **{
        problem_name(kind): kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, OffloadError)
    },
    "invalid-id": errors.UnknownJob,
    "internal-error": errors.StoreError,
    "storage-full": errors.StoreUnavailable,
    "too-many-connections": errors.StoreUnavailable,
    "unauthorized": errors.ConfigError,
    "forbidden": errors.ConfigError,
    "cross-site": errors.ConfigError,
    "wrong-host": errors.ConfigError,
}
"""The name of a problem, and what it is called here."""
