"""The tasks of a Flask program, as the extension has them and as each app has them.

The extension's are what users hold, and what a child process finds under a function's name. Each
app has its own of the same names, whose code runs in the context of that app.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask
from msgspec import Struct
from msgspec.structs import replace

from offload.contrib.flask.contexts import in_app_context
from offload.polling import Hook, Polling
from offload.registry import RegisteredTask, Registry


class Added(Struct, frozen=True):
    """A task that was registered with the extension.

    Attributes:
        registered: as the extension has it.
        function: the user's.
        options: what the registry was given besides.
        is_made: it was made of the one of its name that was added before: a class of black boxes.
    """

    registered: RegisteredTask
    function: Callable[..., Any]
    options: Mapping[str, Any] = {}
    is_made: bool = False


class TellingRegistry(Registry):
    """The extension's: a task finds its app when it runs, and every app is told of the task.

    Args:
        app_of: returns the app that a task is to run in.
        tell: told of each task.
    """

    def __init__(self, app_of: Callable[[], Flask], tell: Callable[[Added], None]) -> None:
        super().__init__()
        self._app_of = app_of
        self._tell = tell
        self._is_adding = False

    def add(
        self,
        function: Any,
        *,
        name: str | None = None,
        aliases: Iterable[str] = (),
        **options: Any,
    ) -> RegisteredTask:
        """Register a function; see `Registry.add`, which says of others what is wrong with them."""
        said = {"name": name, "aliases": tuple(aliases), **options}
        bound = self.bound(function, name)
        self._is_adding = True  # the registry puts what it adds
        try:
            registered = super().add(bound, **said)
        finally:
            self._is_adding = False
        original = getattr(bound, "__wrapped__", bound) if _is_bound(bound) else bound
        self._tell(Added(registered, original, said))
        return registered

    def bound(self, function: Any, name: str | None) -> Any:
        """Return a function in its app's context; as it is where it can be no task."""
        can_be_one = callable(function) and (name or hasattr(function, "__name__"))
        if _is_bound(function) or not can_be_one:
            return function
        bound = in_app_context(function, self._app_of)
        setattr(bound, _MARK, True)
        return bound

    def put(self, task: RegisteredTask) -> RegisteredTask:
        """Take a task as it is; see `Registry.put`."""
        super().put(task)
        if not self._is_adding:
            self._tell(Added(task, task.function, is_made=True))
        return task


_MARK = "__offload_flask__"


def _is_bound(function: object) -> bool:
    return _MARK in getattr(function, "__dict__", {})


class AppPolling(Polling):
    """How polling jobs of one app are checked: as the extension's task says, in the app's context.

    A view: hooks may be given to the task after the app was made.
    """

    def __init__(self, polling: Polling, app: Flask) -> None:
        self._polling = polling
        self._app = app
        self._hooks: dict[Hook, Hook] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._polling, name)
        return self._bound(found) if isinstance(found, Hook) else found

    def _bound(self, hook: Hook) -> Hook:
        if hook not in self._hooks:
            function = in_app_context(hook.function, lambda: self._app, always=True)
            self._hooks[hook] = replace(hook, function=function)
        return self._hooks[hook]
