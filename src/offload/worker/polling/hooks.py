"""Telling the other side of a job's end, through the user's hooks: within a bound, and again."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from offload.values import decode
from offload.worker.polling.answer import Answer, NoAnswer, Raised
from offload.worker.polling.engine import Engine

HOOK_SECONDS = 10.0
"""A hook that has not returned for so long is given up."""

HOOK_TRIES = 3
FIRST_WAIT_SECONDS = 0.5


async def tell(
    engine: Engine,
    hook: Callable[[Any], Any],
    handle: bytes,
    *,
    is_async: bool,
    surroundings: contextvars.Context,
) -> BaseException | None:
    """Call a hook with the handle until it has returned; returns its last error if it never did.

    Three times at most, half a second and a second apart. One that hangs is not called again.
    """
    told: asyncio.Future[BaseException | None] = engine.loop.create_future()
    tries = 0

    def on_answer(answer: Answer) -> float | None:
        nonlocal tries
        tries += 1
        error = answer.error if isinstance(answer, Raised) else None
        if error is not None and tries < HOOK_TRIES and not isinstance(error, NoAnswer):
            return FIRST_WAIT_SECONDS * 2.0 ** (tries - 1)
        if not told.done():
            told.set_result(error)
        return None

    watch = engine.watch(
        lambda: hook(decode(handle)),
        on_answer,
        timeout=HOOK_SECONDS,
        is_async=is_async,
        surroundings=surroundings,
        kind=hook,
    )
    try:
        return await told
    finally:
        watch.cancel()
