"""The tasks that are simulated, and the witness that notes when their code runs.

The witness is told by the code itself and knows nothing of the store; so what the store claims to
have happened can be held against it.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal, Protocol

from offload import Snooze, Stopped, current
from offload.polling import Done, Hook, Pending, Polling
from offload.registry import Registry
from offload.values import encode
from tests.simulation.elsewhere import Elsewhere
from tests.simulation.history import Begun, Ended, Entry, Found, Stepped, StopHeard, Told

TICK_SECONDS = 5
"""The period of the task that is started by the clock."""


class Witness(Protocol):
    """Notes what code does."""

    def begins(self, job: int) -> Begun:
        """Note that code of a job begins, in the present process."""
        ...

    def ends(self, ended: Ended) -> None:
        """Note how it ended."""
        ...

    def does(self, entry: Entry) -> None:
        """Note what it does in between."""
        ...

    def block(self, seconds: float) -> None:
        """Let the present process's loop stand still, as code does that never awaits."""
        ...


class _Run:
    """One run of code; `value` is what it is about to return."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.value: bytes | None = None
        self.is_snoozed = False

    def returns(self, value: Any) -> Any:
        self.value = encode(value)
        return value


class Bodies:
    """The tasks. Every one is a coroutine function, or returns a coroutine for a thread to run."""

    def __init__(self, witness: Witness, elsewhere: Elsewhere) -> None:
        self._witness = witness
        self._elsewhere = elsewhere
        self._snoozed: Counter[int] = Counter()

    def registry(self, *, with_rare: bool, with_tick: bool = False) -> Registry:
        """Return the tasks that a worker knows."""
        registry = Registry()
        for function in (self.nap, self.fail, self.stubborn, self.tidy, self.hog, self.odd):
            registry.add(function)
        registry.add(self.flaky)
        registry.add(self.doze)
        registry.add(self.saver)
        registry.add(self.remote, polling=self._polling())
        if with_tick:
            registry.add(self.tick, every=TICK_SECONDS)
        registry.add(self.polite, executor="thread")
        registry.add(self.deaf, executor="thread")
        if with_rare:
            registry.add(self.nap, name="rare")
        return registry

    async def nap(self, seconds: float, steps: int = 1) -> Any:
        """Sleep in steps, say how far it is, return a number."""
        async with self._run() as run:
            for step in range(steps):
                current().progress(step, steps, str(run.number))
                await asyncio.sleep(seconds / steps)
                self._witness.does(Stepped(run=run.number))
            return run.returns(run.number)

    async def saver(self, seconds: float, steps: int) -> Any:
        """Go on from where the last attempt had come, and keep how far this one is."""
        async with self._run() as run:
            me = current()
            done, by = me.saved or (0, 0)
            self._witness.does(Found(run=run.number, done=done, by=by))
            while done < steps:
                await asyncio.sleep(seconds / steps)
                self._witness.does(Stepped(run=run.number))
                done += 1
                is_waited_for = done % 3 == 0
                self._witness.does(Told(run=run.number, done=done, is_stored=False))
                await me.acheckpoint([done, run.number], wait=is_waited_for)
                if is_waited_for:
                    self._witness.does(Told(run=run.number, done=done, is_stored=True))
            return run.returns(run.number)

    async def fail(self, seconds: float) -> None:
        """Sleep, then raise."""
        async with self._run():
            await asyncio.sleep(seconds)
            raise ValueError("as it was meant to")

    async def stubborn(self, seconds: float) -> Any:
        """Take no notice of a cancel, and return a value all the same."""
        async with self._run() as run:
            loop = asyncio.get_running_loop()
            end = loop.time() + seconds
            while loop.time() < end:
                try:
                    await asyncio.sleep(end - loop.time())
                except asyncio.CancelledError:
                    self._witness.does(StopHeard(run=run.number))
                    continue
                self._witness.does(Stepped(run=run.number))
            return run.returns([run.number, "stubborn"])

    async def tidy(self, seconds: float, cleanup: float) -> Any:
        """Tidy up for a while when it is cancelled."""
        async with self._run() as run:
            try:
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                await asyncio.sleep(cleanup)
                raise
            self._witness.does(Stepped(run=run.number))
            return run.returns({"run": run.number})

    async def hog(self, seconds: float) -> Any:
        """Block the loop, then await."""
        async with self._run() as run:
            self._witness.block(seconds)
            await asyncio.sleep(0)
            return run.returns(None)

    async def odd(self, seconds: float) -> Any:
        """Return what JSON cannot carry."""
        async with self._run():
            await asyncio.sleep(seconds)
            return math.nan

    async def flaky(self, seconds: float, failures: int) -> Any:
        """Raise in the first attempts, then return."""
        async with self._run() as run:
            await asyncio.sleep(seconds)
            if current().attempt <= failures:
                raise ValueError("not yet")
            return run.returns(run.number)

    async def doze(self, seconds: float, times: int) -> Any:
        """Ask to be run again later, a few times."""
        async with self._run() as run:
            await asyncio.sleep(seconds)
            self._snoozed[current().job_id] += 1
            if self._snoozed[current().job_id] <= times:
                run.is_snoozed = True
                return Snooze(0.7)
            return run.returns(run.number)

    async def tick(self, due_at: datetime) -> Any:
        """Be started by the clock."""
        async with self._run() as run:
            await asyncio.sleep(0.1)
            return run.returns(run.number)

    async def remote(self, seconds: float, sick: bool = False) -> int:
        """Start work elsewhere, which a call takes a while to do; return its handle."""
        async with self._run() as run:
            me = current()
            await asyncio.sleep(0.1)
            handle = self._elsewhere.start(
                me.job_id, me.idempotency_key, seconds, run.number, is_sick=sick
            )
            await asyncio.sleep(0.1)
            run.returns(self._elsewhere.value(handle))
            return handle

    async def _check(self, handle: int) -> Done | Pending:
        await asyncio.sleep(0.05)
        return self._elsewhere.check(handle)

    async def _stop(self, handle: int) -> None:
        await asyncio.sleep(0.05)
        self._elsewhere.stop(handle)

    def _polling(self) -> Polling:
        polling = Polling(interval=1.0, check_timeout=5.0, error_budget=2)
        polling.use_check("remote", Hook(self._check, is_async=True))
        polling.on_cancel = Hook(self._stop, is_async=True)
        return polling

    def polite(self, seconds: float) -> Any:
        """In a thread: look now and then whether it should stop."""
        return self._polite(seconds)

    async def _polite(self, seconds: float) -> Any:
        async with self._run() as run:
            for _ in range(int(seconds * 10)):
                await asyncio.sleep(0.1)
                if current().should_stop:
                    return None
            return run.returns(run.number)

    def deaf(self, seconds: float) -> Any:
        """In a thread: never look."""
        return self._deaf(seconds)

    async def _deaf(self, seconds: float) -> Any:
        async with self._run() as run:
            await asyncio.sleep(seconds)
            return run.returns("done")

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[_Run]:
        begun = self._witness.begins(current().job_id)
        run = _Run(begun.run)
        try:
            yield run
        except (asyncio.CancelledError, Stopped):
            self._witness.ends(Ended(run=run.number, how="stopped"))
            raise
        except Exception:
            self._witness.ends(Ended(run=run.number, how="raised"))
            raise
        how: Literal["snoozed", "stopped", "returned"] = "returned"
        if run.value is None:
            how = "snoozed" if run.is_snoozed else "stopped"
        self._witness.ends(Ended(run=run.number, how=how, value=run.value))
