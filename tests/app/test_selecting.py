"""Many jobs in the program that has the database: what `tests/client/test_together.py` leaves."""

import asyncio

import pytest

from offload import Offload, Tally
from offload.examples.boxes import BlockingDouble
from tests.support import eventually


@pytest.mark.parametrize("verb", ["retry", "resume"])
def test_somebody_is_found_who_runs_what_was_begun_anew(app: Offload, verb: str) -> None:
    mended: list[bool] = []

    @app.task(queue="aside")
    async def report() -> str:
        if not mended:
            raise OSError("the disk is full")
        return "written"

    if verb == "retry":
        report.start().wait(20)
    else:
        report.using(paused=True).start()
    app.close()
    mended.append(True)

    tally: Tally = getattr(app.jobs(task="report"), verb)()

    assert (tally.matched, tally.changed) == (1, 1)
    eventually(lambda: app.get(1).state == "succeeded")


def test_jobs_are_found_by_an_alias_of_their_task(app: Offload) -> None:
    @app.task(aliases=["sum"])
    async def add(a: int) -> int:
        return a

    add.using(delay=3600).start_many([1, 2])

    listed = app.list(task="sum")
    tally = app.jobs(task="sum").cancel()

    assert [job.task for job in listed] == ["add", "add"]
    assert tally.changed == 2


def test_a_page_of_a_list_is_full_if_there_are_so_many(app: Offload) -> None:
    @app.task
    async def add(a: int) -> int:
        return a

    add.using(delay=3600).start_many(list(range(7)))

    first = app.list(limit=4)
    rest = asyncio.run(app.alist(limit=4, before=first[-1].id))

    assert [job.id for job in (*first, *rest)] == [7, 6, 5, 4, 3, 2, 1]
    assert app.list(limit=0) == []


def test_a_box_that_is_not_stored_yet_is_paused_without_holding_up_the_loop(app: Offload) -> None:
    async def main() -> tuple[bool, bool, int]:
        job = app.submit(BlockingDouble(2, 0), delay=3600)
        group = app.submit_many([BlockingDouble(3, 0)], delay=3600)
        return await job.apause("lunch"), await job.aamend(priority=3), await group.apause()

    assert asyncio.run(main()) == (True, True, 1)
