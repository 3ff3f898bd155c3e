"""The kinds of work that can be paused, and how a test sees that one stands still and goes on."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.control.pausable import ITEM, LOOKS
from tests.control.site import Job, Line, Site
from tests.support import eventually

PAUSABLE = Path(__file__).with_name("pausable.py")

SILENCE = 0.3
"""For so many seconds nothing may be written down by what stands still: it would every 0.02 s."""

SOON = 20.0
"""Within so many seconds the busiest machine does what an idle one does in tenths of a second."""

UVLOOP, ASYNCIO = "uvloop", "asyncio"


@dataclass(frozen=True)
class Kind:
    """A kind of work.

    Attributes:
        name: what runs it.
        mode: what is shown of it while it is paused.
        going: what is shown of it while it goes on.
        word: what it writes down again and again.
        loop: of the worker.
    """

    name: str
    mode: str
    going: str
    word: str
    loop: str = UVLOOP

    def __str__(self) -> str:
        return self.name if self.loop == UVLOOP else f"{self.name} on {self.loop}"

    @property
    def has_code(self) -> bool:
        """Whether code of ours goes through items here."""
        return self.word == ITEM

    def start(self, site: Site, variant: str = "", **options: Any) -> int:
        """Start a job, and wait until it is under way; returns its id."""
        job_id = site.start(f"{self.name}{variant}", options or None)
        self.await_steps(site, job_id)
        eventually(lambda: site.shown(job_id) == self.going)
        return job_id

    def await_steps(self, site: Site, job_id: int, more: int = 3) -> None:
        """Wait until it has taken some steps more than it has."""
        before = len(site.witness(job_id, self.word))
        eventually(lambda: len(site.witness(job_id, self.word)) >= before + more)


#    kind          what is shown    going      it writes
ASYNC = Kind("async", "frozen", "running", ITEM)
ASYNC_ON_ASYNCIO = Kind("async", "frozen", "running", ITEM, ASYNCIO)
THREAD = Kind("thread", "parked", "running", ITEM)
PROCESS = Kind("process", "frozen", "running", ITEM)
POLL = Kind("poll", "not-checking", "waiting", LOOKS)
BOX = Kind("box", "not-checking", "waiting", LOOKS)

KINDS = [ASYNC, ASYNC_ON_ASYNCIO, THREAD, PROCESS, POLL, BOX]
CODE_KINDS = [kind for kind in KINDS if kind.has_code]
ELSEWHERE = [POLL, BOX]


def pause(site: Site, job_id: int, reason: str | None = None) -> Job:
    """Pause a job and wait until it stands still; returns it as it is then."""
    site.client.pause(job_id, reason)
    return await_shown(site, job_id, "paused")


def await_shown(site: Site, job_id: int, *states: str) -> Job:
    """Wait until a job is shown in one of these states; returns it as it is then."""
    eventually(lambda: site.shown(job_id) in states, SOON)
    return site.client.status(job_id)


def finish(site: Site, job_id: int) -> Job:
    """Have a job end by itself, and wait for that."""
    site.tell("end", job_id)
    return site.ended(job_id, 2 * SOON)


def result(site: Site, job_id: int) -> Any:
    """What a job has returned."""
    return site.client.result(job_id)


def is_silent(site: Site, *job_ids: int) -> bool:
    """Whether nothing of these jobs writes anything for a while."""
    before = [site.witness(each) for each in job_ids]
    threading.Event().wait(SILENCE)
    return before == [site.witness(each) for each in job_ids]


def repeated(lines: list[Line]) -> list[Line]:
    """Of the items that were gone through more than once: the first time of each."""
    items = [line for line in lines if line.word == ITEM]
    numbers = [line.number for line in items]
    return [line for at, line in enumerate(items) if line.number in numbers[at + 1 :]]


def is_complete(lines: list[Line]) -> bool:
    """Whether no item was left out: each is as the one before it, or earlier, or the next one."""
    numbers = [line.number for line in lines if line.word == ITEM]
    highest = [max(numbers[: at + 1]) for at in range(len(numbers))]
    return all(number <= top + 1 for number, top in zip(numbers[1:], highest, strict=False))
