"""Class `FlaskOffload`: the tasks of a Flask program, and for each verb the app at hand."""

import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from flask import Flask, Response, current_app, has_app_context

from offload.clock import Clock
from offload.contrib.flask import answers
from offload.contrib.flask.commands import group
from offload.contrib.flask.contexts import made_by
from offload.contrib.flask.desk import AppOffload
from offload.contrib.flask.guard import Authorize
from offload.contrib.flask.perapp import PerApp
from offload.contrib.flask.routes import make_blueprint, refuse
from offload.contrib.flask.settings import read_config, read_prefix
from offload.contrib.flask.tasks import Added, TellingRegistry
from offload.errors import ConfigError, Evicted, QueueFull, StoreUnavailable, UnknownJob
from offload.job import Job
from offload.task import Task
from offload.wire import brief

TOLD = (QueueFull, UnknownJob, Evicted, StoreUnavailable)
"""What a view need not catch: it is answered as at the routes, 429, 404, 410 or 503."""


class FlaskOffload(PerApp):
    """Tasks for one Flask app or several, each app with a database of its own.

    It holds no app: a verb asks the app whose context it is used in, or the only one that there is.
    All of `Offload` works with it.

    Args:
        app: an app to begin with; or call `init_app`, once per app.
        db: the database file; a relative path lies in the app's instance folder. This and the next
            six stand in `app.config` too, as `OFFLOAD_DB` and so on, and that goes first.
        concurrency: jobs of the queue running at once, over all processes.
        capacity: jobs admitted and not yet begun, beyond which a start is refused.
        keep: finished jobs retained.
        slots: jobs that a worker embedded in a process runs at once.
        worker: "auto" embeds a worker in the process that starts jobs, unless one is at work
            elsewhere; "off" leaves it to `flask offload worker`.
        grace: seconds that running jobs are given when a process ends.
        lease: seconds for which a worker owns a job without a sign of life.
        url_prefix: where the routes are; None has none (`OFFLOAD_URL_PREFIX`).
        authorize: says for each request to the routes whether it may, given the verb; without it
            they are closed outside debug and testing.
        factory: how a child process makes the app, as for `flask --app`: `"pkg:create_app"`.
        clock: another clock, for tests.

    Attributes:
        blueprint: the routes, for other extensions that want to know them.

    Raises:
        ConfigError: a setting does not fit.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        db: str | Path | None = None,
        concurrency: int | None = None,
        capacity: int | None = None,
        keep: int | None = None,
        slots: int | None = None,
        worker: Literal["auto", "off"] | None = None,
        grace: float | None = None,
        lease: float | None = None,
        url_prefix: str | None = "/offload",
        authorize: Authorize | None = None,
        factory: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(clock=clock)
        self._said: dict[str, Any] = {
            "db": db,
            "concurrency": concurrency,
            "capacity": capacity,
            "keep": keep,
            "slots": slots,
            "worker": worker,
            "grace": grace,
            "lease": lease,
        }
        self._url_prefix, self._factory = url_prefix, factory
        self._made: Flask | None = None
        self._born_with = app
        self._apps: weakref.WeakSet[Flask] = weakref.WeakSet()
        self._added: list[Added] = []
        self._tasks_told = TellingRegistry(lambda: self.at_hand.flask_app, self._add)
        self.registry = self._tasks_told
        self.blueprint = make_blueprint(lambda: self.at_hand, authorize)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Give an app its Offload, the routes and `flask offload`; opens and starts nothing.

        Raises:
            ConfigError: a setting of the app does not fit, or it has an Offload already.
        """
        if "offload" in app.extensions:
            raise ConfigError(f"the app {app.name!r} has an Offload already; init_app comes once")
        config = read_config(app, self._said)
        is_had = app is self._born_with or self._factory is not None
        desk = AppOffload(app, config, self._clock, is_had_by_children=is_had)
        desk.lifespans = self.lifespans
        prefix = read_prefix(app, self._url_prefix)
        for added in self._added:
            desk.add(added)
        app.extensions["offload"] = desk
        self._apps.add(app)
        if prefix is not None:
            app.register_blueprint(self.blueprint, url_prefix=prefix)
        app.before_request(desk.go_on)
        app.cli.add_command(group)
        _tell_errors(app)

    @property
    def at_hand(self) -> AppOffload:
        """The Offload of the app whose context this is; outside of any, of the only app there is.

        Raises:
            ConfigError: there is none, or there are several.
        """
        app = current_app if has_app_context() else self._only_app()
        desk = app.extensions.get("offload")
        if not isinstance(desk, AppOffload) or desk.flask_app not in self._apps:
            raise ConfigError(f"the app {app.name!r} has no Offload of this: call init_app with it")
        return desk

    def _only_app(self) -> Flask:
        """Return the only app there is; one that works alone in a process may have to make it."""
        apps = list(self._apps)
        if not apps and self._factory is not None:
            self._made = made_by(self._factory)
            apps = [self._made]
        if len(apps) == 1:
            return apps[0]
        if apps:
            names = ", ".join(sorted(repr(app.name) for app in apps))
            raise ConfigError(f"there are several apps ({names}): use `with app.app_context():`")
        raise ConfigError(
            "this FlaskOffload has no app yet: call init_app, or say how one is made, as in "
            'FlaskOffload(factory="pkg:create_app")'
        )

    def accepted(self, job: Job[Any], location: str | None = None) -> Response:
        """Answer a request that started a job: 202, where to look, when, and the job's id.

        Args:
            job: what `start` returned.
            location: a page of your own for the job; the route `status` by default.

        Raises:
            ConfigError: there are no routes, and no location was given.
        """
        if location is None and answers.BLUEPRINT not in current_app.blueprints:
            raise ConfigError("there are no routes here: say where the job is found, location=…")
        record = job.read()
        where = location or answers.address("status", job.id)
        return answers.response(
            brief.accepted(job.id, record.task, where, state=self.shown(record))
        )

    def _register(self, function: Callable[..., Any], options: Mapping[str, Any]) -> Task[Any, Any]:
        """Let the task hold what the registry has: a child process looks for that by its name."""
        return super()._register(self._tasks_told.bound(function, options.get("name")), options)

    def _add(self, added: Added) -> None:
        """Let every app know a task, those too that come later."""
        self._added.append(added)
        for app in list(self._apps):
            app.extensions["offload"].add(added)


def _tell_errors(app: Flask) -> None:
    """Answer the errors of the verbs where views do not; what the app says itself goes first."""
    said: Iterable[type[Exception]] = app.error_handler_spec[None][None]
    for kind in set(TOLD).difference(said):
        app.register_error_handler(kind, refuse)
