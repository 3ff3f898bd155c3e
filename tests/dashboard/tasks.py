"""Tasks that the dashboard's tests start; the server that is looked at serves this file."""

import asyncio
import enum
import logging
from datetime import date, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from offload import Offload, current

app = Offload()
log = logging.getLogger(__name__)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(Struct):
    x: int
    y: int = 0


@app.task
async def steps(count: int, seconds: float = 0.05) -> int:
    """Count, slowly.

    Args:
        count: how far.
        seconds: how long each step takes.
    """
    for done in range(1, count + 1):
        await asyncio.sleep(seconds)
        current().progress(done, count, unit="step")
    return count


@app.task
async def talk(lines: int, seconds: float = 0.05) -> None:
    """Print lines, and warn now and then."""
    for number in range(1, lines + 1):
        print(f"line {number}")
        if number % 5 == 0:
            log.warning("it is warm")
        await asyncio.sleep(seconds)


@app.task
async def echo(value: Any = None) -> Any:
    """Return what it is given."""
    return value


@app.task
async def boom(message: str = "it broke") -> None:
    """Raise."""
    raise RuntimeError(message)


@app.task
async def crack() -> None:
    """Fail otherwise."""
    raise ValueError("it is cracked")


@app.task
async def everything(  # noqa: PLR0917 - as users write them
    size: Annotated[int, Meta(ge=1, le=10)],
    name: str,
    colour: Colour = Colour.RED,
    is_loud: bool = False,
    ratio: float = 0.5,
    when: datetime | None = None,
    day: date | None = None,
    numbers: list[int] | None = None,
    point: Point | None = None,
    more: Any = None,
) -> dict[str, Any]:
    """Take a parameter of every kind.

    Args:
        size: from one to ten.
        name: what it is called.
    """
    return {"size": size, "name": name, "colour": colour.value, "numbers": numbers}


@app.task(secret=["token", "pin"])
async def opening(door: str, token: str, pin: int = 1234) -> bool:
    """Open a door."""
    return (token, pin) == ("open sesame", 4321)


@app.task
async def loading(steps: int) -> None:
    """Work in two loops, each with a bar of its own."""
    with current().bar("rooms", 4, unit="room") as rooms:
        rooms.advance(3)
        for done in range(steps):
            current().progress(done, steps, unit="step")
            await asyncio.sleep(0.05)


@app.task
async def saving(count: int) -> int:
    """Count, and keep how far it has come."""
    for done in range(count):
        current().checkpoint(done)
        await asyncio.sleep(0.1)
    return count
