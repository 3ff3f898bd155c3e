"""One idea: name ↔ task. Whoever starts a job, from wherever, names the task; here it is found."""

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import msgspec

from offload.errors import InvalidParameters, InvalidTask, UnknownTask
from offload.importable import why_not_importable
from offload.options import (
    TaskOptions,
    check_name,
    key_fields,
    lane,
    task_options,
    texts,
    that_can_pause,
)
from offload.polling import Polling, is_async
from offload.signature import Signature
from offload.text import capped_repr

EXECUTORS = ("async", "thread", "process")
"""The ways to run a task's code."""


class RegisteredTask(msgspec.Struct, frozen=True, eq=False):
    """A function under a stable name, with its options and the schema of its parameters.

    Attributes:
        name: the name under which it is started, logged and shown.
        function: what it runs.
        signature: checks and converts its parameters.
        kind: "polling", "async" for a coroutine function, else "blocking".
        executor: how its code is run, decided.
        options: what it says about its jobs.
        aliases: further names that lead to it.
        module: where the function was written.
        doc: its docstring.
        lane: what its jobs compete for; see `offload.model.Lane`.
        polling: how its jobs are checked, of a polling task.
    """

    name: str
    function: Callable[..., Any]
    signature: Signature
    kind: str
    executor: str
    options: TaskOptions
    aliases: tuple[str, ...]
    module: str
    doc: str
    lane: str
    polling: Polling | None = None


class Registry:
    """The tasks of one Offload. Names and aliases share one space: each leads to one task."""

    def __init__(self) -> None:
        self._tasks: dict[str, RegisteredTask] = {}
        self._names: dict[str, str] = {}

    def add(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        aliases: Iterable[str] = (),
        polling: Polling | None = None,
        **options: Any,
    ) -> RegisteredTask:
        """Register a function, or register it again after its module was reloaded.

        Args:
            function: a function or coroutine function.
            name: its own ``__name__`` by default.
            aliases: further names for it.
            polling: how its jobs are checked; makes it a polling task.
            **options: see `offload.options.OPTIONS`.

        Raises:
            InvalidTask: the function, a name or an option cannot be used, or a name is taken; says
                why. Nothing was registered then.
        """
        return self.put(_task(function, _name(function, name), aliases, polling, options))

    def put(self, task: RegisteredTask) -> RegisteredTask:
        """Register what was made a task elsewhere, or in place of the one that it was made of.

        Raises:
            InvalidTask: a name of it is taken.
        """
        for each in (task.name, *task.aliases):
            self._refuse_taken(each, task)
        self._forget(self._tasks.get(task.name))
        self._tasks[task.name] = task
        self._names |= dict.fromkeys((task.name, *task.aliases), task.name)
        return task

    def find(self, name: str) -> RegisteredTask:
        """Return the task of that name or alias.

        Raises:
            UnknownTask: there is none; names the nearest ones.
        """
        try:
            return self._tasks[self._names[name]]
        except KeyError:
            nearest = get_close_matches(name[:100], self._names)
            raise UnknownTask(name, nearest) from None

    def names(self) -> tuple[str, ...]:
        """Return the names of all tasks in alphabetical order, without aliases."""
        return tuple(sorted(self._tasks))

    def every_name(self) -> tuple[str, ...]:
        """Return all names and aliases in alphabetical order: all that jobs may call their task."""
        return tuple(sorted(self._names))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def _refuse_taken(self, name: str, task: RegisteredTask) -> None:
        holder = self._tasks.get(self._names.get(name, ""))
        if holder is None or (
            holder.name == task.name and _is_same(holder.function, task.function)
        ):
            return
        raise InvalidTask(
            f"the name {name!r} is taken by {_place(holder.function)}, so {_place(task.function)} "
            f'cannot have it; give one of them another, as in @app.task(name="{name}_2")'
        )

    def _forget(self, task: RegisteredTask | None) -> None:
        if task is not None:
            self._names = {name: owner for name, owner in self._names.items() if owner != task.name}


def _task(
    function: Callable[..., Any],
    name: str,
    aliases: Iterable[str],
    polling: Polling | None,
    options: Mapping[str, Any],
) -> RegisteredTask:
    checked = task_options(name, options)
    secret = checked.job.secret
    signature = Signature.of(
        function, task=name, encoder_given=checked.encode is not None, secret=secret
    )
    _check_secret(secret, signature)
    _check_key(checked.key, signature, secret)
    if checked.schedule is not None:
        _check_clock(signature)
    if polling is not None:
        kind, executor = "polling", _poll(name, checked)
    else:
        kind = "async" if is_async(function) else "blocking"
        executor = _executor(name, kind, checked.executor, function)
        if executor == "thread" and not (checked.checkpoints or signature.wants_context):
            checked = that_can_pause(checked, is_so=False)
    others = dict.fromkeys(texts(name, "aliases", aliases))
    for alias in others:
        check_name(alias, "alias", name)
    return RegisteredTask(
        name=name,
        function=function,
        signature=signature,
        kind=kind,
        executor=executor,
        options=checked,
        aliases=tuple(alias for alias in others if alias != name),
        module=getattr(function, "__module__", None) or "",
        doc=signature.doc,
        lane=lane(name, executor, checked),
        polling=polling,
    )


