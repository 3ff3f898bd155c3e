"""Standard output and error as running code sees them: recorded for its job, and shown as ever."""

from collections.abc import Callable, Iterable
from typing import Any, TextIO

from offload.worker.capture.records import is_handling

Write = Callable[[str, str], None]
"""Takes a stream's name and a piece of text."""


class Routed:
    """A stream in front of another one; whatever it does not do itself the other one does.

    Args:
        stream: the other one.
        source: its name in a log.
        find: returns what records for the code that writes; None where nobody does.
    """

    def __init__(self, stream: TextIO, source: str, find: Callable[[], Write | None]) -> None:
        self._stream = stream
        self._source = source
        self._find = find

    @property
    def routed_stream(self) -> TextIO:
        """The other one."""
        return self._stream

    def write(self, text: str) -> int:
        """Write text; see `io.TextIOBase.write`."""
        if isinstance(text, str):
            record = self._find()
            if record is not None and not is_handling():
                record(self._source, text)
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines; see `io.IOBase.writelines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Any:
        return iter(self._stream)

    def __enter__(self) -> "Routed":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __repr__(self) -> str:
        return f"<{self._source} of each job in front of {self._stream!r}>"
