"""The latest word of each job about itself, stored a few times a second.

Only the latest is kept: how far a job has come replaces how far it had, and so does the instant at
which a waiting job is looked at next.
"""

from offload.errors import StoreError
from offload.model import Job, Progress
from offload.store.base import Checked, Report
from offload.store.mailbox import Mailbox
from offload.worker.holding import Key


class Reports:
    """Keeps the words until they are stored, or taken to be stored with an outcome."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._progress: dict[Key, Progress] = {}
        self._checks: dict[Key, float] = {}

    def tell(self, job: Job, progress: Progress) -> None:
        """Keep how far a job has come. From any thread."""
        self._progress[job.id, job.token] = progress

    def check_again(self, job: Job, next_check_at: float) -> None:
        """Keep when a waiting job is looked at next."""
        self._checks[job.id, job.token] = next_check_at

    def take(self, key: Key) -> Progress | None:
        """Take a job's last word out, to be stored with its outcome."""
        self._checks.pop(key, None)
        return self._progress.pop(key, None)

    async def send(self) -> None:
        """Store what was said; progress that cannot be stored is kept, until there is a newer."""
        checks, self._checks = self._checks, {}
        if checks:
            words = tuple((*key, at, self._progress.pop(key, None)) for key, at in checks.items())
            await self._mailbox.ask_soon(Checked(words))
        # Taken out one by one, each in one step of the interpreter: threads go on telling.
        taken = [self._progress.popitem() for _ in range(len(self._progress))]
        if not taken:
            return
        try:
            await self._mailbox.ask_soon(Report(tuple((*key, word) for key, word in taken)))
        except StoreError:
            for key, word in taken:
                self._progress.setdefault(key, word)
            raise