def _check_secret(secret: Iterable[str], signature: Signature) -> None:
    for name in secret:
        if name not in signature.names:
            nearest = get_close_matches(name, signature.names, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else "secret= names parameters"
            raise InvalidTask(
                f"the task {signature.task!r} has no parameter {capped_repr(name, limit=80)} that "
                f"could be secret; {hint}"
            )


def _check_key(template: str | None, signature: Signature, secret: Collection[str]) -> None:
    """A key is made of parameters, so it may name no others; and everybody is shown it."""
    for field in key_fields(template or ""):
        if field in secret:
            raise InvalidTask(
                f"the task {signature.task!r} has the key {template!r}, and {field!r} is secret: "
                "keys are shown; make it of other parameters"
            )
        if field not in signature.names:
            raise InvalidTask(
                f"the task {signature.task!r} has the key {template!r}, and no parameter {field!r}"
            )


def _check_clock(signature: Signature) -> None:
    """The clock gives no parameters, but for the due time to one that is called so."""
    wanted = {each: datetime.now(UTC) for each in signature.names if each == "due_at"}
    try:
        signature.check(signature.bind((), wanted))
    except InvalidParameters as error:
        problems = "; ".join(f"{fault.parameter}: {fault.problem}" for fault in error.faults)
        raise InvalidTask(
            f"the task {signature.task!r} is started by the clock, which gives it no parameters "
            f"but due_at, a datetime: {problems}; give each parameter a default"
        ) from error


def _executor(name: str, kind: str, asked: str | None, function: Callable[..., Any]) -> str:
    """Decide how a task's code is run. The one place that knows the defaults."""
    if asked is None:
        return "async" if kind == "async" else _blocking(function)
    if asked not in EXECUTORS:
        known = " or ".join(f'"{executor}"' for executor in EXECUTORS)
        raise InvalidTask(f"the task {name!r} wants the executor {asked!r}; it can be {known}")
    if asked == "async" and kind != "async":
        raise InvalidTask(
            f'the task {name!r} is not a coroutine function, so it cannot run as "async": it would '
            "block all others; write `async def`, or leave executor= out"
        )
    if asked != "async" and kind == "async":
        raise InvalidTask(
            f'the task {name!r} is a coroutine function, which runs as "async" only, not as '
            f"{asked!r}; write `def`, or leave executor= out"
        )
    return asked


def _blocking(function: Callable[..., Any]) -> str:
    """A process can be killed, so it is preferred wherever one can find the function."""
    return "process" if why_not_importable(function) is None else "thread"


def _poll(name: str, options: TaskOptions) -> str:
    """A polling task has no process of its own, and one way to be run."""
    if options.executor is not None:
        raise InvalidTask(f"the polling task {name!r} takes no executor=; it is always polled")
    if options.job.memory is not None:
        raise InvalidTask(
            f"the polling task {name!r} takes no memory=: its work runs elsewhere, where offload "
            "cannot limit it"
        )
    return "poll"


def _name(function: Callable[..., Any], given: str | None) -> str:
    name = getattr(function, "__name__", None) if given is None else given
    if not callable(function):
        raise InvalidTask(f"{capped_repr(function, limit=80)} cannot be called; give a function")
    if name is None or name == "<lambda>":
        what = "a lambda" if name else capped_repr(function, limit=80)
        raise InvalidTask(f"{what} has no name to be started by; give it one with name=")
    check_name(name, "name", name)
    return name


def _is_same(old: Callable[..., Any], new: Callable[..., Any]) -> bool:
    """Whether the new one is the old one come again, as by a reload of its module.

    Methods of two objects, and two closures that one function made, have the same place in the
    source and are not the same.
    """
    if old is new or old == new:
        return True
    if inspect.ismethod(new) or ("<locals>" in _place(new) and getattr(new, "__closure__", None)):
        return False
    return hasattr(new, "__qualname__") and _place(old) == _place(new)


def _place(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None) or "?"
    return f"{module}.{getattr(function, '__qualname__', capped_repr(function, limit=80))}"
