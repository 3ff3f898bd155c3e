"""What a child keeps on its way to the worker: both ends of it, over a real socket."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from offload.errors import Stopped, StoreError
from offload.model import NOTHING_SAVED, Failed, Outcome, Saved, Yielded
from offload.worker.context import Context
from offload.worker.executors.process import frames
from offload.worker.executors.process.channel import Channel, Terminated, Termination
from offload.worker.executors.process.keeping import ChildKeeper, heard, stored_of
from tests.support import eventually
from tests.worker.children import kept
from tests.worker.children.running import executing, soon


class Worker:
    """The other end of a child's socket, by hand."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._reader = frames.Reader(frames.FromChild)
        self.heard: list[Any] = []

    def say(self, message: frames.ToChild) -> None:
        self._end.sendall(frames.written(message))

    def listen(self) -> Any:
        """Wait for the next word."""
        while not self.heard:
            self._reader.feed(self._end.recv(1 << 16))
            self.heard += self._reader.frames()
        return self.heard.pop(0)

    def hang_up(self) -> None:
        self._end.close()


@pytest.fixture
def ends() -> Iterator[tuple[Worker, Channel]]:
    ours, its = socket.socketpair()
    ours.settimeout(20)
    channel = Channel(its, Termination())
    with contextlib.closing(channel), contextlib.closing(ours):
        yield Worker(ours), channel


def in_thread(call: Any) -> "tuple[threading.Thread, list[Any]]":
    came: list[Any] = []

    def body() -> None:
        try:
            came.append(call())
        except BaseException as error:
            came.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    return thread, came


@pytest.mark.promise("S18")
def test_the_first_checkpoint_is_sent_at_once_and_of_many_the_last_one_soon(
    ends: tuple[Worker, Channel],
) -> None:
    worker, channel = ends
    keeper = ChildKeeper(channel, None)

    for n in range(10_000):
        keeper.keep(b"%d" % n)
    first = worker.listen()
    values = [int(bytes(first.value))]
    while values[-1] != 9_999:
        values.append(int(bytes(worker.listen().value)))

    assert values[0] == 0
    assert values == sorted(values)
    assert len(values) < 20


def test_the_last_checkpoint_is_sent_when_the_job_ends_and_none_after_it(
    ends: tuple[Worker, Channel],
) -> None:
    worker, channel = ends
    keeper = ChildKeeper(channel, None)

    keeper.keep(b"1")
    keeper.keep(b"2")
    keeper.end()
    keeper.keep(b"3")
    channel.answer(frames.Stopped())

    said = [worker.listen() for _ in range(3)]
    assert [bytes(keep.value) for keep in said[:2]] == [b"1", b"2"]
    assert said[2] == frames.Stopped()
    assert not keeper.keep_now(b"4", ())


def test_what_is_to_be_stored_now_is_answered(ends: tuple[Worker, Channel]) -> None:
    worker, channel = ends
    thread, came = in_thread(lambda: ChildKeeper(channel, None).keep_now(b"1", (("a", b"[2]"),)))

    asked = worker.listen()
    worker.say(frames.Stop())
    worker.say(frames.Kept(asked.number, is_ours=True))
    thread.join(20)

    assert bytes(asked.stored.value) == b"1"
    assert {name: bytes(step) for name, step in asked.stored.steps.items()} == {"a": b"[2]"}
    assert came == [True]
    assert channel.is_stop_asked


def test_threads_of_one_job_get_each_its_own_answer(ends: tuple[Worker, Channel]) -> None:
    worker, channel = ends
    keeper = ChildKeeper(channel, None)
    waiting = [
        in_thread(lambda name=name: keeper.keep_now(None, ((name, b"1"),))) for name in "abc"
    ]

    for asked in [worker.listen() for _ in waiting]:
        worker.say(frames.Kept(asked.number, is_ours="b" not in asked.stored.steps))
    for thread, _ in waiting:
        thread.join(20)

    assert [came for _, came in waiting] == [[True], [False], [True]]


def test_a_store_that_does_not_take_it_is_an_error_in_the_code(
    ends: tuple[Worker, Channel],
) -> None:
    worker, channel = ends
    thread, came = in_thread(lambda: ChildKeeper(channel, None).keep_now(b"1", ()))

    worker.say(frames.Kept(worker.listen().number, is_ours=True, fault="the disk is full"))
    thread.join(20)

    [error] = came
    assert isinstance(error, StoreError)
    assert str(error) == "the disk is full"


