"""What `offload demo crash` runs: a simulation that goes on after a crash, and work elsewhere.

Both are written as you would write yours; only the witness is for the demo's sake. It is a file in
which the simulation says what it has done, whatever offload may believe.
"""

import json
import os
import time
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from offload import Context, Done, Fatal, Offload, Pending

app = Offload()

STRIPS = 500
"""Of each slice: with a hundred slices fine enough for ten digits of pi."""


@app.task
def pi_sim(context: Context, slices: int, slice_seconds: float, witness: str) -> float:
    """Compute pi, as the area below 4 / (1 + x²) from 0 to 1, slice by slice.

    Each slice is in the sum once, or the result is not pi.

    Args:
        context: of the job; it keeps the sum, and which slice is next.
        slices: how many.
        slice_seconds: how long each is made to take.
        witness: a file, to which each slice that was done is added.
    """
    area: float = context.saved or 0.0
    for number in context.iterate(range(slices), unit="slice"):
        area += _area(number / slices, 1 / slices, slice_seconds)
        _testify(witness, number)
        context.checkpoint(area)
    return area


@app.task
def quick_sum(numbers: int) -> int:
    """Add up the first numbers: a short job, for a slot that is free for a moment.

    Args:
        numbers: how many.
    """
    return sum(range(numbers + 1))


@app.polling(interval=1, deadline="1h")
def remote_sim(url: str, seconds: float) -> str:
    """Have a remote service work, and look once a second how far it is.

    Args:
        url: of the service; see `offload.examples.cluster`.
        seconds: how long the work takes.
    """
    began = _ask(Request(f"{url}/runs?seconds={seconds:g}", method="POST"))
    return f"{url}/runs/{began['run']}"


_DIRECT = build_opener(ProxyHandler({}))
"""A proxy of the surroundings knows nothing of this machine's services."""


@remote_sim.check
def _look(handle: str) -> Pending | Done:
    found = _ask(Request(handle))
    if found["passed"] >= found["seconds"]:
        return Done(f"the remote service took {found['seconds']:g} s")
    return Pending(found["passed"], found["seconds"], unit="second")


def _ask(request: Request) -> dict[str, Any]:
    if not request.full_url.startswith("http://127.0.0.1:"):
        raise Fatal(f"{request.full_url} is not a service of this machine")
    with _DIRECT.open(request, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def undisturbed(slices: int) -> float:
    """Return what `pi_sim` comes to in one go, to the last bit."""
    area = 0.0
    for number in range(slices):
        area += _area(number / slices, 1 / slices, 0.0)
    return area


def _area(start: float, width: float, seconds: float) -> float:
    """Return the area of a slice; computed again and again, as something larger would be."""
    done_at = time.monotonic() + seconds
    strip = width / STRIPS
    while True:
        middles = (start + (number + 0.5) * strip for number in range(STRIPS))
        area = sum(4 / (1 + middle * middle) for middle in middles) * strip
        if time.monotonic() >= done_at:
            return area


def _testify(witness: str, number: int) -> None:
    """Add a line to the witness, whole or not at all."""
    file = os.open(witness, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{number} {os.getpid()} {time.time():.3f}\n".encode())
    finally:
        os.close(file)
