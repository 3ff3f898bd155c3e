"""A worker's entry in the list of workers, and the lock that proves it alive.

While it is enrolled, whoever finds its lock free takes it for dead and gives its jobs back. So the
lock is taken before the entry is made, and is let go only after it is struck off.
"""

import asyncio
import contextlib
from collections.abc import Callable

from offload.errors import StoreError
from offload.model import WorkerInfo
from offload.store.base import Enter, Leave, Workers
from offload.store.mailbox import Mailbox
from offload.worker.presence import Presence

LEAVING_SECONDS = 0.15
"""How long a worker that ends waits to be struck off; otherwise another one finds it gone."""


class Enrolment:
    """Made once for a worker; it may have several entries, one after the other.

    Args:
        describe: says what the worker is, given the name of its lock.

    Attributes:
        id: of the present entry; 0 before the first.
        mark: the name of its lock, which tells it from all other workers.
    """

    def __init__(
        self, mailbox: Mailbox, presence: Presence, describe: Callable[[str], WorkerInfo]
    ) -> None:
        self.id = 0
        self.mark = ""
        self._mailbox = mailbox
        self._presence = presence
        self._describe = describe

    async def enter(self) -> None:
        """Enrol; where that fails nothing is left of it.

        Raises:
            StoreError: there is no entry.
        """
        try:
            self.mark = self._presence.enter()
            self.id = await self._mailbox.ask_soon(Enter(self._describe(self.mark)))
        except BaseException:
            self._presence.leave()
            raise

    async def enter_anew(self) -> None:
        """Enrol under another id: this one was taken for dead, and its jobs were given away."""
        self._presence.leave()
        await self.enter()

    async def is_seen_alive(self) -> bool:
        """Look at itself as others do; somebody may have removed its lock file."""
        found = [info for info in await self._mailbox.read_soon(Workers()) if info.id == self.id]
        return bool(found) and self._presence.is_alive(found[0])

    async def leave(self) -> None:
        """Strike itself off, if the store answers soon."""
        with contextlib.suppress(StoreError, TimeoutError):
            await asyncio.wait_for(self._mailbox.ask_soon(Leave(self.id)), LEAVING_SECONDS)
            self._presence.leave()
