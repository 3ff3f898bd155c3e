"""One idea: a function's parameters, taken apart once, when it becomes a task."""

import enum
import functools
import inspect
import itertools
import re
import types
from collections.abc import Callable, Collection, Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import inspect as kinds

from offload.errors import InvalidTask
from offload.redacting import HIDDEN
from offload.signature.annotation import Unreadable, never_fits, readable
from offload.signature.faults import shown
from offload.signature.hints import in_words, resolved_hints, written_signature
from offload.signature.shapes import shape
from offload.text import capped_repr

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
POSITIONAL_ONLY = inspect.Parameter.POSITIONAL_ONLY
REST = inspect.Parameter.VAR_POSITIONAL
EXTRA = inspect.Parameter.VAR_KEYWORD


class Parameter(msgspec.Struct, frozen=True, eq=False):
    """One parameter of a task's function.

    Attributes:
        name: as the function calls it; ``*urls`` is a parameter ``urls`` that holds a list.
        kind: how Python lets it be given.
        accepted: its type in a form that can be read; for ``**options``, of each option.
        shape: what is known about that type.
        default: the function's own, or `inspect.Parameter.empty`.
        is_required: whether a job cannot be started without it.
        is_context: whether the worker gives it; users never do.
        description: what the docstring says about it.
    """

    name: str
    kind: Any
    accepted: Any
    shape: kinds.Type
    default: Any
    is_required: bool
    is_context: bool
    description: str

    @property
    def fallback(self) -> Any:
        """What stands in its place when it is not given but a later one must be."""
        return None if self.default is inspect.Parameter.empty else self.default


class Taken(msgspec.Struct, frozen=True, eq=False):
    """A function taken apart.

    Attributes:
        parameters: in the order of the function, the Context included.
        returns: the return annotation, or Any.
        text: the signature as people read it, without the Context: ``(a: int, b: int = 5)``.
        doc: the docstring.
    """

    parameters: tuple[Parameter, ...]
    returns: Any
    text: str
    doc: str


def take_apart(function: Callable[..., Any], task: str, secret: Collection[str] = ()) -> Taken:
    """Find what the function takes and gives back.

    Args:
        function: what the task runs.
        task: the name it is registered under.
        secret: the parameters whose defaults are not shown.

    Raises:
        InvalidTask: the function cannot be a task as it is written.
    """
    written = _written(function, task)
    body = _body(function)
    hints = resolved_hints(body)
    doc = inspect.getdoc(body) or ""
    described = _descriptions(doc)
    parameters = tuple(
        _parameter(each, hints.get(name, each.annotation), described.get(name, ""), task)
        for name, each in written.parameters.items()
    )
    if sum(parameter.is_context for parameter in parameters) > 1:
        raise refusal(task, "more than one parameter is a Context; there is only one")
    hidden = {parameter.name for parameter in parameters if parameter.is_context}
    text = _text(written, hints, hidden, secret)
    return Taken(parameters, hints.get("return", Any), text, doc)


def refusal(task: str, why: str) -> InvalidTask:
    """The error for a function that cannot become this task."""
    return InvalidTask(f"{task!r} cannot be a task: {why}")


def _written(function: Any, task: str) -> inspect.Signature:
    if inspect.isclass(function):
        raise refusal(task, "it is a class; give a function that makes one and runs it")
    if not callable(function):
        raise refusal(task, f"{shown(function)} cannot be called; give a function")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise refusal(
            task, "it is a generator (it yields), which is not supported yet; return a list"
        )
    try:
        written = written_signature(function)
    except (TypeError, ValueError) as error:
        raise refusal(task, f"its parameters cannot be found ({error})") from error
    if _is_method_without_object(function, written):
        raise refusal(task, "it is a method seen without its object; register the bound method")
    return written


def _is_method_without_object(function: Any, written: inspect.Signature) -> bool:
    """Whether this is a `def method(self, …)` taken from the body of a class."""
    within = getattr(function, "__qualname__", "").rpartition("<locals>.")[2]
    first = next(iter(written.parameters.values()), None)
    is_self = first is not None and first.name == "self" and first.annotation is first.empty
    return inspect.isfunction(function) and "." in within and is_self


