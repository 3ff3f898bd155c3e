"""What a user's type checker sees. Nobody runs this; mypy reads it."""

from typing import assert_type

from offload import Job, Offload, Tally
from offload.lifecycle import Shown
from offload.model import Progress

app = Offload()


@app.task
def blocking(n: int, name: str = "x") -> str:
    return name * n


@app.task
async def coroutine(n: int) -> list[int]:
    return [n]


@app.task(priority=5, queue="slow", tags=["a"])
async def with_options(n: int) -> int:
    return n


def from_blocking_code() -> None:
    job = blocking.start(3, name="y")
    assert_type(job, Job[str])
    assert_type(job.result(timeout=3), str)
    assert_type(job.state, Shown)
    assert_type(job.progress, Progress | None)
    assert_type(job.cancel(), bool)
    assert_type(job.wait(1), bool)
    assert_type(job.amend(priority=3, run_at=None), bool)
    assert_type(app.jobs(states=["failed"], task="blocking").retry(preview=True), Tally)
    assert_type(blocking.using(delay=3).start_many([1, 2]), list[Job[str]])


async def from_a_loop() -> None:
    job = await coroutine.astart(3)
    assert_type(await job, list[int])
    assert_type(await job.aresult(3), list[int])
    assert_type(await with_options.astart(1), Job[int])
    assert_type(await job.aamend(tags=["a"]), bool)
    assert_type(await app.jobs().apause("lunch"), Tally)


async def what_does_not_fit() -> None:
    blocking.start("x")  # type: ignore[arg-type]
    blocking.start()  # type: ignore[call-arg]
    await coroutine.astart(m=1)  # type: ignore[call-arg]
    app.jobs(sate="failed")  # type: ignore[call-arg]
    app.list(states=["failed"], lmit=3)  # type: ignore[call-arg]
