"""The faults that strike from outside, at the rates that the seed has drawn."""

import asyncio

from tests.simulation.server import Server
from tests.simulation.world import World


async def strike(world: World) -> None:
    """Let one fault after the other strike, for ever."""
    faults, draw = world.faults, world.draw("nemesis")
    acts = {
        _crash: faults.crash,
        _freeze: faults.freeze,
        _seem_dead: faults.false_death,
        _tell_to_end: faults.drain,
        _take_the_database_away: faults.outage,
        _set_the_clock: faults.jump,
    }
    rate = sum(acts.values())
    while rate:
        await asyncio.sleep(draw.expovariate(rate))
        [act] = draw.choices(list(acts), weights=list(acts.values()))
        act(world)


def _crash(world: World) -> None:
    for server in _any(world):
        server.fall()


def _freeze(world: World) -> None:
    for server in _any(world):
        seconds = world.draw("nemesis").expovariate(1 / 5)
        world.note(f"{server.process.name} freezes for {seconds:.3f} s")
        server.process.freeze()
        world.loop.call_later(seconds, server.process.thaw)


def _seem_dead(world: World) -> None:
    for server in _any(world):
        server.seem_dead()


def _tell_to_end(world: World) -> None:
    for server in _any(world):
        server.tell_to_end(world.draw("nemesis").choice([0.0, 1.0, 3.0]))


def _take_the_database_away(world: World) -> None:
    seconds = world.draw("nemesis").uniform(0.1, 5.0)
    world.note(f"the database is away for {seconds:.3f} s")
    world.down_until = world.loop.time() + seconds


def _set_the_clock(world: World) -> None:
    world.jump(world.draw("nemesis").choice([-3600.0, -1.0, 1.0, 3600.0]))


def _any(world: World) -> list[Server]:
    """Choose one of the processes that live, if any does."""
    alive = world.alive()
    return [world.draw("nemesis").choice(alive)] if alive else []
