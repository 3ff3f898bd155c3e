"""A task's code inside the app context of its Flask app, in whatever thread or process it runs.

The worker of an app runs functions that are bound to that app. A child process is different: it
imports the task's module and finds the function there, and which app that belongs to has to be
found again: the only one that came into being by the import, or the one that a factory makes.
"""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import Flask, has_app_context
from flask.cli import ScriptInfo

from offload.errors import ConfigError
from offload.polling import is_async
from offload.worker.context import current


def in_app_context(
    function: Callable[..., Any], app_of: Callable[[], Flask], *, always: bool = False
) -> Callable[..., Any]:
    """Return the function, run inside an app context when it runs as a job.

    Called as a plain function it stays one: in a view it has the view's context.

    Args:
        function: a function or coroutine function.
        app_of: returns the app; called by each job.
        always: also where no job is said to run it, as a check of many at once.
    """
    if is_async(function):

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            with _entered(app_of, always):
                return await function(*args, **kwargs)

        return run_async

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with _entered(app_of, always):
            return function(*args, **kwargs)

    return run


@contextmanager
def _entered(app_of: Callable[[], Flask], always: bool) -> Iterator[None]:
    if has_app_context() or not (always or current().job_id):
        yield
    else:
        with app_of().app_context():
            yield


def made_by(factory: str) -> Flask:
    """Import or make the app that is named as for `flask --app`: `pkg:create_app`, `pkg.web:app`.

    Raises:
        ConfigError: there is no such app.
    """
    try:
        return ScriptInfo(app_import_path=factory, set_debug_flag=False).load_app()
    except click.ClickException as error:
        raise ConfigError(
            f"FlaskOffload(factory={factory!r}) gives no app: {error.message}"
        ) from error


def comes_by_import(app: Flask, module: str) -> bool:
    """Whether whoever imports the module gets this app by that: it is a global of the module."""
    found = sys.modules.get(module)
    return app.import_name == module and any(value is app for value in vars(found).values())
