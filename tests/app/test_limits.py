"""Named limits and rates as users have them."""

import asyncio
from typing import Any

import pytest

from offload import InvalidTask, Offload
from tests.support import eventually


@pytest.mark.promise("S12")
def test_tasks_that_share_a_limit_never_run_beyond_it(app: Offload) -> None:
    running, most = [0], [0]

    async def work() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.002)
        running[0] -= 1

    train = app.task(name="train", limits={"gpu": 2})(work)
    predict = app.task(name="predict", limits={"gpu": 2})(work)

    groups = [train.map([()] * 10), predict.map([()] * 10)]

    assert all(group.wait(30) for group in groups)
    assert most == [2]


def test_a_job_that_waits_for_a_limit_says_which(app: Offload) -> None:
    @app.task(limits={"gpu": 1})
    async def train() -> None:
        await asyncio.sleep(3600)

    first, second = train.start(), train.start()

    eventually(lambda: first.state == "running")
    eventually(lambda: app.reason(second.read()) == "the limit 'gpu' is reached: 1 at once")
    first.cancel()
    eventually(lambda: second.state == "running")
    second.cancel()


def test_a_rate_lets_no_more_begin_and_says_so(app: Offload) -> None:
    @app.task(rate="2/h")
    async def ask_politely() -> int:
        return 1

    jobs = [ask_politely.start() for _ in range(3)]

    assert [job.result(20) for job in jobs[:2]] == [1, 1]
    eventually(lambda: app.reason(jobs[2].read()) is not None)
    assert app.reason(jobs[2].read()) == "the rate of 'ask_politely' is reached: 2 in 3600 s"
    jobs[2].cancel()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limits": {"gpu": 0}}, "limits: gpu must be an integer from 1 on, not 0"),
        ({"limits": "gpu"}, "limits: write them as"),
        ({"limits": {"my gpu": 1}}, "limits: the name is a word such as gpu"),
        ({"rate": "often"}, "rate: "),
        ({"retry_on": "ValueError"}, "retry_on: it must name classes of exceptions"),
        ({"cron": "0 3 * * *", "every": 5}, "cron= or every="),
    ],
)
def test_what_cannot_be_meant_is_refused_at_registration(
    app: Offload, options: dict[str, Any], said: str
) -> None:
    async def work() -> None: ...

    with pytest.raises(InvalidTask) as refused:
        app.task(**options)(work)

    assert said in str(refused.value)
    assert "work" in str(refused.value)
