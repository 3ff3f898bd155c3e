"""Tasks to try offload with: simulations of long work, one of each kind."""

import asyncio
import math
import time

from offload import Backoff, Offload, current
from offload.polling import Done, Pending

app = Offload()


@app.task
async def power_sim(a: int, b: int, delay_seconds: float = 5) -> int:
    """Raise `a` to the power `b`, sleeping at each multiplication.

    Args:
        a: the base.
        b: the exponent, from 0 on.
        delay_seconds: how long each multiplication takes.
    """
    if b < 0:
        raise ValueError(f"the exponent must be 0 or more, not {b}")
    product = 1
    for done in range(1, b + 1):
        await asyncio.sleep(delay_seconds)
        product *= a
        current().progress(done, b, unit="multiplication")
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
    """Count the primes below `limit`, one by one: computing that stops for nobody.

    Args:
        limit: below which they are counted; a million take some ten seconds.
    """
    found = 0
    for number in range(2, limit):
        if number % 5000 == 0:
            current().progress(number, limit, unit="number")
        found += all(number % divisor for divisor in range(2, math.isqrt(number) + 1))
    current().progress(limit, limit, unit="number")
    return found


@app.task(executor="thread")
def patient_sim(steps: int, delay_seconds: float = 5) -> int | None:
    """Sleep at each step, in a thread, and look whether to stop.

    Args:
        steps: how many.
        delay_seconds: how long each takes.
    """
    for done in range(1, steps + 1):
        time.sleep(delay_seconds)
        current().progress(done, steps, unit="step")
        if current().should_stop:
            return None  # it has stopped as it was asked
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
