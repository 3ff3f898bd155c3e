"""Which attempt's recorder a piece of code writes to: that of the context that it runs in.

A thread that the code starts itself begins with an empty context, as Python has it, and what it
prints is nobody's; `contextvars.copy_context().run` and `asyncio.to_thread` take the context along.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable
from types import TracebackType

from offload.model import LogLine
from offload.worker.capture.recorder import Recorder
from offload.worker.context import Context, current

Say = Callable[[Iterable[LogLine]], None]


class Recording:
    """An attempt whose code may write something; most never do, and have no recorder.

    On the worker's loop, as a context manager. All that was written has been said when it ends.

    Args:
        context: that of the attempt.
        say: keeps lines of its log; see `Work.say`.
    """

    __slots__ = ("_key", "_loop", "_recorder", "_say")

    def __init__(self, context: Context, say: Say) -> None:
        self._key = id(context)
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._recorder: Recorder | None = None

    def __enter__(self) -> "Recording":
        _open[self._key] = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del _open[self._key]
        if self._recorder is not None:
            self._recorder.close()

    @property
    def recorder(self) -> Recorder:
        """What records for it; made for the first piece that is written. In any thread."""
        if self._recorder is None:
            with _making:
                if self._recorder is None:
                    self._recorder = Recorder(self._say, self._loop)
        return self._recorder


_open: dict[int, Recording] = {}
"""By the identity of the context: looked up for every piece that is printed anywhere."""

_making = threading.RLock()


def recorder_of(context: Context) -> Recorder | None:
    """Return the recorder of a running attempt; None where there is none (any more)."""
    found = _open.get(id(context))
    return None if found is None else found.recorder


def recorder_here() -> Recorder | None:
    """Return the recorder of the code that asks."""
    if not _open:
        return None
    found = _open.get(id(current()))
    return None if found is None else found.recorder
