"""Tasks to try offload with: two simulations of long work."""

import asyncio

from offload import Offload, current

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
