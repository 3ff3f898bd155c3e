"""The loop on virtual time: what the simulation rests on."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from offload.testing import Deadlock, FakeClock, Livelock, Strand, VirtualClock, VirtualLoop


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.end()


def test_an_hour_passes_at_once_and_exactly(loop: VirtualLoop) -> None:
    async def wait() -> float:
        await asyncio.sleep(3600)
        return loop.time()

    assert loop.run_until_complete(wait()) == 3600.0


def test_timers_go_off_in_order_of_time_then_of_setting(loop: VirtualLoop) -> None:
    order: list[str] = []
    for name, delay in (("third", 2.0), ("first", 1.0), ("second", 1.0)):
        loop.call_later(delay, order.append, name)

    loop.run_until_complete(asyncio.sleep(3))

    assert order == ["first", "second", "third"]


def test_a_cancelled_timer_takes_no_time(loop: VirtualLoop) -> None:
    loop.call_later(1000, lambda: None).cancel()

    loop.run_until_complete(asyncio.sleep(1))

    assert loop.time() == 1.0


def test_a_wait_without_end_is_named_instead_of_hanging(loop: VirtualLoop) -> None:
    async def wait() -> None:
        await loop.create_future()

    waiting = loop.create_task(wait(), name="the one that waits")

    with pytest.raises(Deadlock, match="the one that waits of main"):
        loop.run_until_complete(waiting)


def test_callbacks_that_go_round_at_one_instant_are_named_instead_of_hanging(
    loop: VirtualLoop,
) -> None:
    def again() -> None:
        loop.call_soon(again)

    again()

    with pytest.raises(Livelock, match=r"at 0\.0 s"):
        loop.run_until_complete(loop.create_future())


def test_timeouts_and_gathers_work_as_ever(loop: VirtualLoop) -> None:
    async def work() -> list[str]:
        async def one(name: str, seconds: float) -> str:
            await asyncio.sleep(seconds)
            return name

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(10)
        return list(await asyncio.gather(one("a", 2), one("b", 1)))

    assert loop.run_until_complete(work()) == ["a", "b"]
    assert loop.time() == 7.0


def test_a_function_for_another_thread_runs_in_line(loop: VirtualLoop) -> None:
    async def ask() -> int:
        return await asyncio.to_thread(threading.get_ident)

    assert loop.run_until_complete(ask()) == threading.get_ident()


def test_a_real_thread_is_refused(loop: VirtualLoop) -> None:
    async def ask() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(loop.call_soon_threadsafe, print).result()

    with pytest.raises(RuntimeError, match="has one thread"):
        loop.run_until_complete(ask())


def test_it_serves_asyncios_own_runner() -> None:
    async def work() -> float:
        await asyncio.sleep(60)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(work()) == 60.0


# --- strands and processes


def steps(strand: Strand, name: str, heard: list[str], times: int = 8) -> None:
    """Note as many steps, each scheduled by the one before."""
    heard.append(name)
    if times > 1:
        strand.call_soon(steps, strand, name, heard, times - 1)


def interleaving(seed: int | None) -> str:
    """Run two strands side by side; returns who went when."""
    loop, heard = VirtualLoop(seed), list[str]()
    for name in "ab":
        strand = loop.process(name).main
        strand.call_soon(steps, strand, name, heard)
    loop.run_until_complete(asyncio.sleep(1))
    loop.end()
    return "".join(heard)


def test_without_a_seed_strands_go_in_the_order_of_scheduling() -> None:
    assert interleaving(None) == "ab" * 8


def test_a_seed_draws_which_strand_goes_next_and_repeats() -> None:
    drawn = {seed: interleaving(seed) for seed in range(20)}

    assert len(set(drawn.values())) > 10
    assert all(interleaving(seed) == order for seed, order in drawn.items())


def test_within_a_strand_the_order_always_is_that_of_scheduling() -> None:
    for seed in range(20):
        loop, heard = VirtualLoop(seed), list[int]()
        strand = loop.process("p").main
        for number in range(10):
            strand.call_soon(heard.append, number)

        loop.run_until_complete(asyncio.sleep(1))
        loop.end()

        assert heard == list(range(10))


def test_what_a_callback_schedules_belongs_to_its_strand(loop: VirtualLoop) -> None:
    process = loop.process("p")
    found: list[Strand] = []

    async def work() -> None:
        await asyncio.sleep(1)
        await asyncio.create_task(asyncio.sleep(1))
        found.append(loop.present)

    loop.run_until_complete(process.spawn(work()))

    assert found == [process.main]


def test_a_task_stays_on_its_strand_whoever_wakes_it(loop: VirtualLoop) -> None:
    waiter, waker = loop.process("waiter"), loop.process("waker")
    happened = asyncio.Event()
    found: list[Strand] = []

    async def wait() -> None:
        found.append(loop.present)
        await happened.wait()
        found.append(loop.present)
        await asyncio.sleep(0)
        found.append(loop.present)

    waiting = waiter.spawn(wait())
    waker.main.call_later(1, happened.set)
    waker.main.call_later(1, waker.crash)

    loop.run_until_complete(waiting)

    assert found == [waiter.main] * 3


def test_a_thread_of_a_process_calls_into_its_own_loop_only(loop: VirtualLoop) -> None:
    process = loop.process("p")
    found: list[Strand] = []
    process.strand("writer").call_soon(
        loop.call_soon_threadsafe, lambda: found.append(loop.present)
    )

    loop.run_until_complete(asyncio.sleep(1))

    assert found == [process.main]


def test_a_crashed_process_takes_no_further_step_and_runs_no_finally(loop: VirtualLoop) -> None:
    process = loop.process("p")
    heard: list[str] = []

    async def work() -> None:
        try:
            while True:
                heard.append("step")
                await asyncio.sleep(1)
        finally:
            heard.append("finally")

    process.spawn(work())
    loop.call_later(2.5, process.crash)

    loop.run_until_complete(asyncio.sleep(10))

    assert heard == ["step"] * 3


def test_a_frozen_process_does_late_what_was_due(loop: VirtualLoop) -> None:
    process = loop.process("p")
    woken_at: list[float] = []
    process.main.call_later(1, lambda: woken_at.append(loop.time()))
    process.freeze()
    loop.call_later(5, process.thaw)

    loop.run_until_complete(asyncio.sleep(10))

    assert woken_at == [5.0]


def test_a_blocked_strand_leaves_the_others_of_its_process_going(loop: VirtualLoop) -> None:
    process = loop.process("p")
    heard: list[tuple[str, float]] = []

    def note(name: str) -> None:
        heard.append((name, loop.time()))

    process.main.call_soon(process.main.block, 3.0)
    process.main.call_later(1, note, "main")
    process.strand("writer").call_later(1, note, "writer")

    loop.run_until_complete(asyncio.sleep(5))

    assert heard == [("writer", 1.0), ("main", 3.0)]


# --- clocks


def test_the_wall_clock_jumps_and_the_ruler_does_not(loop: VirtualLoop) -> None:
    clock = VirtualClock(loop, start=1000.0)
    loop.run_until_complete(asyncio.sleep(5))

    clock.jump(-3600)

    assert clock.now() == 1000.0 + 5 - 3600
    assert clock.monotonic() == 5.0


@pytest.mark.parametrize("seconds", [0.0, 0.5, 86_400.0])
def test_a_fake_clock_advances_on_both_readings(seconds: float) -> None:
    clock = FakeClock(now=1000.0)

    clock.advance(seconds)

    assert (clock.now(), clock.monotonic()) == (1000.0 + seconds, seconds)


def test_a_fake_clock_jumps_on_the_wall_only() -> None:
    clock = FakeClock(now=1000.0)

    clock.jump(-10)

    assert (clock.now(), clock.monotonic()) == (990.0, 0.0)


def test_a_fake_clock_does_not_run_backwards() -> None:
    advance: Callable[[float], None] = FakeClock().advance

    with pytest.raises(ValueError, match="jump"):
        advance(-1.0)
