"""Clients: they start jobs, cancel them, look at them and change limits, through the real verbs."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from offload import verbs
from offload.backoff import Backoff
from offload.errors import (
    AlreadyFinished,
    BeingCancelled,
    JobError,
    NotFinished,
    NotPausable,
    Refused,
    StoreError,
)
from offload.lanes import lane_text
from offload.model import (
    PLAIN,
    By,
    Job,
    JobOptions,
    Lane,
    NewJob,
    OnCrash,
    QueueSettings,
    State,
    Wish,
)
from offload.store.base import Insert, Inserted, List, Operation, SetQueue
from offload.testing import InlineMailbox, Process
from offload.units import Rate
from offload.values import encode
from offload.verbs import Plan as VerbPlan
from tests.simulation.history import Accepted, CancelAnswered, Observed, WishAnswered
from tests.simulation.plan import QueuePlan
from tests.simulation.world import World

T = TypeVar("T")


class Client:
    """A process that asks for things and notes what it was told."""

    def __init__(self, world: World, name: str) -> None:
        self.process: Process = world.loop.process(name)
        self._world = world
        self._mailbox: InlineMailbox = world.mailbox(self.process)
        self._draw = world.draw(name)
        self._known: list[int] = []
        self._groups: list[int] = []
        self._paused: list[int] = []
        self._open_keys: list[tuple[str, tuple[NewJob, ...]]] = []
        self._keys = 0

    # --- what it does by itself

    async def live(self, jobs: int, seconds: float) -> None:
        """Start so many jobs in about so many seconds, and do other things in between."""
        for _ in range(jobs * 2):
            await asyncio.sleep(self._draw.expovariate(jobs * 2 / seconds))
            act = self._draw.choices(
                [
                    self._start_some,
                    self._cancel_one,
                    self._look_at_one,
                    self._set_a_limit,
                    self._retry_one,
                    self._ask_a_group,
                    self._retry_a_group,
                    self._pause_one,
                    self._resume_one,
                    self._pause_a_queue,
                ],
                weights=[20, 6, 10, 2, 3, 1, 1, 8, 9, 1],
            )[0]
            try:
                await act()
            except (StoreError, Refused, JobError) as error:
                self._world.note(f"is told {type(error).__name__}")

    async def _start_some(self) -> None:
        if self._open_keys and self._draw.random() < 0.5:
            await self.start(*self._open_keys.pop(), note=True)
            return
        count = self._draw.choice([1, 1, 1, 2, 5])
        jobs = tuple(self._new_job() for _ in range(count))
        key = None
        if self._draw.random() < 0.3:
            self._keys += 1
            key = f"{self.process.name} {self._keys}"
            self._open_keys.append((key, jobs))
        await self.start(key, jobs)

    async def _cancel_one(self) -> None:
        if self._known:
            await self.cancel(self._draw.choice(self._known))

    async def _retry_one(self) -> None:
        if self._known:
            await self.retry(self._draw.choice(self._known))

    async def _ask_a_group(self) -> None:
        if self._groups:
            group, now = self._draw.choice(self._groups), self._world.clock.now
            wish = self._draw.choice([Wish.CANCEL, Wish.PAUSE, Wish.RESUME])
            await self._perform(verbs.request_of_group(group, wish, now, self._by()))

    async def _retry_a_group(self) -> None:
        if self._groups:
            group, now = self._draw.choice(self._groups), self._world.clock.now
            await self._perform(verbs.retry_failed(group, now, self._by()))

    async def _pause_one(self) -> None:
        if self._known:
            job = self._draw.choice(self._known[-8:])
            self._paused.append(job)
            await self.wish(job, Wish.PAUSE)

    async def _resume_one(self) -> None:
        if self._paused:
            await self.wish(self._draw.choice(self._paused[-4:]), Wish.RESUME)

    async def _pause_a_queue(self) -> None:
        queue = self._draw.choice(self._world.plan.queues).name
        await self.set_paused(queue, is_paused=self._draw.random() < 0.4)

    async def _look_at_one(self) -> None:
        if self._known:
            await self.look(self._draw.choice(self._known))

    async def _set_a_limit(self) -> None:
        queue = self._draw.choice(self._world.plan.queues).name
        await self.set_limit(queue, self._draw.choice([None, 0, 1, 2, 5]))

    def _new_job(self) -> NewJob:
        draw = self._draw
        task, params = draw.choice(_CALLS)(draw)
        delay = draw.choice([None, None, None, 0.5, 5.0])
        options = draw.choice(_OPTIONS)
        if task in _DEAF:
            options = replace(options, pausable=False)
        now = self._world.clock.now()
        houses = [None] * 9 + [server.house for server in self._world.alive()][:1]
        return NewJob(
            task=task,
            kind="async",
            params=encode(params),
            queue=draw.choice(self._world.plan.queues).name,
            priority=draw.choice([0, 0, 0, 0, 5, -5]),
            run_at=None if delay is None else now + delay,
            options=options,
            lane=draw.choice(_LANES),
            key=draw.choice([None] * 8 + ["u", "v"]),
            refuse_known=draw.random() < 0.3,
            bound_to=draw.choice(houses),
            deadline_at=None if options.deadline is None else now + options.deadline,
        )

    # --- the verbs

    async def start(
        self, key: str | None, jobs: tuple[NewJob, ...], *, note: bool = False
    ) -> tuple[int, ...]:
        """Start jobs; see `verbs.start`."""
        insert = Insert(
            jobs=jobs,
            now=self._world.clock.now(),
            by=self._by(),
            token=self._draw.getrandbits(62),
            key=key,
            grouped=len(jobs) > 1,
        )
        inserted: Inserted = await self._perform(verbs.start(insert))
        self._known += inserted.ids
        if inserted.group is not None:
            self._groups.append(inserted.group)
        self._world.add(
            Accepted(
                at=self._now(),
                client=self.process.name,
                ids=inserted.ids,
                key=key,
                group=inserted.group,
            )
        )
        return inserted.ids

    async def cancel(self, job: int) -> None:
        """Cancel a job; see `verbs.request`."""
        clock = self._world.clock
        try:
            after, _ = await self._perform(verbs.request(job, Wish.CANCEL, clock.now, self._by()))
        except AlreadyFinished:
            self._world.note(f"is told that job {job} has already finished")
        else:
            self._world.add(
                CancelAnswered(at=self._now(), job=job, state=after.state, version=after.version)
            )

    async def wish(self, job: int, wish: Wish) -> None:
        """Pause or resume a job; see `verbs.request`."""
        plan = verbs.request(job, wish, self._world.clock.now, self._by())
        try:
            after, _ = await self._perform(plan)
        except (AlreadyFinished, BeingCancelled, NotPausable) as error:
            self._world.note(f"is told that job {job} cannot: {type(error).__name__}")
        else:
            answered = WishAnswered(at=self._now(), job=job, wish=wish, version=after.version)
            self._world.add(answered)

    async def resume_all(self) -> None:
        """Let everything go on that stands still, or is to."""
        for queue in self._world.plan.queues:
            await self.set_paused(queue.name, is_paused=False)
        jobs: list[Job] = await self._mailbox.read_soon(
            List(limit=10_000, states=(State.PAUSED, State.RUNNING))
        )
        for job in jobs:
            await self.wish(job.id, Wish.RESUME)

    async def retry(self, job: int) -> None:
        """Try a job anew, if it has ended; see `verbs.retry`."""
        try:
            await self._perform(verbs.retry(job, self._world.clock.now, self._by()))
        except (AlreadyFinished, NotFinished):
            self._world.note(f"is told that job {job} cannot be tried anew")

    async def look(self, job: int) -> State:
        """Read a job; see `verbs.fetch`."""
        found: Job = await self._perform(verbs.fetch(job))
        self._world.add(
            Observed(
                at=self._now(),
                client=self.process.name,
                job=job,
                version=found.version,
                state=found.state,
                has_result=found.result is not None,
            )
        )
        return found.state

    async def set_queue(self, plan: QueuePlan) -> None:
        """Write a queue's settings."""
        settings = QueueSettings(limit=plan.limit, capacity=plan.capacity, keep=plan.keep)
        await self._mailbox.ask_soon(SetQueue(plan.name, settings))

    async def set_limit(self, queue: str, limit: int | None) -> None:
        """Write a queue's limit."""
        await self._mailbox.ask_soon(SetQueue(queue, QueueSettings(limit=limit)))
        self._world.note(f"sets the limit of {queue} to {limit}")

    async def set_paused(self, queue: str, *, is_paused: bool) -> None:
        """Pause a queue, or let it go on."""
        await self._mailbox.ask_soon(SetQueue(queue, QueueSettings(paused=is_paused)))
        self._world.note(f"sets {queue} paused: {is_paused}")

    async def _perform(self, plan: VerbPlan[Any]) -> Any:
        """Carry out a verb's plan, as the desk does."""
        try:
            wanted = next(plan)
            while True:
                if isinstance(wanted, Operation):
                    answer = await self._mailbox.ask_soon(wanted)
                else:
                    answer = await self._mailbox.read_soon(wanted)
                wanted = plan.send(answer)
        except StopIteration as end:
            return end.value

    def _by(self) -> By:
        return By(actor=self.process.name, door="python")

    def _now(self) -> float:
        return self._world.loop.time()


