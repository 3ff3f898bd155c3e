"""A request that running code stand still, which can be taken back and made anew.

Who runs the code says how it is done: freezing begins at once and is over when the executor says
so (`Work.stands_still`). A stop outranks it: the executor's own way to stop lets the code go on.
"""

from collections.abc import Callable


class Pausing:
    """On the worker's loop only, but for `is_set`.

    Attributes:
        is_set: the code is to stand still; any thread may look.
    """

    def __init__(self) -> None:
        self.is_set = False
        self._freeze: Callable[[], object] = _nothing
        self._thaw: Callable[[], object] = _nothing

    def then(self, freeze: Callable[[], object], thaw: Callable[[], object]) -> None:
        """Say what makes the code stand still and what lets it go on.

        Both return at once and may be called in turn any number of times; `freeze` is called here
        if a pause is asked for already.
        """
        self._freeze, self._thaw = freeze, thaw
        if self.is_set:
            freeze()

    def set(self) -> None:
        """Ask the code to stand still."""
        if not self.is_set:
            self.is_set = True
            self._freeze()

    def clear(self) -> None:
        """Let the code go on."""
        if self.is_set:
            self.is_set = False
            self._thaw()

    def forget(self) -> None:
        """Hold on to nothing of the code: it has ended."""
        self._freeze = self._thaw = _nothing


def _nothing() -> None:
    """What is to be done while nothing can be frozen."""
