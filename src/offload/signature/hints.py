"""One idea: the annotations of a function or class, resolved as far as they can be.

A name that exists only under TYPE_CHECKING, or a class local to another function, spoils only the
annotation that uses it.
"""

import inspect
import sys
import types
import typing
from typing import Annotated, Any, Literal, Union, get_args, get_origin

if sys.version_info >= (3, 14):
    import annotationlib


def resolved_hints(owner: Any) -> dict[str, Any]:
    """The annotations by name; one that cannot be resolved stays as it was written."""
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except Exception:  # evaluating annotations runs the user's code, which may raise anything
        return {name: _resolved(hint, owner) for name, hint in _written(owner).items()}


def written_signature(function: Any) -> inspect.Signature:
    """What `inspect.signature` finds, also where Python 3.14 cannot evaluate an annotation yet."""
    if sys.version_info >= (3, 14):
        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    else:
        return inspect.signature(function)


def _written(owner: Any) -> dict[str, Any]:
    """The annotations as they were written, those of a class's bases included."""
    owners = reversed(owner.__mro__) if isinstance(owner, type) else [owner]
    return {name: hint for each in owners for name, hint in _own(each).items()}


def _own(owner: Any) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        return annotationlib.get_annotations(owner, format=annotationlib.Format.FORWARDREF)
    else:
        return inspect.get_annotations(owner)


def _resolved(hint: Any, owner: Any) -> Any:
    """One annotation on its own."""
    home = sys.modules.get(getattr(owner, "__module__", ""))
    names = getattr(owner, "__globals__", None) or vars(home or typing)
    holder = types.SimpleNamespace(__annotations__={"hint": hint})
    try:
        return typing.get_type_hints(holder, names, include_extras=True)["hint"]
    except Exception:  # as above
        return hint


def in_words(hint: Any) -> str:
    """The annotation as a person would write it: without modules and metadata."""
    origin, items = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return in_words(items[0])
    if origin in (Union, types.UnionType):
        return " | ".join(in_words(item) for item in items)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, items))}]"
    if isinstance(hint, list):
        return f"[{', '.join(in_words(item) for item in hint)}]"
    if items and isinstance(origin, type):
        return f"{origin.__name__}[{', '.join(in_words(item) for item in items)}]"
    if hint is None or hint is types.NoneType:
        return "None"
    if isinstance(hint, str):
        return hint
    return "..." if hint is ... else str(getattr(hint, "__name__", hint))
