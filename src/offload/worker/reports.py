"""The latest word of each job about itself, stored a few times a second.

Only the latest is kept: how far a job has come replaces how far it had, and so do a checkpoint and
the instant at which a waiting job is looked at next. Lines of logs are all kept, in their order.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from offload.clock import Clock
from offload.errors import StoreError
from offload.model import Job, LogLine, Progress, Record
from offload.store.base import Checked, Keep, Note, Operation, Report, Said, Save, Say
from offload.store.mailbox import Mailbox
from offload.worker.holding import Key
from offload.worker.progressing import Board, History

SAVE_SECONDS = 1.0
"""How often a job's checkpoint is stored."""

MOST_LINES_HELD = 20_000
"""Lines that wait for a store that does not answer; beyond them the oldest are given up."""


class Reports:
    """Keeps the words until they are stored, or taken to be stored with an outcome.

    What is told from threads is taken out piece by piece, each in one step of the interpreter.
    """

    def __init__(self, mailbox: Mailbox, clock: Clock) -> None:
        self._mailbox = mailbox
        self._clock = clock
        self._boards: dict[Key, tuple[Job, Board]] = {}
        self._history = History(mailbox)
        self._checks: dict[Key, float] = {}
        self._keeps: dict[Key, bytes] = {}
        self._kept_at: dict[Key, float] = {}
        self._records: dict[Key, Record] = {}
        self._lines: list[Said] = []

    # --- what is told

    def tell(self, job: Job, board: Board) -> None:
        """Note that there is news of how far a job has come. From any thread."""
        self._boards[job.id, job.token] = job, board

    def check_again(self, job: Job, next_check_at: float) -> None:
        """Keep when a waiting job is looked at next."""
        self._checks[job.id, job.token] = next_check_at

    def keep(self, job: Job, value: bytes) -> None:
        """Keep a job's checkpoint. From any thread."""
        self._keeps[job.id, job.token] = value

    def note(self, record: Record) -> None:
        """Keep what the flight recorder has of an attempt."""
        self._records[record.job_id, record.token] = record

    def say(self, job: Job, lines: Iterable[LogLine]) -> None:
        """Keep lines of a job's log. From any thread."""
        self._lines += [Said(job.id, job.token, job.attempt, line) for line in lines]

    # --- what is stored

    def last_words(self, keys: Iterable[Key]) -> list[Operation[Any]]:
        """Take out what is to be stored before these jobs' next change."""
        words, keeps, records = [], [], []
        for key in keys:
            self._checks.pop(key, None)
            self._kept_at.pop(key, None)
            if (news := self._boards.pop(key, None)) is not None:
                words.append((*key, self._word(*news)))
            if (value := self._keeps.pop(key, None)) is not None:
                keeps.append(Keep(*key, value))
            if (record := self._records.pop(key, None)) is not None:
                records.append(record)
        last: list[Operation[Any]] = [Report(tuple(words))] if words else []
        if keeps:
            last.append(Save(tuple(keeps), self._clock.now()))
        if records:
            last.append(Note(tuple(records)))
        if self._lines:
            last.append(Say(tuple(self._take_lines())))
        return last

    async def save(self, keep: Keep) -> bool:
        """Store a checkpoint now; says whether its job is still ours."""
        key = (keep.job_id, keep.token)
        older = self._keeps.pop(key, None)
        value = older if keep.value is None else keep.value
        self._kept_at[key] = asyncio.get_running_loop().time() + SAVE_SECONDS
        whole = Keep(keep.job_id, keep.token, value, keep.steps)
        try:
            [is_ours] = await self._mailbox.ask_soon(Save((whole,), self._clock.now()))
        except StoreError:
            if older is not None:
                self._keeps.setdefault(key, older)
            raise
        return is_ours

    async def send(self) -> None:
        """Store what was said; what cannot be stored is kept, until there is a newer word."""
        checks, self._checks = self._checks, {}
        if checks:
            taken = {key: self._boards.pop(key, None) for key in checks}
            words = await self._words({key: news for key, news in taken.items() if news})
            await self._mailbox.ask_soon(
                Checked(tuple((*key, at, words.get(key)) for key, at in checks.items()))
            )
        await self._send_keeps()
        await self._send_records()
        await self._send_lines()
        await self._send_words()

    async def _send_words(self) -> None:
        taken = dict(self._boards.popitem() for _ in range(len(self._boards)))
        if not taken:
            return
        try:
            words = await self._words(taken)
            await self._mailbox.ask_soon(Report(tuple((*key, word) for key, word in words.items())))
        except StoreError:
            for key, news in taken.items():
                self._boards.setdefault(key, news)
            raise

    async def _words(self, taken: Mapping[Key, tuple[Job, Board]]) -> dict[Key, Progress]:
        """Take the words, each as a tick of its job, and tell the end that is expected of it."""
        wanted = {job.task for job, board in taken.values() if not board.forecast.is_certain}
        now = self._clock.monotonic()
        usual = {task: await self._history.usual(task, now) for task in wanted}
        return {key: self._word(*news, usual.get(news[0].task)) for key, news in taken.items()}

    def _word(self, job: Job, board: Board, usual: float | None = None) -> Progress:
        return board.forecast.tick(board.take(), job, self._clock.now(), usual)

    async def _send_keeps(self) -> None:
        """A checkpoint is stored a second after the one before it at the earliest."""
        now = asyncio.get_running_loop().time()
        due = [key for key in list(self._keeps) if self._kept_at.get(key, 0.0) <= now]
        taken = {key: value for key in due if (value := self._keeps.pop(key, None)) is not None}
        if not taken:
            return
        self._kept_at |= dict.fromkeys(taken, now + SAVE_SECONDS)
        keeps = tuple(Keep(*key, value) for key, value in taken.items())
        try:
            await self._mailbox.ask_soon(Save(keeps, self._clock.now()))
        except StoreError:
            for key, value in taken.items():
                self._keeps.setdefault(key, value)
            raise

    async def _send_records(self) -> None:
        """Store what was done to jobs that go on: one that will not end is the one looked at."""
        taken, self._records = self._records, {}
        if not taken:
            return
        try:
            await self._mailbox.ask_soon(Note(tuple(taken.values())))
        except StoreError:
            self._records = taken | self._records
            raise

    async def _send_lines(self) -> None:
        lines = self._take_lines()
        if not lines:
            return
        try:
            await self._mailbox.ask_soon(Say(tuple(lines)))
        except StoreError:
            self._lines[:0] = lines[-MOST_LINES_HELD:]
            raise

    def _take_lines(self) -> list[Said]:
        taken = self._lines[:]
        del self._lines[: len(taken)]
        return taken
