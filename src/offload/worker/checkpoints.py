"""What an attempt keeps for the next one: the state its code gave, and how far its loops have come.

    {"state": {"sum": 6}, "loops": {"items": {"done": 3}}}

Both are always kept together, as they were at one instant. That makes this loop right, wherever it
is cut off:

    for item in context.iterate(items):
        total += item
        context.checkpoint(total)

A state that is given while an item is in hand is kept together with that item, when it is done.
Kept at once, it would hold an item that the next attempt goes through again.

Loops stand in each other. What inner ones have done belongs to the item of the outer one, and is
forgotten with it. A loop that was left (`break`) is over as soon as something is kept behind it;
but not while an exception is handled, for then another attempt may want to go on there.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from offload.values import decode, encode
from offload.worker.keeper import Keeper

T = TypeVar("T")

MOST_STATE_BYTES = 64 << 10
"""A checkpoint is where the work is, not the work: that belongs in a file."""

MOST_NAME_BYTES = 200
"""Of the name of a loop or a step."""

CALLED_SECONDS = 1.0
"""A state that is a function is asked for at most this often: so often is it stored."""

_NO_STATE = b"null"


class Cursor(msgspec.Struct, omit_defaults=True):
    """How far a loop has come.

    Attributes:
        done: items that need not be gone through again.
        is_over: the loop was left before its end, for good.
        within: the loops inside the item that comes next.
    """

    done: int = 0
    is_over: bool = False
    within: dict[str, "Cursor"] = {}


class _Kept(msgspec.Struct):
    state: msgspec.Raw = msgspec.Raw(_NO_STATE)
    loops: dict[str, Cursor] = {}


class Loop:
    """A loop that is being gone through.

    Attributes:
        done: items gone through, those before this attempt included.
        is_outermost: it stands in no other loop.
    """

    __slots__ = ("_names", "cursor", "done", "every", "is_finished", "is_outermost", "name", "told")

    def __init__(self, name: str, cursor: Cursor, every: int, is_outermost: bool) -> None:
        self.name = name
        self.cursor = cursor
        self.every = every
        self.done = cursor.done
        self.is_finished = False
        self.is_outermost = is_outermost
        self.told = 0  # states given in the items in hand since the job was to stop
        self._names: set[str] = set()

    def inner(self, name: str) -> Cursor:
        """Return where an inner loop stands; each name is taken once an item."""
        if self.every > 1:
            raise ValueError(
                f"the loop {self.name!r} goes by {self.every} items (every=); no other loop of "
                "iterate() can stand in it"
            )
        if name in self._names:
            where = f"inside an item of the loop {self.name!r}" if self.name else "in this job"
            raise ValueError(
                f"there has been a loop of the name {name!r} {where} already; "
                "give each its own: iterate(items, name=…)"
            )
        self._names.add(name)
        return self.cursor.within.setdefault(name, Cursor())

    def note_done(self) -> None:
        """Nothing inside the items in hand matters any more: they are done."""
        self.cursor.done = self.done
        self.told = 0
        if self._names or self.cursor.within:
            self._names.clear()
            self.cursor.within = {}


class Book:
    """Keeps state and loops as they stand. From one thread of the job's code at a time."""

    __slots__ = ("_due_at", "_given", "_keeper", "_left", "_open", "_saved", "_state")

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        value = keeper.saved.value
        kept = _Kept() if value is None else _read(value)
        self._saved = self._state = bytes(kept.state)
        self._given: bytes | None = None
        self._open = [Loop("", Cursor(within=kept.loops), 1, False)]
        self._left: list[Cursor] = []
        self._due_at = 0.0

    @property
    def saved(self) -> object:
        """The last state of earlier attempts, read anew each time; None if there is none."""
        return decode(self._saved)

    @property
    def is_inside_item(self) -> bool:
        """Whether a loop has an item in hand."""
        return len(self._open) > 1

    def is_due(self) -> bool:
        """Whether a state that costs something to make should be made; true once a second."""
        now = time.monotonic()
        if now < self._due_at:
            return False
        self._due_at = now + CALLED_SECONDS
        return True

    def note(self, state: object) -> None:
        """Take a new state: at once, or together with the item that is in hand."""
        encoded = encode(state)
        if len(encoded) > MOST_STATE_BYTES:
            raise ValueError(
                f"the state of a checkpoint may have {MOST_STATE_BYTES:,} bytes as JSON; this one "
                f"has {len(encoded):,}. Keep what is large in a file, and its name in the state"
            )
        self._given = encoded
        if len(self._open) == 1:
            self._keep()

    async def keep_soon(self) -> bool:
        """Store what was taken; says whether the job is still ours."""
        return await self._keeper.keep_soon(self._written(), ())

    def keep_now(self) -> bool:
        """Store what was taken and wait for it; says whether the job is still ours."""
        return self._keeper.keep_now(self._written(), ())

    # --- loops

    def enter(self, name: str, every: int) -> Loop:
        """Begin a loop, or go on with it where the attempt before had come."""
        outer = self._open[-1]
        loop = Loop(name, outer.inner(name), every, is_outermost=len(self._open) == 1)
        self._open.append(loop)
        return loop

    def advance(self, loop: Loop) -> bool:
        """Note that an item is done; says whether that was kept."""
        if self._open[-1] is not loop:
            raise RuntimeError(
                f"the loop {self._open[-1].name!r} has an item in hand, and {loop.name!r} goes on: "
                "loops of iterate() may stand in each other, but not take turns. Go through "
                "iterate(zip(…)), or start one job for each"
            )
        loop.done += 1
        if loop.done % loop.every:
            return False
        loop.note_done()
        self._keep()
        return True

    def finish(self, loop: Loop) -> None:
        """Note that a loop has come to its end."""
        loop.is_finished = True
        if loop.done != loop.cursor.done:
            loop.note_done()
            self._keep()

    def leave(self, loop: Loop) -> None:
        """Let go of a loop, finished or not, and of those inside it."""
        while loop in self._open:
            innermost = self._open.pop()
            if not innermost.is_finished:
                self._left.append(innermost.cursor)
        if len(self._open) == 1:
            self._given = None

    def may_end_item(self) -> bool:
        """Whether code that has given a state may first end its item, though it is to stop.

        The state is likely to be the last thing in the item. Code that gives a further one was not
        at its end, and is stopped there: its item is done again.
        """
        loop = self._open[-1]
        loop.told += 1
        return len(self._open) > 1 and loop.told <= loop.every

    def _keep(self) -> None:
        if self._given is not None:
            self._state, self._given = self._given, None
        if self._left and sys.exc_info()[0] is None:
            for cursor in self._left:
                cursor.is_over = True
            self._left.clear()
        self._keeper.keep(self._written())

    def _written(self) -> bytes:
        loops = self._open[0].cursor.within
        if not loops:
            return b'{"state":%b}' % self._state
        return b'{"state":%b,"loops":%b}' % (self._state, _write(loops))


def rest(items: Iterable[T], loop: Loop, total: int | None) -> Iterable[T]:
    """Return the items that are not done yet.

    Raises:
        ValueError: there are fewer than were done.
    """
    if loop.cursor.is_over:
        return ()
    if not loop.done:
        return items
    if total is not None and total < loop.done:
        raise ValueError(
            f"an earlier attempt went through {loop.done} items of the loop {loop.name!r}, and now "
            f"there are {total}: the items have to be the same in each attempt"
        )
    if isinstance(items, Sequence):
        return (items[at] for at in range(loop.done, len(items)))
    return islice(items, loop.done, None)


def check_name(name: str, what: str) -> None:
    """Check the name of a loop or a step.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty, or too long.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a {what} is text, not {type(name).__name__}")
    if not 0 < len(name.encode()) <= MOST_NAME_BYTES:
        raise ValueError(f"the name of a {what} has 1 to {MOST_NAME_BYTES} bytes, not {len(name)}")


_read: Callable[[bytes], _Kept] = msgspec.json.Decoder(_Kept).decode
_write = msgspec.json.Encoder().encode