_OPTIONS = [
    *[PLAIN] * 6,
    JobOptions(retries=1, backoff=Backoff.fixed(0.5)),
    JobOptions(retries=3, backoff=Backoff.exponential(0.2, most=2)),
    JobOptions(timeout=0.7),
    JobOptions(timeout=0.7, retries=1, backoff=Backoff.fixed(0)),
    JobOptions(deadline=4.0),
    JobOptions(deadline=6.0, retries=5, backoff=Backoff.fixed(1)),
    JobOptions(on_crash=OnCrash.FAIL),
]
"""How what clients ask for is run."""

_DEAF = frozenset({"polite", "deaf"})
"""What runs in a thread that comes to no checkpoint."""

MOST = {"gpu": 1, "disk": 2}
"""The named limits, each the same for all who name it."""

MAIL = Rate(3, 5.0)
"""The rate that some jobs name."""

_LANES = [
    *[lane_text(Lane())] * 5,
    lane_text(Lane(pool="processes")),
    lane_text(Lane(limits={"gpu": MOST["gpu"]})),
    lane_text(Lane(limits=MOST)),
    lane_text(Lane(limits={"disk": MOST["disk"]}, rates={"mail": MAIL})),
]
"""What they compete for."""

_Call = Callable[[random.Random], tuple[str, dict[str, float]]]

