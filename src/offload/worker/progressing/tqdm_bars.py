"""The bars of `tqdm` inside a job report as the job's progress, without a line of its code.

`tqdm` is never imported here. Where somebody imports it, and where it has been imported already,
its base class is extended: after the drawing of a bar, which `tqdm` itself does ten times a second
at most, what it shows is said on the board of the job that has made it. All its kinds of bars
(`tqdm.auto`, `tqdm.notebook`, `tqdm.asyncio`, `trange`) are made of that class. What a bar prints
stays what it was, and outside jobs nothing is different.
"""

import contextlib
import io
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

from offload.worker.progressing.board import Board
from offload.worker.progressing.open_bar import OpenBar
from offload.worker.progressing.words import number, words

FindBoard = Callable[[], Board]

_MODULE: Final = "tqdm.std"
_BAR: Final = "_offload_bar"
_ITS_OWN_UNIT: Final = "it"


def watch_tqdm(find: FindBoard) -> None:
    """Let the bars of `tqdm` report, from now on and in this process; once is enough.

    Args:
        find: returns the board of the job whose code is running.
    """
    for finder in sys.meta_path:
        if type(finder) is _Finder:  # `isinstance` takes five times as long, and each job asks
            return
    sys.meta_path.insert(0, _Finder(find))
    module = sys.modules.get(_MODULE)
    if module is not None:
        _extend(module, find)


class _Finder(MetaPathFinder):
    """Finds nothing itself, and sees to the one module when others have found it."""

    def __init__(self, find: FindBoard) -> None:
        self._find = find

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _MODULE:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            self._follow(spec.loader)
        return spec

    def _follow(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            _extend(module, self._find)

        loader.exec_module = exec_module


def _extend(module: ModuleType, find: FindBoard) -> None:
    """Extend the class; a `tqdm` that has no such class, or methods, is left as it is."""
    kind = getattr(module, "tqdm", None)
    if kind is None or not all(hasattr(kind, name) for name in ("refresh", "close")):
        return
    init, refresh, close = kind.__init__, kind.refresh, kind.close

    @wraps(init)
    def extended_init(self: Any, *args: Any, **options: Any) -> None:
        board = find()
        if board.is_looked_at and options.get("disable", False) is None:
            options |= _quiet(options)
        init(self, *args, **options)
        if board.is_looked_at and not self.disable:
            _open(self, board)

    @wraps(refresh)
    def extended_refresh(self: Any, *args: Any, **options: Any) -> Any:
        drawn = refresh(self, *args, **options)
        _say(self)
        return drawn

    @wraps(close)
    def extended_close(self: Any) -> None:
        _end(self)
        close(self)

    kind.__init__, kind.refresh, kind.close = extended_init, extended_refresh, extended_close


def _quiet(options: dict[str, Any]) -> dict[str, Any]:
    """`disable=None` asks for a bar on terminals only: elsewhere it reports and prints nothing."""
    stream = options.get("file") or sys.stderr
    is_shown = hasattr(stream, "isatty") and stream.isatty()
    return {"disable": False} if is_shown else {"disable": False, "file": _Nowhere()}


class _Nowhere(io.TextIOBase):
    """Where a bar is drawn that nobody wants to see."""

    def write(self, text: str) -> int:
        """Forget the text."""
        return len(text)


def _open(bar: Any, board: Board) -> None:
    shown = OpenBar("", is_passing=True, note=board.note)
    setattr(bar, _BAR, shown)
    board.open(shown)
    _say(bar)


def _say(bar: Any) -> None:
    """Say what the bar shows; what is no number stands as it was."""
    shown: OpenBar | None = getattr(bar, _BAR, None)
    if shown is None:
        return
    shown.name = (words(bar.desc) or "").strip().removesuffix(":")
    shown.unit = None if bar.unit == _ITS_OWN_UNIT else words(str(bar.unit).strip())
    with contextlib.suppress(TypeError, ValueError):
        scale = _scale(bar)
        total = None if bar.total is None else number(bar.total) * scale
        shown.update(number(bar.n) * scale, total, words(bar.postfix) or "")


def _scale(bar: Any) -> float:
    return 1 if isinstance(bar.unit_scale, bool) else number(bar.unit_scale or 1)


def _end(bar: Any) -> None:
    shown: OpenBar | None = getattr(bar, _BAR, None)
    if shown is not None and shown.is_open:
        _say(bar)
        shown.close()
