"""Black boxes for tests: what they do is said when they are made."""

import threading
from collections.abc import Callable
from typing import Any


class Box:
    """Notes how often it was run and asked; `run` and `get_output` do what they are told to."""

    def __init__(
        self,
        output: Callable[[], Any] = lambda: None,
        run: Callable[[], Any] = lambda: None,
    ) -> None:
        self.runs = 0
        self.questions = 0
        self._run = run
        self._output = output

    def run(self) -> None:
        self.runs += 1
        self._run()

    def get_output(self) -> Any:
        self.questions += 1
        return self._output()


class Gate:
    """Lets nobody through before it is opened; says when somebody stands before it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._opened = threading.Event()

    def open(self) -> None:
        self._opened.set()

    def pass_through(self) -> None:
        self.reached.set()
        assert self._opened.wait(30), "nobody opened the gate"


class Later:
    """An output that is there after so many questions."""

    def __init__(self, value: Any, questions: int, before: Any = None) -> None:
        self._value = value
        self._left = questions
        self._before = before

    def __call__(self) -> Any:
        self._left -= 1
        return self._value if self._left < 0 else self._before


def raising(error: BaseException) -> Callable[[], Any]:
    """A method that raises."""

    def method() -> Any:
        raise error

    return method
