"""The verbs on a database of this machine."""

import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Self

from msgspec import to_builtins
from msgspec.structs import replace

from offload import following, telling, verbs
from offload.app import Offload
from offload.catalogue import schedule_shape, task_shape
from offload.cli.settings import quiet
from offload.cli.translating import WISHES, amendment_of, counts, narrowing_of
from offload.cli.verbs import JobView, TaskView, VerbOfMany
from offload.config import Config
from offload.errors import ConfigError, StoreUnreadable
from offload.lifecycle import Shown
from offload.model import By, Job, Wish
from offload.shapes import event_shape, job_shape, write
from offload.values import decode


class Local:
    """An Offload, seen as commands see it; it embeds no worker."""

    def __init__(self, app: Offload) -> None:
        self._app = app
        self._by = By(actor=f"cli {_user()}", door="cli")

    @classmethod
    def looking(cls, config: Config) -> Self:
        """Open a database that is there; the tasks are not needed to look at jobs.

        Raises:
            StoreUnreadable: there is none; looking never makes one.
        """
        app = Offload(config.db)  # which is named, so the variable for servers does not count
        app.configure(quiet(config))
        if not app.database.exists():
            raise StoreUnreadable(
                f"there is no database {app.database}; name another one with --db or OFFLOAD_DB, "
                "or make it with `offload serve`"
            )
        return cls(app)

    def start(
        self, task: str, texts: Sequence[tuple[str, str]], options: Mapping[str, Any]
    ) -> JobView:
        """Start a job; see `Verbs.start`."""
        found = self._app.find(task)
        params = found.registered.signature.check_text(texts)
        try:
            job = found.using(**options).new_job(params)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        inserted = self._app.run(self._app.admitting((job,), self._by))
        is_due = job.run_at is None or job.run_at <= self._app.now()
        state = Shown.QUEUED if is_due else Shown.SCHEDULED
        return {"id": inserted.ids[0], "task": job.task, "state": state.value}

    def listed(self, narrowed: Mapping[str, str], *, limit: int) -> Sequence[JobView]:
        """Return jobs, newest first; see `Verbs.listed`."""
        jobs = self._app.list(limit=limit, **narrowing_of(narrowed, self._app.now()))
        return [self._view(job, in_list=True) for job in jobs]

    def of_many(
        self,
        verb: VerbOfMany,
        narrowed: Mapping[str, str],
        *,
        preview: bool = False,
        reason: str | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        """Ask something of all jobs that a filter leaves; see `Verbs.of_many`."""
        bulk = replace(
            self._app.meant(**narrowing_of(narrowed, self._app.now())),
            wish=WISHES[verb],
            preview=preview,
            reason=_checked(reason),
        )
        while True:
            done = self._app.run(self._app.asking_jobs(bulk, self._by))
            yield counts(done, preview=preview)
            if done.before is None:
                return
            bulk = replace(bulk, before=done.before)

    def status(self, job_id: int) -> JobView:
        """Return a job as it is now; see `Verbs.status`."""
        return self._view(self._app.read_job(job_id))

    def history(self, job_id: int) -> Sequence[Mapping[str, Any]]:
        """Return a job's events, oldest first; see `Verbs.history`."""
        return [to_builtins(event_shape(event)) for event in self._app.history(job_id)]

    def story(self, job_id: int) -> Mapping[str, Any]:
        """Return a job's attempts, receipts and timeline; see `Verbs.story`."""
        told: Mapping[str, Any] = to_builtins(self._app.run(telling.story(job_id, self._app.now)))
        return told

    def log(self, job_id: int, **asked: Any) -> Mapping[str, Any]:
        """Return a page of what a job has written; see `Verbs.log`."""
        log = following.asked(job_id, **asked)
        page = following.page_shape(log, self._app.run(following.look(log)))
        found: dict[str, Any] = to_builtins(page)
        return found

    def result(self, job_id: int) -> Any:
        """Return what a job returned; see `Verbs.result`."""
        job = self._app.read_job(job_id)
        return decode(verbs.value(job, self._app.shown(job)))

    def wait(self, job_id: int, timeout: float | None) -> JobView:
        """Wait for a job's end; see `Verbs.wait`."""
        return self._view(self._app.wait_until(job_id, lambda job: job.is_finished, timeout))

    def cancel(self, job_id: int) -> JobView:
        """Ask for a job to be cancelled; see `Verbs.cancel`."""
        return self._asked(job_id, Wish.CANCEL)

    def pause(self, job_id: int, reason: str | None = None) -> JobView:
        """Ask for a job to stand still; see `Verbs.pause`."""
        return self._asked(job_id, Wish.PAUSE, reason)

    def resume(self, job_id: int) -> JobView:
        """Let a paused job go on; see `Verbs.resume`."""
        return self._asked(job_id, Wish.RESUME)

    def pause_group(self, group_id: int, reason: str | None = None) -> Mapping[str, Any]:
        """Ask for all jobs of a group to stand still; see `Verbs.pause_group`."""
        return self._asked_group(group_id, Wish.PAUSE, reason)

    def resume_group(self, group_id: int) -> Mapping[str, Any]:
        """Let all paused jobs of a group go on; see `Verbs.resume_group`."""
        return self._asked_group(group_id, Wish.RESUME)

    def pause_all(
        self,
        kind: Literal["queues", "tasks"],
        name: str,
        reason: str | None = None,
        *,
        include_running: bool = False,
    ) -> Mapping[str, Any]:
        """Pause a queue or a task; see `Verbs.pause_all`."""
        return self._halted(kind, name, paused=True, reason=reason, include_running=include_running)

    def resume_all(
        self, kind: Literal["queues", "tasks"], name: str, *, include_running: bool = False
    ) -> Mapping[str, Any]:
        """Let a queue or a task go on; see `Verbs.resume_all`."""
        return self._halted(kind, name, paused=False, include_running=include_running)

    def _halted(
        self, kind: Literal["queues", "tasks"], name: str, *, paused: bool, **said: Any
    ) -> Mapping[str, Any]:
        said |= {"reason": _checked(said.get("reason"))}
        said |= {"queue": name} if kind == "queues" else {"task": name}
        plan = self._app.pausing(paused=paused, by=self._by, **said)
        return {"name": name, "paused": paused, "changed": self._app.run(plan)}

    def _asked_group(
        self, group_id: int, wish: Wish, reason: str | None = None
    ) -> Mapping[str, Any]:
        plan = self._app.asking_group(group_id, wish, self._by, _checked(reason))
        return {"id": group_id, "changed": self._app.run(plan)}

    def _asked(self, job_id: int, wish: Wish, reason: str | None = None) -> JobView:
        plan = self._app.asking(job_id, wish, self._by, _checked(reason))
        job, changed = self._app.run(plan)
        return self._view(job) | {"changed": changed}

    def retry(self, job_id: int) -> JobView:
        """Run a failed or cancelled job again; see `Verbs.retry`."""
        return self._view(self._app.run(self._app.retrying(job_id, self._by))) | {"changed": True}

    def amend(self, job_id: int, otherwise: Mapping[str, Any]) -> JobView:
        """Alter a job that waits; see `Verbs.amend`."""
        plan = self._app.amending(job_id, amendment_of(otherwise), self._by)
        job, changed = self._app.run(plan)
        return self._view(job) | {"changed": changed}

    def tasks(self) -> Sequence[TaskView]:
        """Return the tasks that can be started; see `Verbs.tasks`."""
        paused, registry = self._app.paused_tasks(), self._app.registry
        return [task_shape(registry.find(name), paused.get(name)) for name in registry]

    def task(self, name: str) -> TaskView:
        """Return what is known of a task; see `Verbs.task`."""
        registered = self._app.find(name).registered
        return task_shape(registered, self._app.paused_tasks().get(registered.name))

    def schedules(self) -> Sequence[Mapping[str, Any]]:
        """Return what starts by itself; see `Verbs.schedules`."""
        return [schedule_shape(timetable) for timetable in self._app.schedules()]

    def close(self) -> None:
        """Let go of the database."""
        self._app.close()

    def _view(self, job: Job, *, in_list: bool = False) -> JobView:
        reason = job.reason if in_list else self._app.reason(job)
        used = None if in_list else self._app.run(telling.usage(job))
        shape = job_shape(job, self._app.now(), reason, in_list=in_list, usage=used)
        view = decode(write(shape))
        assert isinstance(view, dict)
        return view


def _checked(reason: str | None) -> str | None:
    """Return a reason as it is stored.

    Raises:
        ConfigError: it is too long.
    """
    try:
        return verbs.checked_reason(reason)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without an entry
        return str(os.getuid())
