"""One idea: what a job of a black box runs, in the shape in which workers know their tasks."""

import inspect
from collections.abc import Callable
from typing import Any

from offload.boxes.box import Box, How, missing_methods
from offload.errors import InvalidTask
from offload.options import TaskOptions, that_can_pause
from offload.registry import RegisteredTask
from offload.signature import Signature
from offload.text import capped_repr


class BoxTask(RegisteredTask, frozen=True, eq=False, kw_only=True):
    """A task whose code is a black box.

    Attributes:
        how: how its boxes are run.
        box: the one that was handed in; None where `function` makes one of a job's parameters.
    """

    how: How
    box: Box | None = None


def box_task(name: str, box: Box) -> BoxTask:
    """Return the task of one box that was handed in."""
    return BoxTask(
        name=name,
        function=_nothing,
        signature=_NO_PARAMETERS,
        kind="box",
        executor="box",
        options=_ASKED_ONCE if box.how.kind == "blocking" else _OPTIONS,
        aliases=(),
        module="",
        doc="",
        lane="",
        how=box.how,
        box=box,
    )


def class_task(made: RegisteredTask, how: How) -> BoxTask:
    """Return the task that makes a box of a job's parameters: what a function registered as."""
    fields = {name: getattr(made, name) for name in RegisteredTask.__struct_fields__}
    options = that_can_pause(made.options, is_so=how.kind != "blocking")
    own = {"kind": "box", "executor": "box", "options": options}
    return BoxTask(**(fields | own), how=how)


def maker_of(kind: object) -> Callable[..., Any]:
    """Return a function that makes an object of a class, with the signature of its `__init__`.

    Raises:
        InvalidTask: it is no class of black boxes.
    """
    if not isinstance(kind, type):
        raise InvalidTask(
            f"register() takes a class of black boxes, not {capped_repr(kind, limit=80)}; an "
            "object is handed in with submit()"
        )
    missing = missing_methods(kind)
    if missing:
        raise InvalidTask(
            f"a black box has run() and get_output(); the class {kind.__name__} has no {missing}"
        )
    cls: type = kind

    def make(*args: Any, **kwargs: Any) -> Any:
        return cls(*args, **kwargs)

    init = inspect.getattr_static(cls, "__init__")
    make.__name__, make.__qualname__ = cls.__name__, cls.__qualname__
    make.__module__, make.__doc__ = cls.__module__, inspect.getdoc(cls) or ""
    make.__annotations__ = _annotations(init)
    shape: Any = make
    shape.__signature__ = inspect.signature(cls)
    shape.__wrapped__ = init  # whose module tells what the annotations mean
    return make


def _annotations(init: Any) -> dict[str, Any]:
    written = getattr(init, "__annotations__", {})
    return {name: hint for name, hint in written.items() if name != "return"}


def _nothing() -> None: ...


_NO_PARAMETERS = Signature.of(_nothing, task="box")
_OPTIONS = TaskOptions()
_ASKED_ONCE = that_can_pause(_OPTIONS, is_so=False)
"""Of a box whose `run()` blocks in a thread: nobody can make it stand still."""
