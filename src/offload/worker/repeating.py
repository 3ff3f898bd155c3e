"""What a worker does at an interval, for ever: no failure ends it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from offload.errors import StoreError
from offload.worker.complaints import Complaints

log = logging.getLogger("offload.worker")


async def repeat(
    step: Callable[[], Awaitable[None]],
    seconds: float,
    complaints: Complaints,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Do a step again and again; what could not be done is left to the next turn."""
    while True:
        await sleep(seconds)
        try:
            await step()
        except StoreError as error:
            complaints.store_failed(error)
        except Exception:  # a fault of ours, or of what surrounds us: a lock cannot be read
            log.exception("what comes round every %g s failed; going on", seconds)
            await asyncio.sleep(1.0)  # at most one such line a second