def _body(function: Any) -> Any:
    """The function that `inspect.signature` has looked at, beneath partials and wrappers."""
    while isinstance(function, functools.partial):
        function = function.func
    if not (inspect.isroutine(function) or hasattr(function, "__wrapped__")):
        function = type(function).__call__
    return inspect.unwrap(function, stop=lambda each: hasattr(each, "__signature__"))


def _parameter(written: inspect.Parameter, hint: Any, description: str, task: str) -> Parameter:
    is_context = _is_context(hint)
    is_many = written.kind in (REST, EXTRA)
    if is_context and is_many:
        raise refusal(task, f"{written.name!r} is a Context, which cannot be given many times")
    is_required = not (is_context or is_many) and written.default is written.empty
    if is_required and never_fits(hint):
        why = f"its parameter {written.name!r} ({in_words(hint)}) can never be given in JSON"
        raise refusal(task, f"{why}; give it a default, or annotate what arrives")
    try:
        accepted: Any = Any if is_context else readable(hint)
    except Unreadable as error:
        raise refusal(task, f"its parameter {written.name!r}: {error}") from error
    accepted = list[accepted] if written.kind is REST else accepted
    return Parameter(
        name=written.name,
        kind=written.kind,
        accepted=accepted,
        shape=shape(accepted),
        default=written.default,
        is_required=is_required,
        is_context=is_context,
        description=description,
    )


def _is_context(hint: Any) -> bool:
    """Whether the annotation is offload's Context, which lives in a room above this one.

    It is known by a mark that it carries; where its name cannot be resolved, by that name.
    """
    hint = getattr(hint, "__forward_arg__", hint)
    if isinstance(hint, str):
        return _CONTEXT.fullmatch(hint) is not None
    if get_origin(hint) is Annotated:
        return _is_context(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return any(_is_context(member) for member in get_args(hint))
    return isinstance(hint, type) and getattr(hint, "__offload_context__", False) is True


_CONTEXT = re.compile(r"(\w+\.)*Context(\s*\|\s*None)?|(\w+\.)*Optional\[(\w+\.)*Context\]")


def _text(
    written: inspect.Signature,
    hints: dict[str, Any],
    hidden: set[str],
    secret: Collection[str],
) -> str:
    visible = [
        _readable(each, hints.get(name, each.annotation), is_secret=name in secret)
        for name, each in written.parameters.items()
        if name not in hidden
    ]
    return str(written.replace(parameters=visible, return_annotation=written.empty))


def _readable(written: inspect.Parameter, hint: Any, *, is_secret: bool) -> inspect.Parameter:
    """The parameter with an annotation and a default that `inspect` prints for people."""
    if hint is not written.empty:
        written = written.replace(annotation=_Verbatim(in_words(hint)))
    if written.default is not written.empty:
        shown = _as_sent(written.default)
        default = HIDDEN if is_secret else capped_repr(shown, limit=80)
        written = written.replace(default=_Verbatim(default))
    return written


def _as_sent(default: Any) -> Any:
    """Give a member of an enum as it is written in JSON: its value; others as they are."""
    return default.value if isinstance(default, enum.Enum) else default


class _Verbatim:
    """Text that `inspect.Signature` prints as it stands."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


_SECTION = re.compile(r"(Args|Arguments|Parameters):\s*")
_ENTRY = re.compile(r"(?P<indent>\s+)\*{0,2}(?P<name>\w+)\s*(\([^)]*\))?:\s*(?P<text>.*)")


def _descriptions(doc: str) -> dict[str, str]:
    """What a docstring's section ``Args:`` (Google style) says about each parameter."""
    found: dict[str, str] = {}
    indent, name = "", ""
    for line in _section(doc.splitlines()):
        entry = _ENTRY.fullmatch(line)
        if entry and (not indent or entry["indent"] == indent):
            indent, name = entry["indent"], entry["name"]
            found[name] = entry["text"].strip()
        elif name:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _section(lines: list[str]) -> Iterator[str]:
    rest = itertools.dropwhile(lambda line: not _SECTION.fullmatch(line), lines)
    inside = itertools.takewhile(lambda line: not line.strip() or line[0].isspace(), list(rest)[1:])
    return filter(str.strip, inside)
