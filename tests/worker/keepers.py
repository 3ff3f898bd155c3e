"""A keeper that keeps in memory, and one attempt after another on what it has kept."""

import msgspec

from offload.model import Saved
from offload.worker.context import Context, Stop, halt_at_checkpoints
from offload.worker.keeper import Steps
from offload.worker.progressing import Board


class Shelf:
    """What one job keeps.

    Attributes:
        kept: the checkpoints that were taken, the latest last.
        stored: those that were waited for.
        steps: what steps came to.
        is_ours: what is said to whoever wants something stored.
    """

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.stored: list[bytes | None] = []
        self.steps: dict[str, bytes] = {}
        self.is_ours = True
        self.first: bytes | None = None

    @property
    def saved(self) -> Saved:
        return Saved(self.first, dict(self.steps))

    @property
    def last(self) -> object:
        """The latest checkpoint."""
        return msgspec.json.decode(self.kept[-1])

    def keep(self, value: bytes) -> None:
        self.kept.append(value)

    def keep_now(self, value: bytes | None, steps: Steps) -> bool:
        if self.is_ours:
            self.stored.append(value)
            self.steps |= dict(steps)
        return self.is_ours

    async def keep_soon(self, value: bytes | None, steps: Steps) -> bool:
        return self.keep_now(value, steps)

    def attempt(self, *, halts: bool = True) -> "Attempted":
        """Begin the next attempt: it finds what was kept last."""
        self.first = self.kept[-1] if self.kept else None
        return Attempted(self, halts)


class Attempted:
    """One attempt.

    Attributes:
        context: what its code holds.
        stop: asks it to stop.
        told: its progress, as (done, total).
    """

    def __init__(self, shelf: Shelf, halts: bool) -> None:
        self.told: list[tuple[float, float | None]] = []
        self.stop = Stop()
        self.context = Context(
            1,
            1,
            stop=self.stop,
            tell=self._note,
            keeper=shelf,
        )
        if halts:
            halt_at_checkpoints(self.context, lambda: self.stop.is_set)

    def _note(self, board: Board) -> None:
        word = board.take()
        self.told.append((word.done, word.total))
