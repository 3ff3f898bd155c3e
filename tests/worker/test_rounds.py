"""What has ended goes with the next round, and short jobs of one round end in one."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import msgspec

from offload import lifecycle
from offload.clock import SystemClock
from offload.model import PLAIN, By, Job, State, Succeeded
from offload.store.base import Apply, Claim, Operation
from offload.store.mailbox import Mailbox
from offload.worker.rounds import Rounds

BY = By(actor="worker 1", door="worker")

NOTHING = {field.name: None for field in msgspec.structs.fields(Job)}

CLAIM = Claim(
    worker=1, house=0, queues=(), tasks=("t",), free={"slots": 2}, now=1.0, lease_until=9.0, by=BY
)


def running(job_id: int) -> Job:
    known = {"id": job_id, "task": "t", "state": State.RUNNING, "version": 2, "token": 1}
    known |= {"attempt": 1, "options": PLAIN, "forgiven": 0, "paused_seconds": 0.0}
    return cast("Callable[..., Job]", Job)(**NOTHING | known)


class Post:
    """Answers at once: the first claim with these jobs, every further one with none."""

    def __init__(self, *jobs: Job) -> None:
        self.applied: list[list[int]] = []
        self.heard = asyncio.Event()
        self._jobs = list(jobs)

    def ask_soon(self, operation: Operation[Any]) -> "asyncio.Future[Any]":
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if isinstance(operation, Apply):
            self.applied.append([change.after.id for change in operation.changes])
            answer.set_result([None] * len(operation.changes))
            self.heard.set()
        else:
            jobs, self._jobs = self._jobs, []
            answer.set_result(jobs)
        return answer


async def go(post: Post, code: Callable[[Job], Coroutine[Any, Any, None]], ends: int) -> None:
    """Go round until so many jobs have been stored as ended."""
    tasks = []

    async def run(job: Job) -> None:
        await code(job)
        await rounds.apply(lifecycle.conclude(job, Succeeded(b"1"), 2.0, BY))

    rounds = Rounds(
        cast("Mailbox", post),
        SystemClock(),
        claim=lambda: CLAIM,
        begin=lambda job: tasks.append(asyncio.create_task(run(job))),
        last_words=lambda keys: [],
        heard_again=lambda effects: None,
        failed=lambda error: None,
        draw=lambda: 0.5,
    )
    rounds.look_again()
    going = asyncio.create_task(rounds.go(lambda: False))
    async with asyncio.timeout(20):
        while sum(map(len, post.applied)) < ends:
            post.heard.clear()
            await post.heard.wait()
    for task in (going, *tasks):
        task.cancel()
    await asyncio.gather(going, *tasks, return_exceptions=True)


def test_jobs_that_end_within_a_moment_are_stored_together() -> None:
    post = Post(running(1), running(2))

    async def code(job: Job) -> None:
        for _ in range(10 * job.id):
            await asyncio.sleep(0)

    asyncio.run(go(post, code, ends=2))

    assert post.applied == [[1, 2]]


def test_a_job_that_ends_waits_for_no_long_one() -> None:
    post = Post(running(1), running(2))

    async def code(job: Job) -> None:
        await asyncio.sleep(0 if job.id == 1 else 3600)

    asyncio.run(go(post, code, ends=1))

    assert post.applied == [[1]]
