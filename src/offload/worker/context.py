"""What running code may hold: its job's number, its progress, what it keeps, and when to stop."""

import logging
from collections.abc import (
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Sized,
)
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Final, ParamSpec, TypeVar, cast, overload

from offload.errors import Stopped
from offload.model import Cause
from offload.values import decode
from offload.worker import steps
from offload.worker.checkpoints import Book, Loop, check_name, rest
from offload.worker.keeper import Keeper, refuse_in_loop
from offload.worker.progressing import Board, OpenBar, watch_tqdm

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("offload.job")


class Stop:
    """A request to stop, made once at most; who runs the code says what is then to be done.

    Attributes:
        cause: why, once it was asked; the first one stands.
    """

    def __init__(self) -> None:
        self.cause: Cause | None = None
        self._then: Callable[[], object] | None = None

    @property
    def is_set(self) -> bool:
        """Whether the code was asked to stop."""
        return self.cause is not None

    def then(self, act: Callable[[], object]) -> None:
        """Say what stops the code; done at once if it was asked already."""
        self._then = act
        if self.is_set:
            act()

    def set(self, cause: Cause = Cause.CANCEL) -> None:
        """Ask the code to stop. On the worker's loop only."""
        if self.is_set:
            return
        self.cause = cause
        if self._then is not None:
            self._then()


class _Nothing:
    """No state was given; None is one."""


_NOTHING: Final = _Nothing()


