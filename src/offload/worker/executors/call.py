"""From stored parameters to a call, and from how the call ended to an outcome.

Total functions: whatever the code returned or raised, there is an outcome.
"""

import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offload.errors import Fatal, InvalidParameters, NotSerializable
from offload.model import Error, Failed, Outcome, Snooze, Snoozed, Succeeded
from offload.registry import RegisteredTask
from offload.text import capped_repr, capped_str, sanitise, type_name
from offload.values import encode
from offload.worker.context import Context

MOST_RESULT_BYTES = 16 << 20
"""A larger result is refused: a store of jobs is no store of files."""

MOST_MESSAGE_BYTES = 8 << 10
MOST_TRACEBACK_BYTES = 64 << 10


def arguments(
    task: RegisteredTask, params: bytes, context: Context
) -> tuple[list[Any], dict[str, Any]]:
    """Make the call's arguments of the stored parameters, the context among them if it is wanted.

    Raises:
        InvalidParameters: the task's signature has changed since they were stored.
    """
    return task.signature.call_arguments(params, context=context)


def returned(task: RegisteredTask, value: object) -> Outcome:
    """The code returned a value: it is kept exactly, or the job fails and says why.

    One value is no result: a `Snooze` asks for another run later.
    """
    if isinstance(value, Snooze):
        return Snoozed(value.seconds)
    try:
        encoded = encode(value, hook=task.options.encode)
    except NotSerializable as error:
        return _unkept(f"{error}. It was {_shown(capped_repr, value)}")
    except BaseException as error:  # its own code calls for the program's end
        return _unkept(f"$: {type_name(value)} raised {type_name(error)} while it was read")
    if len(encoded) > MOST_RESULT_BYTES:
        size = len(encoded) / (1 << 20)
        return _unkept(f"$: it has {size:.1f} MiB; at most 16 MiB are kept")
    return Succeeded(encoded)


def raised(error: BaseException, task: RegisteredTask | None = None) -> Failed:
    """The code raised: the exception is kept as text, and nothing of it lives on.

    Another attempt is worth it for what the task says (`retry_on`), and never after a `Fatal`.
    """
    message = _shown(lambda error: capped_str(error, limit=MOST_MESSAGE_BYTES), error)
    if isinstance(error, InvalidParameters):
        return Failed(Error(code="undecodable", message=message), again=False)
    kept = Error(
        code="exception",
        type=type_name(error).removeprefix("__main__."),
        message=message,
        traceback=_traceback(error),
    )
    return Failed(kept, again=_is_worth_another(error, task))


def _unkept(why: str) -> Failed:
    message = f"the result cannot be kept exactly: {why}"
    return Failed(Error(code="not-serializable", message=message), again=False)


def _is_worth_another(error: BaseException, task: RegisteredTask | None) -> bool:
    if task is None or isinstance(error, Fatal):
        return False
    return isinstance(error, task.options.retry_on)


def _shown(show: Callable[[object], str], thing: object) -> str:
    """Describe what may raise anything at all while it is looked at; here it ends no program."""
    try:
        return show(thing)
    except BaseException:
        return f"<{type_name(thing)} that cannot be shown>"


def _traceback(error: BaseException) -> str:
    """Format the traceback without our own frames above the user's code."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OWN_FOLDERS):
        frames = frames.tb_next
    try:
        lines = traceback.format_exception(type(error), error, frames)
    except BaseException:  # an exception's own code may raise anything while it is formatted
        return ""
    return sanitise("".join(lines), limit=MOST_TRACEBACK_BYTES)


_OWN_FOLDERS = (
    __file__.rpartition("executors")[0],
    str(Path(__file__).parents[2] / "contrib") + os.sep,
)
