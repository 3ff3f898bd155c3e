"""Tasks to try offload with: simulations of long work, one of each kind."""

import asyncio
import math
import time

from offload import Backoff, Context, Offload, current
from offload.polling import Done, Pending

app = Offload()


@app.task
async def power_sim(a: int, b: int, delay_seconds: float = 5) -> int:
    """Raise `a` to the power `b`, sleeping at each multiplication.

    Interrupted, paused or killed in the midst of it, it goes on behind the last multiplication that
    was kept. It keeps their number, which always has room, and not the product, which may not.

    Args:
        a: the base.
        b: the exponent, from 0 on.
        delay_seconds: how long each multiplication takes.
    """
    if b < 0:
        raise ValueError(f"the exponent must be 0 or more, not {b}")
    context = current()
    begun: int = context.saved or 0
    product: int = a**begun
    for done in range(begun + 1, b + 1):
        await asyncio.sleep(delay_seconds)
        product *= a
        context.checkpoint(done)
        context.progress(done, b, unit="multiplication")
    return product


@app.task(aliases=["failing"])
async def failing_sim(a: int, delay_seconds: float = 5) -> None:
    """Sleep at each of `a` steps, then raise.

    Args:
        a: the number of steps, from 0 on.
        delay_seconds: how long each step takes.
    """
    for done in range(1, a + 1):
        await asyncio.sleep(delay_seconds)
        current().progress(done, a, unit="step")
    raise RuntimeError(f"the simulation failed after {a} steps, as it was meant to")


@app.task
def count_primes(limit: int) -> int:
    """Count the primes below `limit`, one by one: computing that can be frozen at any moment.

    Args:
        limit: below which they are counted; a million take some ten seconds.
    """
    context = current()
    begun, found = context.saved or (2, 0)
    for number in range(begun, limit):
        if number % 5000 == 0:
            context.progress(number, limit, unit="number")
            context.checkpoint((number, found))
        found += all(number % divisor for divisor in range(2, math.isqrt(number) + 1))
    context.progress(limit, limit, unit="number")
    return found


@app.task(executor="thread")
def patient_sim(context: Context, steps: int, delay_seconds: float = 5) -> int:
    """Sleep at each step, in a thread; between two steps it can be paused and stopped.

    Args:
        context: of the job; who has one can be paused in a thread.
        steps: how many.
        delay_seconds: how long each takes.
    """
    for _ in context.iterate(range(steps), unit="step"):
        time.sleep(delay_seconds)
    return steps


@app.task(retries=3, backoff=Backoff(first=0.5))
async def flaky_sim(failures: int = 2, delay_seconds: float = 5) -> str:
    """Fail some times and then succeed, as a service does that is busy.

    Args:
        failures: how many attempts fail; with more than 3 the job does.
        delay_seconds: how long each attempt takes.
    """
    attempt = current().attempt
    current().progress(attempt, failures + 1, unit="attempt")
    await asyncio.sleep(delay_seconds)
    if attempt <= failures:
        raise ConnectionError(f"attempt {attempt}: the service is busy, as it was meant to be")
    return f"succeeded at attempt {attempt}"


@app.polling(interval=1, deadline="1d")
def remote_sim(seconds: float = 30) -> dict[str, float]:
    """Pretend to start work on another machine, which is then looked at every second.

    Nothing runs anywhere: the handle says when the work is pretended to have begun, and the clock
    does the rest. So it goes on whatever becomes of offload, as the work of another machine would.

    Args:
        seconds: how long the pretended work takes.
    """
    return {"began_at": time.time(), "seconds": seconds}


@remote_sim.check
def _look(handle: dict[str, float]) -> Pending | Done:
    passed = time.time() - handle["began_at"]
    if passed >= handle["seconds"]:
        return Done(f"the other machine took {handle['seconds']:g} s")
    return Pending(round(passed, 1), handle["seconds"], unit="second")
