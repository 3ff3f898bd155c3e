"""Tasks whose jobs are started at a server: what the call said is sent, what the task says is not.

The server has the tasks, with their retries, limits and queues; the declaration in the client's
program gives the names, the parameters and their types. So a client with an older declaration does
not take back what the server's says.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

from msgspec import Raw
from msgspec.structs import asdict

from offload.backoff import Backoff
from offload.model import NewJob
from offload.options import CallOptions
from offload.polling_task import PollingTask
from offload.shapes import write
from offload.task import Task

P = ParamSpec("P")
R = TypeVar("R")


class Order(NewJob, frozen=True, kw_only=True):
    """A job that a server is asked for; `said` is what the call said about it, as JSON has it."""

    said: Mapping[str, Any] = MappingProxyType({})

    def body(self) -> dict[str, Any]:
        """Return what is sent, but for the task's name."""
        return {"params": Raw(self.params), "options": dict(self.said)}


class FarTask(Task[P, R]):
    """A task of a program that asks a server."""

    def new_job(self, params: bytes) -> NewJob:
        """Return what the server is asked for; see `Task.new_job`."""
        return Order(self.name, self.registered.kind, params, said=options_of(self._options))


class FarPollingTask(PollingTask[P]):
    """A polling task of a program that asks a server: whoever checks has the checks."""

    def new_job(self, params: bytes) -> NewJob:
        """Return what the server is asked for; see `Task.new_job`."""
        return Order(self.name, self.registered.kind, params, said=options_of(self._options))


def order_by_name(task: str, params: bytes) -> Order:
    """Return what the server is asked for where only the name of a task is known."""
    return Order(task, "", params)


def one(job: NewJob) -> bytes:
    """Return the body of one start."""
    assert isinstance(job, Order)
    return write(job.body())


def together(jobs: tuple[NewJob, ...]) -> bytes:
    """Return the body of a start of many as one group."""
    starts = [{"task": job.task, **job.body()} for job in jobs if isinstance(job, Order)]
    return write({"jobs": starts, "group": True})


def options_of(said: CallOptions) -> dict[str, Any]:
    """Return what a call said, as HTTP has it."""
    options = {name: value for name, value in asdict(said).items() if value is not None}
    options |= {name: _plain(value) for name, value in options.pop("job").items()}
    options["tags"] = list(said.tags)
    if "run_at" in options:
        options["run_at"] = instant_exactly(options["run_at"])
    if "deadline_at" in options:
        options["deadline"] = instant_exactly(options.pop("deadline_at"))
    return {name: value for name, value in options.items() if value not in (None, [])}


def _plain(value: Any) -> Any:
    if isinstance(value, Backoff):
        return asdict(value)
    return value.value if isinstance(value, Enum) else value


def instant_exactly(seconds: float) -> str:
    """Write an instant for the server; `shapes.instant`, which is for reading, rounds it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
