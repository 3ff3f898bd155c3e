"""`offload serve --reload`: a new server with the new code, while the one before finishes its jobs.

    offload serve --reload      holds the listening socket, looks at the files, runs no user code
     ├─ generation 1            a whole server with its workers, told to retire: it takes nothing
     │                          more, and ends when its last job has ended
     └─ generation 2            another one, with the code as it is now

Both listen with the same socket, and the newer one does before the older one stops. Code that
cannot be imported ends its generation at once; the one before then simply goes on.
"""

import asyncio
import logging
import os
import signal
import socket
from asyncio.subprocess import PIPE
from collections.abc import Sequence

from offload.cli.ending import Ending
from offload.cli.generation import Generation, Inherited, read_report
from offload.cli.sources import Snapshot, folders_of, look, what_changed
from offload.cli.supervisor import how_it_ended

log = logging.getLogger("offload.serve")

LOOK_SECONDS = 0.5
"""How often the files are looked at; a change counts when two looks in a row see the same."""

MOST_OLD = 5
"""Generations that finish their jobs; of more than that the oldest is told to end."""

TOO_LATE_SECONDS = 0.95
"""After the grace period: the generations have ended by now, or never will."""


class Reloading:
    """Keeps the newest code served.

    Args:
        command: starts a generation; what it inherits is added.
        first: what the first one is told besides, which introduces itself.
        served: what is served, as it was named.
        listener: the listening socket.
    """

    def __init__(
        self,
        command: Sequence[str],
        first: Sequence[str],
        served: str,
        listener: socket.socket,
    ) -> None:
        self._command = command
        self._first = first
        self._served = served
        self._listener = listener
        self._count = 0
        self._living: list[Generation] = []
        self._folders = folders_of(served)
        self._seen: Snapshot = {}

    async def run(self, grace: float) -> int:
        """Serve until told to end; returns the exit code."""
        ending = Ending(grace + TOO_LATE_SECONDS, self._end_at_once)
        ending.listen()
        asked = asyncio.create_task(ending.asked.wait())
        serving = asyncio.create_task(self._serve())
        await asyncio.wait({asked, serving}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            asked.cancel()
            return serving.result()
        serving.cancel()
        self._signal_all(signal.SIGTERM)
        while living := [generation.ended for generation in self._living]:
            await asyncio.wait(living)
        return 0

    async def _serve(self) -> int:
        """Serve the newest code. Returns only where not even the first can be: its exit code."""
        current = await self._begin()
        if current.folders is None:
            return await current.ended
        log.info("a change of %s, or of what it imports, is served at once", self._served)
        while True:
            await self._until_another_is_wanted(current)
            following = await self._begin()
            if following.folders is None:
                goes_on = f"{current} goes on" if current.is_alive else "nothing is served"
                log.warning("%s until that is mended; the next change is tried again", goes_on)
                continue
            self._replace(current, following)
            current = following

    async def _begin(self) -> Generation:
        """Start a generation; returns when it serves, or when it is clear that it cannot."""
        self._count += 1
        self._seen = look(self._folders)
        reading, writing = os.pipe()
        inherited = Inherited(self._count, self._listener.fileno(), writing)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *(self._first if self._count == 1 else ()),
                *("--inherited", str(inherited)),
                pass_fds=(inherited.listener, writing),
                stdin=PIPE,
                start_new_session=True,
            )
        finally:
            os.close(writing)
        generation = Generation(self._count, process)
        self._living.append(generation)
        generation.ended.add_done_callback(lambda _: self._living.remove(generation))
        generation.folders = await asyncio.to_thread(read_report, reading)
        if generation.folders is None:
            await generation.ended
        else:
            self._folders = folders_of(self._served).union(generation.folders)
            self._seen = look(self._folders) | self._seen  # a change since its start counts
        return generation

    async def _until_another_is_wanted(self, current: Generation) -> None:
        """Wait for a change of the code, or for the end of the generation that serves it."""
        was_alive = current.is_alive
        latest = self._seen
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if was_alive and not current.is_alive:
                how = how_it_ended(current.ended.result())
                log.warning("%s %s; starting another one", current, how)
                return
            before, latest = latest, look(self._folders)
            if latest == before != self._seen:
                log.info("%s has changed", what_changed(self._seen, latest))
                return

    def _replace(self, before: Generation, after: Generation) -> None:
        log.info("%s serves the new code; new jobs run with it", after)
        if before.is_alive:
            before.retire()
            before.ended.add_done_callback(lambda _: log.info("%s has ended", before))
        old = [generation for generation in self._living if generation is not after]
        if len(old) > 1:
            log.info("still finishing their jobs: %s", ", ".join(map(str, old)))
        if len(old) > MOST_OLD:
            log.warning("those are too many: %s ends, and its jobs go back to the queue", old[0])
            old[0].signal(signal.SIGTERM)

    def _signal_all(self, number: signal.Signals) -> None:
        for generation in list(self._living):
            generation.signal(number)

    def _end_at_once(self) -> None:
        """End all that is left; two signals, because one that has heard none obeys the second."""
        self._signal_all(signal.SIGTERM)
        self._signal_all(signal.SIGINT)
