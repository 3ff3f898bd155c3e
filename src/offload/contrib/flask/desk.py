"""The Offload of one Flask app: its database, its worker, and tasks that are bound to the app."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from msgspec.structs import replace

from offload.app import Offload
from offload.clock import Clock
from offload.config import Config
from offload.contrib.flask.contexts import comes_by_import, in_app_context
from offload.contrib.flask.tasks import Added, AppPolling
from offload.errors import ConfigError, OffloadError
from offload.house import House
from offload.importable import why_not_importable
from offload.model import FINISHED, NewJob
from offload.polling_task import PollingTask
from offload.task import Task
from offload.verbs import Plan

log = logging.getLogger("offload.contrib.flask")

LOOK_AGAIN_SECONDS = 1.0


class AppOffload(Offload):
    """What `app.extensions["offload"]` holds.

    Args:
        app: the Flask app.
        config: its settings.
        clock: another clock, for tests.
        is_had_by_children: whether a child process that has imported a task has this app too, or
            can make it.

    Attributes:
        flask_app: the Flask app.
    """

    def __init__(
        self, app: Flask, config: Config, clock: Clock | None, *, is_had_by_children: bool
    ) -> None:
        super().__init__(clock=clock)
        self.configure(config)
        self.flask_app = app
        self._is_had_by_children = is_had_by_children
        self._looked_at = float("-inf")
        self._said_closed = False

    def add(self, added: Added) -> None:
        """Register a task of the extension here too, so that its code has this app's context.

        What runs in a child process is registered as the child will find it, and finds the app
        there; all else is bound to this app.

        Raises:
            ConfigError: it wants a process, and a process could not find this app.
        """
        if added.is_made:
            bound = self.registry.find(added.registered.name).function
            self.registry.put(replace(added.registered, function=bound))
            return
        options = dict(added.options)
        function = added.function
        if added.registered.executor == "process":
            if self._may_run_in_a_child(function, options.get("executor")):
                self.registry.add(added.registered.function, **options)
                return
            options["executor"] = "thread"
        if added.registered.polling is not None:
            options["polling"] = AppPolling(added.registered.polling, self.flask_app)
        self.registry.add(in_app_context(function, lambda: self.flask_app), **options)

    def find(self, name: str) -> Task[Any, Any]:
        """Return a task by its name or an alias of it; see `Offload.find`."""
        registered = self.registry.find(name)
        kind = Task if registered.polling is None else PollingTask
        return kind(registered, registered.function, self)

    def _may_run_in_a_child(self, function: Callable[..., Any], asked: object) -> bool:
        """Whether a child process would run the task under this very app.

        An app under test is made with settings of the test, and a child would make another one,
        with the settings of everyday: its jobs run in threads, unless a task insists.
        """
        module = getattr(function, "__module__", "")
        has_app = self._is_had_by_children or comes_by_import(self.flask_app, module)
        if asked != "process":
            is_under_test = self.flask_app.testing
            return has_app and not is_under_test and why_not_importable(function) is None
        if not has_app:
            raise ConfigError(
                f"the task {getattr(function, '__name__', function)!r} wants a process of its own, "
                "which has to make the Flask app anew: say how, as in "
                'FlaskOffload(factory="pkg:create_app")'
            )
        return True

    def admitting(self, jobs: tuple[NewJob, ...], *args: Any, **kwargs: Any) -> Plan[Any]:
        """Return the plan that stores prepared jobs; see `Offload.admitting`.

        They were prepared by tasks of the extension, which may run elsewhere than those of here.
        """
        return super().admitting(tuple(self._placed(job) for job in jobs), *args, **kwargs)

    def _placed(self, job: NewJob) -> NewJob:
        if job.task not in self.registry:
            return job
        return replace(job, lane=self.registry.find(job.task).lane)

    def open(self) -> House:
        """Return what is open; see `Offload.open`.

        The first verb makes the database, and the instance folder if need be: a page that lists the
        jobs of a new app shows none, and no error.
        """
        is_new = self._house is None and not self.database.exists()
        if is_new and self.database.is_relative_to(Path(self.flask_app.instance_path)):
            self.database.parent.mkdir(parents=True, exist_ok=True)
        house = super().open()
        if is_new:
            self.run(self.admitting(()))
        return house

    def go_on(self) -> None:
        """Before each request: see to it that somebody runs what an earlier process has left.

        After a restart nobody may start a job for long, and people who wait only look. At most once
        a second, and not at all before the first job.
        """
        if time.monotonic() - self._looked_at < LOOK_AGAIN_SECONDS or self.config.worker == "off":
            return
        self._looked_at = time.monotonic()
        try:
            if self.database.exists() and not self.open().embeds:
                self._hire_for_what_is_left()
        except OffloadError as error:  # the app has other pages too
            log.warning("unfinished jobs cannot be gone on with: %s", error)

    def _hire_for_what_is_left(self) -> None:
        """Hire for the queues in which something waits, and for what starts by itself."""
        left = {queue for (queue, state), n in self.counts().items() if n and state not in FINISHED}
        wanted = {(task, queue) for queue in left for task in self.registry}
        for name in self.registry:
            options = self.registry.find(name).options
            if options.schedule is not None:
                wanted.add((name, options.queue))
        if wanted:
            self.hire(wanted)

    def say_closed_once(self) -> None:
        """Log why the routes are closed."""
        if not self._said_closed:
            self._said_closed = True
            log.warning(
                "the routes of offload in the app %r are closed: outside debug and testing they "
                "open to whom FlaskOffload(authorize=…) lets in; url_prefix=None has none at all",
                self.flask_app.name,
            )

    def end(self) -> str | None:
        """At the program's end: interrupt what runs; returns what there is to say about it."""
        if super().end() is None:
            return None
        return (
            f"offload: unfinished jobs are kept in {self.database}; the app goes on with them at "
            "its next request, `flask offload worker` at once"
        )
