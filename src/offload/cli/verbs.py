"""The verbs as commands know them, and the way they go: to a database here, or to a server.

A job is the JSON form that HTTP has too (`offload.shapes`), read into plain data; so a command
prints the same whichever way it went.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal, Protocol

from offload.config import Config, load_config
from offload.errors import ConfigError

JobView = dict[str, Any]
"""A job as JSON has it."""

TaskView = dict[str, Any]
"""A task as JSON has it."""

VerbOfMany = Literal["cancel", "pause", "resume", "retry"]
"""What many jobs can be asked with one word."""

PATIENCE_SECONDS = 10.0
"""So long a person waits for a server that is just being started anew."""


class Verbs(Protocol):
    """What commands need of a database or of a server.

    All raise `OffloadError`s, the same ones both ways.
    """

    def start(
        self, task: str, texts: Sequence[tuple[str, str]], options: Mapping[str, Any]
    ) -> JobView:
        """Start a job; parameters are read from their texts by the task's signature.

        Args:
            task: the task's name.
            texts: names and values; a name may be repeated where a list is wanted.
            options: of the job, by the names that `Task.using` has, as far as they were given.
        """
        ...

    def listed(self, narrowed: Mapping[str, str], *, limit: int) -> Sequence[JobView]:
        """Return jobs, newest first, by the names that a filter has over HTTP; see `narrowing`."""
        ...

    def status(self, job_id: int) -> JobView:
        """Return a job as it is now."""
        ...

    def history(self, job_id: int) -> Sequence[Mapping[str, Any]]:
        """Return a job's events, oldest first."""
        ...

    def story(self, job_id: int) -> Mapping[str, Any]:
        """Return a job's attempts as `items`, its `receipts` and its `timeline`."""
        ...

    def log(
        self,
        job_id: int,
        *,
        after: int = 0,
        limit: int = 500,
        tail: bool = False,
        level: str | None = None,
        text: str | None = None,
        attempt: int | None = None,
        source: str | None = None,
    ) -> Mapping[str, Any]:
        """Return a page of what a job has written; see `following.asked` and `LinesPage`."""
        ...

    def result(self, job_id: int) -> Any:
        """Return what a job returned."""
        ...

    def wait(self, job_id: int, timeout: float | None) -> JobView:
        """Wait for a job's end, at most so many seconds; returns it as it is then."""
        ...

    def cancel(self, job_id: int) -> JobView:
        """Ask for a job to be cancelled; `changed` says whether that changed anything."""
        ...

    def pause(self, job_id: int, reason: str | None = None) -> JobView:
        """Ask for a job to stand still; `changed` says whether that changed anything."""
        ...

    def resume(self, job_id: int) -> JobView:
        """Let a paused job go on; `changed` says whether that changed anything."""
        ...

    def pause_group(self, group_id: int, reason: str | None = None) -> Mapping[str, Any]:
        """Ask for all jobs of a group to stand still; `changed` says how many that changed."""
        ...

    def resume_group(self, group_id: int) -> Mapping[str, Any]:
        """Let all paused jobs of a group go on; `changed` says how many that changed."""
        ...

    def pause_all(
        self,
        kind: Literal["queues", "tasks"],
        name: str,
        reason: str | None = None,
        *,
        include_running: bool = False,
    ) -> Mapping[str, Any]:
        """Pause a queue or a task; `changed` says how many jobs were paused besides."""
        ...

    def resume_all(
        self, kind: Literal["queues", "tasks"], name: str, *, include_running: bool = False
    ) -> Mapping[str, Any]:
        """Let a queue or a task go on; `changed` says how many jobs were resumed besides."""
        ...

    def retry(self, job_id: int) -> JobView:
        """Run a failed or cancelled job again; returns it as it is then."""
        ...

    def amend(self, job_id: int, otherwise: Mapping[str, Any]) -> JobView:
        """Alter a job that waits; `changed` says whether that changed anything.

        Args:
            job_id: the job.
            otherwise: `priority`, `queue`, `tags`, `run_at` (RFC 3339; None is at once).
        """
        ...

    def of_many(
        self,
        verb: VerbOfMany,
        narrowed: Mapping[str, str],
        *,
        preview: bool = False,
        reason: str | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        """Ask something of all jobs that a filter leaves; yields counts, to be added up.

        They are `matched`, which is `changed`, `unchanged` and all that were `refused`, by the name
        of the problem. Where `next_cursor` is null nothing more comes.
        """
        ...

    def tasks(self) -> Sequence[TaskView]:
        """Return the tasks that can be started, by name."""
        ...

    def task(self, name: str) -> TaskView:
        """Return what is known of a task; an alias will do."""
        ...

    def schedules(self) -> Sequence[Mapping[str, Any]]:
        """Return what starts by itself, with its next due times; see `catalogue`."""
        ...

    def close(self) -> None:
        """Let go of the database or the connection."""
        ...


def open_verbs(arguments: Mapping[str, Any]) -> Verbs:
    """Return the verbs the way that the arguments, the environment or the file say.

    Raises:
        ConfigError: both ways are named, or neither can be used.
        StoreUnreadable: there is no such database.
    """
    config = load_config(arguments)
    # The other way is not even imported: each costs 50 to 100 ms of a command's start.
    verbs: Verbs
    if goes_to_server(arguments, config):
        client = import_module("offload.client").Client
        verbs = client(config.server, config.token, patience=PATIENCE_SECONDS)
    else:
        verbs = import_module("offload.cli.local").Local.looking(config)
    return verbs


def goes_to_server(arguments: Mapping[str, Any], config: Config) -> bool:
    """Say which way to go: the flags decide, else the variables, else the file.

    Raises:
        ConfigError: a database and a server are named in the same place.
    """
    environment = os.environ
    for db, server, names in (
        (arguments.get("db"), arguments.get("server"), "--db and --server"),
        (environment.get("OFFLOAD_DB"), environment.get("OFFLOAD_SERVER"), _VARIABLES),
    ):
        if db and server:
            raise ConfigError(f"{names} are two ways to the jobs; give one of them")
        if db or server:
            return bool(server)
    if config.server and config.db != Config().db:
        raise ConfigError("the file names both db and server; say --db or --server")
    return bool(config.server)


_VARIABLES = "OFFLOAD_DB and OFFLOAD_SERVER"
