"""What a client's program declares: the tasks of `tests.http.site`, as far as it uses them."""

from typing import Any, NamedTuple, cast

from offload import Offload, Task


class Declared(NamedTuple):
    """The tasks in the hands of the client's program; their code is never run there."""

    add: Task[[int, int], int]
    echo: Task[[Any], Any]
    boom: Task[[], None]
    hold: Task[[], str]


def declare(app: Offload) -> Declared:
    @app.task
    async def add(a: int, b: int = 1) -> int:
        raise AssertionError("a client's program runs no job")

    @app.task
    async def echo(value: Any = None) -> Any:
        raise AssertionError("a client's program runs no job")

    @app.task
    async def boom(message: str = "it broke") -> None:
        raise AssertionError("a client's program runs no job")

    @app.task
    async def hold() -> str:
        raise AssertionError("a client's program runs no job")

    return Declared(*cast("tuple[Any, ...]", (add, echo, boom, hold)))
