"""Hooks round workers: set up before the first job, torn down after the last one."""

from collections.abc import AsyncIterator, Iterator

import pytest

from offload import InvalidTask, Offload, OffloadError
from tests.support import eventually


def test_a_worker_s_hooks_are_set_up_before_the_first_job_and_torn_down_after_the_last() -> None:
    told: list[str] = []

    with Offload() as app:

        @app.lifespan
        async def connection() -> AsyncIterator[None]:
            told.append("connect")
            yield
            told.append("disconnect")

        @app.lifespan(scope="worker")
        def model() -> Iterator[None]:
            told.append("load")
            yield
            told.append("unload")

        @app.task
        async def work() -> None:
            told.append("work")

        work.start().result(20)

    assert told == ["connect", "load", "work", "unload", "disconnect"]


def test_a_hook_that_fails_is_told_by_the_next_verb() -> None:
    app, connected = Offload(), False

    @app.lifespan
    async def broken() -> AsyncIterator[None]:
        if not connected:
            raise OSError("no such host: db")
        yield

    @app.task
    async def work() -> None: ...

    job = work.start()
    told: list[str] = []

    def is_told() -> bool:
        try:
            job.read()
        except OffloadError as error:
            told.append(str(error))
        return bool(told)

    eventually(is_told)
    app.close()
    assert "no such host: db" in told[0]


def test_a_hook_that_is_none_is_refused_at_once() -> None:
    app = Offload()

    with pytest.raises(InvalidTask, match="must have one `yield`"):

        @app.lifespan
        def nothing() -> None: ...
