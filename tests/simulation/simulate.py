"""A run from a seed to its verdict: a time of faults, then calm, then probes, then the end."""

import asyncio
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from offload.model import JobOptions, NewJob, Wish
from offload.values import encode
from tests.simulation.checker import violations
from tests.simulation.checks.timely import CANCEL_SECONDS, CLAIM_SECONDS, PAUSE_SECONDS, PROBE
from tests.simulation.clients import Client
from tests.simulation.history import Begun, Calm, History, MustFail
from tests.simulation.nemesis import strike
from tests.simulation.plan import Faults, Plan, WorkerPlan, draw_plan
from tests.simulation.world import World

DRAIN_SECONDS = 900
"""Virtual seconds in which everything must have finished once the faults are over."""

CLOSED = "closed"
"""A queue from which nothing is claimed."""

LOOK_SECONDS = 1.1
"""So often, at least, somebody looks for what can never begin."""

PROBED = WorkerPlan(slots=8, lease=6.0, knows_rare=True)
"""The worker that is added for the probes, so that one can fall and another one is there."""

MEMORY = Path("/dev/shm")


class Verdict(Struct, frozen=True):
    """What came of a seed."""

    plan: Plan
    violations: list[str]
    trace: list[str]
    history: History

    @property
    def digest(self) -> str:
        """A digest of the whole trace: equal for equal runs."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()


def simulate(seed: int) -> Verdict:
    """Run a seed and judge it."""
    return run(draw_plan(seed))


def run(plan: Plan) -> Verdict:
    """Run a plan and judge it."""
    with _folder() as folder:
        world = World(plan, folder)
        with _listening(world):
            try:
                world.loop.run_until_complete(_play(world))
            except Exception as error:  # told with the seed, like everything that goes wrong
                world.broke("main", repr(error))
            world.end()
    return Verdict(plan, violations(world.history), world.trace, world.history)


async def _play(world: World) -> None:
    operator = Client(world, "operator")
    for queue in world.plan.queues:
        await operator.set_queue(queue)
    supervisors = [
        asyncio.create_task(_supervise(world, f"w{index}", plan))
        for index, plan in enumerate(world.plan.workers)
    ]
    await _storm(world)
    await _calm_down(world, operator)
    probed = replace(PROBED, knows_tick=world.plan.ticks)
    supervisors.append(asyncio.create_task(_supervise(world, "probed", probed)))
    await asyncio.sleep(2.0)
    world.add(Calm(at=world.loop.time()))
    await _probe(world, operator)
    await _finished(world)
    for supervisor in supervisors:
        supervisor.cancel()


async def _supervise(world: World, name: str, plan: WorkerPlan) -> None:
    """Keep a worker going: begin another process whenever one has fallen."""
    draw = world.draw(f"supervisor {name}")
    generation = 0
    await asyncio.sleep(draw.random())
    while True:
        generation += 1
        server = world.serve(f"{name}.{generation}", plan)
        await server.fallen.wait()
        await asyncio.sleep(draw.uniform(0.1, 3.0))


async def _storm(world: World) -> None:
    """Let clients and faults loose on the workers."""
    plan = world.plan
    clients = [Client(world, f"c{index}") for index in range(plan.clients)]
    living = [
        client.process.spawn(client.live(plan.jobs // plan.clients, plan.seconds))
        for client in clients
    ]
    world.faults = plan.faults
    storm = asyncio.create_task(strike(world))
    await asyncio.sleep(plan.seconds)
    await asyncio.gather(*living)
    storm.cancel()


async def _calm_down(world: World, operator: Client) -> None:
    """End the faults, and wait until what they left behind is done."""
    world.faults = Faults()
    world.down_until = 0.0
    world.set_the_clock_right()
    for server in world.alive():
        server.process.thaw()
    await asyncio.sleep(5.0)  # what is on its way may still be slow
    for queue in world.plan.queues:
        await operator.set_limit(queue.name, 3)
    await operator.resume_all()
    await asyncio.sleep(5.0)
    await operator.resume_all()  # what was held meanwhile
    await _finished(world)
    for server in world.alive():
        if server.is_draining:
            await server.fallen.wait()


async def _finished(world: World) -> None:
    """Wait until every job has finished, for a bounded time."""
    for _ in range(DRAIN_SECONDS):
        if not world.unfinished():
            return
        await asyncio.sleep(1.0)


# --- probes: what must happen in time when nothing goes wrong


async def _probe(world: World, operator: Client) -> None:
    await _begun(world, await _start(operator, "nap", 2, seconds=0.5))  # L1, in a new queue
    for task in ("nap", "polite"):  # L3
        jobs = await _start(operator, task, 1, seconds=30)
        await _begun(world, jobs)
        await operator.cancel(jobs[0])
        await asyncio.sleep(1.5)
    for _ in range(3):  # L3, while its claim is on its way
        await operator.cancel(*await _start(operator, "nap", 1, seconds=30))
        await asyncio.sleep(1.5)
    jobs = await _start(operator, "nap", 4, seconds=3)  # L2
    world.servers[(await _begun(world, jobs)).process].fall()
    await asyncio.sleep(4.0)
    await _probe_time(world, operator)
    await _probe_pausing(world, operator)
    jobs = await _start(operator, "remote", 3, seconds=4)  # adopted
    begun = await _begun(world, jobs)
    await asyncio.sleep(1.0)
    world.servers[begun.process].fall()
    await asyncio.sleep(4.0)
    jobs = await _start(operator, "nap", 1, seconds=100)  # L6
    world.servers[(await _begun(world, jobs)).process].tell_to_end(grace=2.0)
    await asyncio.sleep(5.0)
    await operator.cancel(jobs[0])


async def _probe_pausing(world: World, operator: Client) -> None:
    """P5, L1: paused and resumed in time; held when its worker crashes, and taken up in time."""
    for task, params in (("nap", {"steps": 300}), ("saver", {"steps": 300}), ("remote", {})):
        [job] = await _start(operator, task, 1, seconds=30, **params)
        begun = await _begun(world, (job,))
        for _ in range(2):
            await asyncio.sleep(0.7)
            await operator.wish(job, Wish.PAUSE)
            await asyncio.sleep(PAUSE_SECONDS + 1.0)
            await operator.wish(job, Wish.RESUME)
            await asyncio.sleep(CLAIM_SECONDS + 0.5)
        await operator.wish(job, Wish.PAUSE)
        await asyncio.sleep(PAUSE_SECONDS + 0.5)
        world.servers[begun.process].fall()
        await asyncio.sleep(4.0)
        await operator.wish(job, Wish.RESUME)
        await asyncio.sleep(CLAIM_SECONDS + 1.0)
        await operator.cancel(job)


async def _probe_time(world: World, operator: Client) -> None:
    """L3: too long for its timeout; past its deadline when it runs, and before it could begin."""
    await operator.set_limit(CLOSED, 0)
    now = world.clock.now()
    for code, options, queue, within in (
        ("timeout", JobOptions(timeout=0.5), PROBE, 0.5 + CLAIM_SECONDS),
        ("deadline", JobOptions(deadline=1.0), PROBE, 1.0),
        ("deadline", JobOptions(deadline=1.0), CLOSED, 1.0 + LOOK_SECONDS),
    ):
        deadline_at = None if options.deadline is None else now + options.deadline
        job = NewJob(
            task="nap",
            kind="async",
            params=encode({"seconds": 30}),
            queue=queue,
            options=options,
            deadline_at=deadline_at,
        )
        [job_id] = await operator.start(None, (job,))
        by = world.loop.time() + within + CANCEL_SECONDS
        world.add(MustFail(at=world.loop.time(), job=job_id, by=by, code=code))
    await asyncio.sleep(2.5)


async def _start(operator: Client, task: str, count: int, **params: float) -> tuple[int, ...]:
    job = NewJob(task=task, kind="async", params=encode(params), queue=PROBE)
    return await operator.start(None, (job,) * count)


async def _begun(world: World, jobs: tuple[int, ...]) -> Begun:
    """Wait a while for the last of these jobs to begin."""
    for _ in range(40):
        found = [begun for begun in world.history.of(Begun) if begun.job == jobs[-1]]
        if found:
            return found[-1]
        await asyncio.sleep(0.1)
    raise AssertionError(f"job {jobs[-1]} was not begun within 4 s of calm")


# --- around a run


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder for a run, in memory where there is one."""
    folder = Path(tempfile.mkdtemp(prefix="offload-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _listening(world: World) -> Iterator[None]:
    """Let the world hear what is logged, and nobody else."""
    log, handler = logging.getLogger("offload"), _Ear(world.said)
    propagate, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagate


class _Ear(logging.Handler):
    def __init__(self, tell: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record)