_CALLS: list[_Call] = [
    lambda draw: ("nap", {"seconds": draw.choice([0, 0.1, 1.0, 3.0])}),
    lambda draw: ("nap", {"seconds": draw.random() * 3, "steps": 5}),
    lambda draw: ("rare", {"seconds": draw.random()}),
    lambda draw: ("fail", {"seconds": draw.choice([0, 0.5])}),
    lambda draw: ("stubborn", {"seconds": draw.choice([0.5, 3.0])}),
    lambda draw: (
        "tidy",
        {"seconds": draw.choice([0.5, 3.0]), "cleanup": draw.choice([0, 0.3, 2])},
    ),
    lambda draw: ("hog", {"seconds": draw.choice([0.1, 1.5])}),
    lambda draw: ("odd", {"seconds": draw.choice([0, 0.2])}),
    lambda draw: ("polite", {"seconds": draw.random() * 3}),
    lambda draw: ("deaf", {"seconds": draw.random() * 2}),
    lambda draw: ("flaky", {"seconds": draw.random(), "failures": draw.choice([1, 2])}),
    lambda draw: ("doze", {"seconds": draw.random(), "times": draw.choice([1, 3])}),
    lambda draw: ("saver", {"seconds": draw.random() * 4, "steps": draw.choice([4, 20])}),
    lambda draw: ("saver", {"seconds": 6.0, "steps": 30}),
    lambda draw: ("remote", {"seconds": draw.choice([0.5, 4.0, 8.0])}),
    lambda draw: ("remote", {"seconds": draw.random() * 6, "sick": draw.random() < 0.3}),
]
"""What clients ask for, each with what it draws."""
