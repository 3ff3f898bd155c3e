"""The mailbox without threads keeps the promises of the real one."""

import asyncio
import contextvars
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from offload.errors import StoreError, StoreUnavailable
from offload.model import By, NewJob, QueueSettings
from offload.store.base import (
    Counts,
    Effects,
    Get,
    Insert,
    Operation,
    Promote,
    Queues,
    SetQueue,
)
from offload.store.sqlite import SQLiteStore
from offload.testing import InlineMailbox, VirtualClock, VirtualLoop, connect_without_fsync
from offload.worker.executors.gate import Gate
from offload.worker.executors.gated_loop import let_through_gates

BY = By(actor="test", door="python")


class Watched(SQLiteStore):
    """The real store, which notes the size of each transaction."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, connect=connect_without_fsync)
        self.batches: list[int] = []

    def run(self, operations: Sequence[Operation[Any]]) -> tuple[list[Any], Effects]:
        self.batches.append(len(operations))
        return super().run(operations)


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.end()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Watched]:
    store = Watched(tmp_path / "offload.db")
    yield store
    store.close()


@pytest.fixture
def mailbox(loop: VirtualLoop, store: Watched) -> InlineMailbox:
    return InlineMailbox(store, VirtualClock(loop))


def insert(token: int, **options: Any) -> Insert:
    """An operation that starts one job."""
    job = NewJob(task="task", kind="async", params=b"{}", **options)
    return Insert(jobs=(job,), now=0.0, by=BY, token=token)


def test_letters_that_wait_together_go_in_one_transaction(
    loop: VirtualLoop, mailbox: InlineMailbox, store: Watched
) -> None:
    async def scenario() -> list[Any]:
        return list(await asyncio.gather(*(mailbox.ask_soon(insert(n)) for n in range(5))))

    answers = loop.run_until_complete(scenario())

    assert [answer.ids for answer in answers] == [(1,), (2,), (3,), (4,), (5,)]
    assert store.batches == [5]


def test_a_letter_of_a_job_that_stands_still_holds_up_nobody(
    loop: VirtualLoop, store: Watched
) -> None:
    mailbox = InlineMailbox(store, VirtualClock(loop), lag=lambda: 1.0)
    let_through_gates(loop)
    gate = Gate(loop)
    of_job = contextvars.Context()
    of_job.run(gate.enter)
    gate.close()

    async def scenario() -> list[Any]:
        letters = [of_job.run(mailbox.ask_soon, insert(1)), mailbox.ask_soon(insert(2))]
        return list(await asyncio.wait_for(asyncio.gather(*letters), 60))

    assert [answer.ids for answer in loop.run_until_complete(scenario())] == [(1,), (2,)]


def test_no_transaction_holds_more_than_512_operations(
    loop: VirtualLoop, mailbox: InlineMailbox, store: Watched
) -> None:
    async def scenario() -> None:
        await asyncio.gather(*(mailbox.ask_soon(Promote(0.0)) for _ in range(1000)))

    loop.run_until_complete(scenario())

    assert store.batches == [512, 488]


def test_letters_that_come_during_a_slow_transaction_share_the_next_one(
    loop: VirtualLoop, store: Watched
) -> None:
    mailbox = InlineMailbox(store, VirtualClock(loop), lag=lambda: 1.0)

    async def scenario() -> list[float]:
        answered: list[float] = []
        for _ in range(4):
            mailbox.ask_soon(Promote(0.0)).add_done_callback(
                lambda answer: answered.append(loop.time())
            )
            await asyncio.sleep(0.4)
        await asyncio.sleep(5)
        return answered

    assert loop.run_until_complete(scenario()) == [1.0, 1.0, 1.0, 2.2]
    assert store.batches == [3, 1]


def test_one_bad_operation_does_not_fail_its_neighbours(
    loop: VirtualLoop, mailbox: InlineMailbox
) -> None:
    bad = SetQueue("bad", QueueSettings(limit=-1))

    async def scenario() -> list[Any]:
        operations: list[Operation[Any]] = [insert(1), bad, insert(2)]
        letters = [mailbox.ask_soon(operation) for operation in operations]
        return await asyncio.gather(*letters, return_exceptions=True)

    first, failed, second = loop.run_until_complete(scenario())

    assert (first.ids, second.ids) == ((1,), (2,))
    assert isinstance(failed, StoreError)


def test_without_a_loop_it_answers_at_once(mailbox: InlineMailbox) -> None:
    asked = mailbox.ask(insert(1))
    read = mailbox.read(Get((1,)))

    assert asked.done()
    assert read.result().jobs[1].task == "task"


def test_what_is_asked_at_once_goes_with_what_waits(
    loop: VirtualLoop, mailbox: InlineMailbox, store: Watched
) -> None:
    async def scenario() -> tuple[Any, Any]:
        waiting = mailbox.ask_soon(insert(1))
        at_once = mailbox.ask(insert(2)).result()
        return await waiting, at_once

    waiting, at_once = loop.run_until_complete(scenario())

    assert (waiting.ids, at_once.ids) == ((1,), (2,))
    assert store.batches == [2]


def test_what_comes_round_comes_at_its_interval_until_it_is_ended(
    loop: VirtualLoop, mailbox: InlineMailbox
) -> None:
    told_at: list[float] = []

    async def scenario() -> None:
        end = mailbox.every(2.0, lambda: Promote(0.0), lambda promoted: told_at.append(loop.time()))
        await asyncio.sleep(7)
        end()
        await asyncio.sleep(7)

    loop.run_until_complete(scenario())

    assert told_at == [2.0, 4.0, 6.0]


def test_a_turn_that_fails_is_left_to_the_next_one(loop: VirtualLoop, store: Watched) -> None:
    mailbox = InlineMailbox(store, VirtualClock(loop))
    told: list[object] = []
    makes = iter([SetQueue("bad", QueueSettings(limit=-1)), SetQueue("good")])

    async def scenario() -> None:
        end = mailbox.every(1.0, lambda: next(makes), told.append)
        await asyncio.sleep(2.5)
        end()

    loop.run_until_complete(scenario())

    assert [getattr(queue, "name", None) for queue in told] == ["good"]


def test_effects_are_told_after_each_commit(loop: VirtualLoop, store: Watched) -> None:
    told: list[Effects] = []
    mailbox = InlineMailbox(store, VirtualClock(loop), told.append)

    mailbox.ask(insert(1))
    mailbox.ask(Promote(0.0))

    assert told == [Effects(claimable=True)]


def test_a_query_that_cannot_be_answered_is_a_store_error(
    loop: VirtualLoop, mailbox: InlineMailbox
) -> None:
    async def scenario() -> None:
        await mailbox.read_soon(Queues())

    with pytest.raises(StoreError, match="there is no database"):
        loop.run_until_complete(scenario())


def test_closing_writes_what_waits_and_then_refuses(
    loop: VirtualLoop, mailbox: InlineMailbox, store: Watched
) -> None:
    async def scenario() -> Any:
        waiting = mailbox.ask_soon(insert(1))
        mailbox.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            mailbox.ask(insert(2))
        return await waiting

    assert loop.run_until_complete(scenario()).ids == (1,)
    assert sum(store.read(Counts()).values()) == 1


def test_it_works_on_a_real_loop_too(tmp_path: Path, store: Watched) -> None:
    async def scenario() -> Any:
        loop = asyncio.get_running_loop()
        mailbox = InlineMailbox(store, VirtualClock(loop), lag=lambda: 0.001)
        return await mailbox.ask_soon(insert(1))

    assert asyncio.run(scenario()).ids == (1,)