def test_a_worker_that_is_gone_stores_nothing(ends: tuple[Worker, Channel]) -> None:
    worker, channel = ends
    context = Context(1, 1, keeper=ChildKeeper(channel, None))
    thread, came = in_thread(lambda: context.step("late", int))

    worker.listen()
    worker.hang_up()
    thread.join(20)

    assert isinstance(came[0], Stopped)


def test_sigterm_ends_the_waiting(ends: tuple[Worker, Channel]) -> None:
    worker, _ = ends
    termination = Termination()
    channel = ends[1]
    channel._termination = termination
    before = signal.getsignal(signal.SIGTERM)
    termination.listen()
    termination.is_armed = termination.is_busy = True

    def terminate() -> None:
        worker.listen()
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        thread, _ = in_thread(terminate)
        with pytest.raises(Terminated):
            ChildKeeper(channel, None).keep_now(b"1", ())
        thread.join(20)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_forked_process_keeps_nothing_and_says_so(ends: tuple[Worker, Channel]) -> None:
    keeper = ChildKeeper(ends[1], None)
    child = os.fork()
    if child == 0:
        try:
            keeper.keep(b"1")
            keeper.keep_now(b"1", ())
        except RuntimeError:
            os._exit(0)
        os._exit(1)

    _, status = os.waitpid(child, 0)

    assert status == 0


# --- the worker's end


class Works:
    """What a child works on, as far as keeping is concerned."""

    def __init__(self, saved: Saved = NOTHING_SAVED, fault: StoreError | None = None) -> None:
        self.saved = saved
        self.kept: list[Any] = []
        self._fault = fault

    def keep(self, value: bytes) -> None:
        self.kept.append(value)

    async def keep_now(self, value: bytes | None, steps: tuple[tuple[str, bytes], ...]) -> bool:
        if self._fault is not None:
            raise self._fault
        self.kept.append((value, steps))
        return True


@pytest.mark.parametrize("fault", [None, StoreError("the disk is full")])
def test_the_worker_keeps_what_it_hears_and_answers(fault: StoreError | None) -> None:
    work: Any = Works(fault=fault)
    said: list[frames.Kept] = []

    async def scenario() -> None:
        heard(frames.Keep(msgspec.Raw(b"1")), work, said.append)
        stored = frames.Stored(steps={"a": msgspec.Raw(b"2")})
        heard(frames.KeepNow(7, stored), work, said.append)
        await asyncio.to_thread(eventually, lambda: said)

    asyncio.run(scenario())

    assert work.kept == [b"1"] if fault else [b"1", (None, (("a", b"2"),))]
    assert said == [frames.Kept(7, True, "the disk is full" if fault else "")]


def test_a_child_finds_what_was_saved(ends: tuple[Worker, Channel]) -> None:
    saved = Saved(b'{"state":5}', {"a": b"7"})
    work: Any = Works(saved)

    context = Context(1, 2, keeper=ChildKeeper(ends[1], stored_of(work)))

    assert context.saved == 5
    assert context.step("a", int) == 7


def test_nothing_is_sent_along_where_nothing_was_saved() -> None:
    work: Any = Works()

    assert stored_of(work) is None


# --- real children


@pytest.mark.promise("P6")
def test_a_child_that_is_asked_stops_behind_an_item_and_its_last_state_is_heard(
    tmp_path: Path,
) -> None:
    witness = tmp_path / "witness"

    async def scenario() -> tuple[Outcome, Any]:
        async with executing(grace=8.0) as processes:
            job = processes.begin(kept.add_up, most=10**6, seconds=0.001, witness=str(witness))
            await soon(lambda: job.course.kept)
            outcome = await processes.stopped(job)
            return outcome, msgspec.json.decode(job.course.kept[-1])

    outcome, last = asyncio.run(scenario())

    done = len(witness.read_text().split())
    assert outcome == Yielded()
    assert last == {"state": sum(range(done)), "loops": {"items": {"done": done}}}


@pytest.mark.promise("P6")
def test_sigterm_in_the_midst_of_an_item_loses_no_checkpoint(tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    async def scenario() -> tuple[Outcome, list[bytes]]:
        async with executing(grace=0.4) as processes:
            job = await processes.begun(kept.counts_and_hangs, begun)
            return await processes.stopped(job), job.course.kept

    outcome, checkpoints = asyncio.run(scenario())

    assert outcome == Yielded()
    assert checkpoints[-1] == b'{"state":999}'


def test_a_child_that_raises_stopped_itself_has_failed() -> None:
    async def scenario() -> Outcome:
        async with executing() as processes:
            return await processes.run(kept.resigns)

    outcome = asyncio.run(scenario())

    assert isinstance(outcome, Failed)
    assert outcome.error.type == "offload.errors.Stopped"