class Context:
    """What a running job knows of itself, and where it keeps what its next attempt is to find.

    A task's parameter annotated `Context` is given one; `current()` returns it anywhere in the
    job's code. Outside a job there is a silent one, so that a task can be called as a function: it
    keeps nothing, and stops nobody.

    Attributes:
        job_id: the job's id; 0 outside a job.
        attempt: the number of this try, from 1; 0 outside a job.
        idempotency_key: a text that is the same for every run of this attempt, also after a crash,
            and for no other: give it to the other side, so that it does the work once.
        completion_token: with it whoever does the work elsewhere may end a polling job early
            (`Offload.complete`); "" for others. It is a secret of this job.
    """

    __offload_context__ = True

    def __init__(
        self,
        job_id: int = 0,
        attempt: int = 0,
        *,
        stop: Stop | None = None,
        tell: Callable[[Board], object] | None = None,
        idempotency_key: str = "",
        completion_token: Callable[[], str] = str,
        keeper: Keeper | None = None,
    ) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self.idempotency_key = idempotency_key
        self._completion_token = completion_token
        self._stop = stop or Stop()
        self._board = Board(tell)
        self._saw_stop = False
        self._keeper = keeper
        self._steps = None if keeper is None else steps.StepNames(keeper.saved.steps)
        self._halt: Callable[[], bool] | None = None

    @cached_property
    def _book(self) -> Book | None:
        """Made when it is first written into: most jobs write nothing, and each would pay 1 us."""
        return None if self._keeper is None else Book(self._keeper)

    @property
    def completion_token(self) -> str:
        """With it whoever does the work elsewhere may end a polling job early."""
        return self._completion_token()

    @property
    def log(self) -> logging.Logger:
        """A logger for what the job has to say; the same as `logging.getLogger("offload.job")`."""
        return _log

    @property
    def should_stop(self) -> bool:
        """Whether the job was cancelled or its worker ends: tidy up and return.

        Code that has read True here and returns None has stopped as it was asked; a value that it
        returns all the same is its result.
        """
        is_set = self._stop.is_set  # looked at once: the wish may come between two looks
        if is_set:
            self._saw_stop = True
        return is_set

    @property
    def saw_stop(self) -> bool:
        """Whether the code has been told to stop."""
        return self._saw_stop

    def progress(
        self,
        done: float,
        total: float | None = None,
        message: str | None = None,
        *,
        unit: str | None = None,
    ) -> None:
        """Say how far the job has come. Cheap in a tight loop: only the latest word is stored.

        Args:
            done: units finished.
            total: units in all, if known.
            message: a few words for people.
            unit: what is counted, in the singular.

        Raises:
            TypeError: `done` or `total` is no number.
            ValueError: it is not a finite one.
        """
        self._board.say(done, total, message, unit)

    def bar(
        self, name: str, total: float | None = None, *, unit: str | None = None, done: float = 0
    ) -> OpenBar:
        """Open a bar of its own beside the job's progress: for a download, for a part of the work.

        As long as the job says nothing else, its first open bar is its progress.

        Args:
            name: what is shown before it. A closed bar of the same name gives way to it.
            total: units in all, if known.
            unit: what is counted, in the singular.
            done: units finished already.

        Raises:
            TypeError: the name is no text, or `done` or `total` is no number.
            ValueError: the name is empty or too long, or a number is not finite.
        """
        check_name(name, "bar")
        bar = OpenBar(name, total, unit=unit, done=done, note=self._board.note)
        self._board.open(bar)
        return bar

    # --- what is kept

    @property
    def saved(self) -> Any:
        """The last state that earlier attempts have kept with `checkpoint`; None if there is none.

        What this attempt keeps does not change it. Read anew each time: what is done to the one
        value touches no other.
        """
        return None if self._book is None else self._book.saved

    def checkpoint(self, state: object = _NOTHING, *, wait: bool = False) -> None:
        """Keep where the work has come, and let a pause, a cancel or an interrupt take effect.

        In a thread a paused job stands still here until it is resumed. In a thread and in a process
        a job that is to stop is unwound from here, after its state was kept. Async code stands
        still and is cancelled at its next `await`, and not here.

        Inside a loop of `iterate` a state is kept together with the item that is in hand, when that
        is done; a job that is to stop may first come to the item's end.

        Args:
            state: what the next attempt finds in `saved`, of at most 64 KiB as JSON. It is written
                down at once: to change the object afterwards is safe. A function is called for
                the state, once a second at most and when the job is to stop; for states that take
                time to make. Without one this is a safe point only.
            wait: return only when it is stored. Otherwise it is stored within about a second, and
                whenever the job stops, fails or pauses.

        Raises:
            Stopped: the job is to stop; let it pass.
            NotSerializable: JSON cannot carry the state exactly; says where in it.
            ValueError: the state is too large; or it is to be stored inside an item of `iterate`.
            RuntimeError: `wait` in a thread in which an event loop runs.
        """
        if self._book is None:
            return
        if wait:
            refuse_in_loop("checkpoint(wait=True)", "use await context.acheckpoint(…, wait=True)")
        is_given = state is not _NOTHING and self._note(self._book, state, wait)
        if wait and not self._book.keep_now():
            raise self._stopped()
        if self._halt is not None and self._halt() and not (is_given and self._book.may_end_item()):
            raise self._stopped()

    async def acheckpoint(self, state: object = _NOTHING, *, wait: bool = False) -> None:
        """As `checkpoint`, for async code: gives others a turn, and stops here like any `await`.

        Raises:
            Stopped: the job belongs to somebody else by now.
            NotSerializable: JSON cannot carry the state exactly; says where in it.
            ValueError: the state is too large; or it is to be stored inside an item of `iterate`.
        """
        if self._book is not None:
            if state is not _NOTHING:
                self._note(self._book, state, wait)
            if wait and not await self._book.keep_soon():
                raise self._stopped()
        await _Turn()

    def iterate(
        self,
        items: Iterable[T],
        *,
        name: str | None = None,
        unit: str | None = None,
        every: int | None = None,
    ) -> Iterator[T]:
        """Go through the items, and in a later attempt go on behind the last one that was kept.

        A cursor is moved when an item is done, which is when the next one is asked for; that is a
        safe point like `checkpoint`. It is stored within about a second and whenever the job
        stops, fails or pauses: after a crash the items of the last second are done again.

        It counts, and looks at no item: in each attempt the items have to be the same, in the same
        order. Loops may stand in each other. The outermost reports the job's progress.

        Args:
            items: what to go through. Those done before are skipped; in a sequence they are not
                even read.
            name: tells the loop from others at the same place; needed if there are several.
            unit: what is counted, in the singular; for the progress.
            every: move the cursor after so many items, for work that is done in batches.

        Raises:
            Stopped: the job is to stop; let it pass.
            ValueError: there was a loop of this name already, or there are fewer items than an
                earlier attempt has gone through.
            RuntimeError: it goes on while a loop that was begun later has an item in hand.
        """
        if every is not None and every < 1:
            raise ValueError(f"every= is a number of items, at least 1, not {every}")
        chosen = "items" if name is None else name
        check_name(chosen, "loop")
        if self._book is None:
            return iter(items)
        return self._gone_through(items, self._book, chosen, unit, every or 1)

    def step(self, name: str, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function once in the life of the job; return what it came to.

        Its value is stored before it is returned, and a later attempt gets the stored value without
        a call. After a crash in the midst of it the function is called again. The value is what
        JSON makes of it, in every attempt: a tuple comes back as a list, a record as a dict. What
        the function raises is not kept, and the step may be tried again.

        Args:
            name: tells the step from all others of the job, in every attempt.
            fn: the function.
            args: what it is called with.
            kwargs: what it is called with.

        Raises:
            Stopped: the job is to stop, or belongs to somebody else by now; let it pass.
            ValueError: this attempt had a step of that name, or its value has more than 1 MiB.
            NotSerializable: JSON cannot carry the value exactly; says where in it.
            RuntimeError: an event loop runs in this thread; there it is `astep`.
        """
        steps.refuse_coroutine(name, fn)
        if self._keeper is None or self._steps is None:
            return cast("T", decode(steps.written(name, fn(*args, **kwargs))))
        stored = self._steps.take(name)
        if stored is not None:
            return cast("T", decode(stored))
        try:
            refuse_in_loop("step()", f"use await context.astep({name!r}, …)")
            self._pass_safe_point()
            encoded = steps.written(name, fn(*args, **kwargs))
            is_ours = self._keeper.keep_now(None, ((name, encoded),))
        except BaseException:
            self._steps.give_back(name)
            raise
        if not is_ours:
            raise self._stopped()
        return cast("T", decode(encoded))

    @overload
    async def astep(
        self, name: str, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    @overload
    async def astep(
        self, name: str, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    async def astep(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """As `step`, for async code; the function may be async itself. Steps may run side by side.

        A function that is not async is called on the event loop; give it to `asyncio.to_thread` if
        it takes time: `await context.astep("name", asyncio.to_thread, fn, …)`.

        Raises:
            Stopped: the job belongs to somebody else by now; let it pass.
            ValueError: this attempt had a step of that name, or its value has more than 1 MiB.
            NotSerializable: JSON cannot carry the value exactly; says where in it.
        """
        if self._keeper is None or self._steps is None:
            return decode(steps.written(name, await steps.awaited(fn(*args, **kwargs))))
        stored = self._steps.take(name)
        if stored is not None:
            return decode(stored)
        try:
            encoded = steps.written(name, await steps.awaited(fn(*args, **kwargs)))
            is_ours = await self._keeper.keep_soon(None, ((name, encoded),))
        except BaseException:
            self._steps.give_back(name)
            raise
        if not is_ours:
            raise self._stopped()
        return decode(encoded)

    def _note(self, book: Book, state: object, wait: bool) -> bool:
        """Take a state; says whether there was one to be taken."""
        if wait and book.is_inside_item:
            raise ValueError(
                "inside an item of iterate() a state is kept when the item is done, so it cannot "
                "be waited for; use step() for what must be stored at once"
            )
        if callable(state):
            if not (book.is_due() or wait or self._stop.is_set):
                return False
            state = state()
        book.note(state)
        return True

    def _gone_through(
        self, items: Iterable[T], book: Book, name: str, unit: str | None, every: int
    ) -> Iterator[T]:
        loop = book.enter(name, every)
        total = len(items) if isinstance(items, Sized) else None
        try:
            self._report(loop, total, unit)
            for item in rest(items, loop, total):
                yield item
                was_kept = book.advance(loop)
                self._report(loop, total, unit)
                if was_kept:
                    self._pass_safe_point()
            book.finish(loop)
        finally:
            book.leave(loop)

    def _report(self, loop: Loop, total: int | None, unit: str | None) -> None:
        if loop.is_outermost:
            self._board.say(loop.done, total, None, unit)

    def _pass_safe_point(self) -> None:
        if self._halt is not None and self._halt():
            raise self._stopped()

    def _stopped(self) -> Stopped:
        self._saw_stop = True
        return Stopped("the job is to stop, and its code is unwound: let this pass")


class _Turn:
    """Awaited, it lets the event loop do what else there is."""

    def __await__(self) -> Generator[None, None, None]:
        yield


_SILENT = Context()
_current: ContextVar[Context] = ContextVar("offload_context", default=_SILENT)


def current() -> Context:
    """Return the running job's context; a silent one outside a job."""
    return _current.get()


def enter(context: Context) -> None:
    """Make this the current context, for the code that runs from here on."""
    watch_tqdm(lambda: board_of(current()))
    _current.set(context)


def board_of(context: Context) -> Board:
    """Return where a job's code says how far it has come."""
    return context._board


def halt_at_checkpoints(context: Context, halt: Callable[[], bool]) -> None:
    """Let the checkpoints of a job's code call this; whoever runs the code knows how it is held.

    Args:
        context: the job's.
        halt: waits as long as the job is paused, and says whether its code is to stop. Called in
            the thread of the code, at each checkpoint and after each item: it must be quick.
    """
    context._halt = halt


def progress(
    items: Iterable[T],
    *,
    total: float | None = None,
    unit: str | None = None,
    name: str | None = None,
) -> Iterator[T]:
    """Go through the items and report each one done as the running job's progress.

    Of loops that stand in each other the outermost is the job's progress, and the others are shown
    as bars beside it.

    Args:
        items: what to go through.
        total: how many there are; taken from the items where they know it.
        unit: what is counted, in the singular.
        name: report as a bar of this name instead; see `Context.bar`.
    """
    context = current()
    if total is None and isinstance(items, Sized):
        total = len(items)
    if name is not None:
        check_name(name, "bar")
    return _reporting(items, context._board, total, unit, name)


def _reporting(
    items: Iterable[T], board: Board, total: float | None, unit: str | None, name: str | None
) -> Iterator[T]:
    is_inner = board.loops > 0
    if name is not None or is_inner:
        bar = OpenBar(name or "", total, unit=unit, is_passing=name is None, note=board.note)
        board.open(bar)
        yield from _with_bar(items, bar)
    else:
        yield from _as_progress(items, board, total, unit)


def _as_progress(
    items: Iterable[T], board: Board, total: float | None, unit: str | None
) -> Iterator[T]:
    board.loops += 1
    try:
        board.say(0, total, None, unit)
        for done, item in enumerate(items, 1):
            yield item
            board.say(done, total, None, unit)
    finally:
        board.loops -= 1


def _with_bar(items: Iterable[T], bar: OpenBar) -> Iterator[T]:
    with bar:
        for item in items:
            yield item
            bar.advance()
