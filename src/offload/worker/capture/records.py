"""Records of `logging`, taken where every logger hands them to its handlers.

Not by a handler: one on the root logger would make `logging.basicConfig` do nothing, silence the
handler of last resort, and miss the loggers that do not propagate. So the user's configuration
decides as if we were not there: what a logger's level lets through is recorded, whatever its
handlers do with it. What they print meanwhile is not recorded once more.
"""

import copy
import logging
import threading
from collections.abc import Callable

from offload.text import capped_repr, describe_error

Record = Callable[[str, str, str, float], None]
"""Takes a level, a logger's name, a text and an instant."""

_CallHandlers = Callable[[logging.Logger, logging.LogRecord], None]

JOB_LOGGER = "offload.job"
"""What a job says through `ctx.log` is for its log: there it stands from INFO on, whatever the
program's level is. That level still decides what the handlers get."""

_plain = logging.Formatter()
_handling: set[int] = set()
"""The threads that are in a handler, with a record that was taken."""


def is_handling() -> bool:
    """Whether this thread is one of them; asked for every piece that is printed."""
    return bool(_handling) and threading.get_ident() in _handling


def taking(call_handlers: _CallHandlers, find: Callable[[], Record | None]) -> _CallHandlers:
    """Return what takes the records of running code first, and then does the same.

    Args:
        call_handlers: `logging.Logger.callHandlers`, as it is.
        find: returns what records for the code that logs; None where nobody does.
    """

    def taking_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        found = None if is_handling() else find()
        if found is not None:
            found(record.levelname, record.name, text_of(record), record.created)
        if _is_for_the_log_only(self, record):
            return
        if found is None:
            call_handlers(self, record)
            return
        thread = threading.get_ident()
        _handling.add(thread)
        try:
            call_handlers(self, record)
        finally:
            _handling.discard(thread)

    return taking_handlers


def hear_job_logger() -> None:
    """Let the logger of jobs hand over what its level would keep back; a level of its own stays."""
    logger = logging.getLogger(JOB_LOGGER)
    if logger.level == logging.NOTSET and logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)
        _lowered.add(JOB_LOGGER)


_lowered: set[str] = set()


def leave_job_logger() -> None:
    """Give the logger of jobs its own level back."""
    if JOB_LOGGER in _lowered:
        _lowered.discard(JOB_LOGGER)
        logging.getLogger(JOB_LOGGER).setLevel(logging.NOTSET)


def _is_for_the_log_only(logger: logging.Logger, record: logging.LogRecord) -> bool:
    if logger.name not in _lowered or logger.parent is None:
        return False
    return record.levelno < logger.parent.getEffectiveLevel()


def text_of(record: logging.LogRecord) -> str:
    """Return a record's message, with the traceback if it has one. Never raises."""
    try:
        # A copy: the formatter leaves in a record what other formatters would take for their own.
        return _plain.format(copy.copy(record))
    except Exception as error:
        said = f"{capped_repr(record.msg)} {capped_repr(record.args)}"
        return f"{said} (cannot be formatted: {describe_error(error)})"
