"""A polling job that the other side completes early."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offload import current, verbs
from offload.errors import AlreadyFinished, NotCompletable
from offload.lifecycle import Shown
from offload.model import State
from offload.values import encode
from tests.worker.polled import PollingRig, Remote
from tests.worker.rigs import BY, value


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PollingRig]:
    rig = PollingRig(tmp_path)
    yield rig
    rig.close()


class Webhook:
    """The other side, which was given a token at the start, and calls back."""

    def __init__(self, rig: PollingRig, seconds_to_start: float = 0.0) -> None:
        self.rig = rig
        self.token = ""
        self.remote = Remote(rig, checks=1000)

        async def batch() -> dict[str, Any]:
            self.token = current().completion_token
            await asyncio.sleep(seconds_to_start)
            self.remote.begun.append("")
            return {"id": 1}

        rig.task(batch, polling=self.remote.polling)

    async def complete(self, job_id: int, output: object, token: str | None = None) -> bool:
        changed = await self.rig.perform(
            verbs.complete(
                job_id,
                self.token if token is None else token,
                encode(output),
                self.rig.clock.now,
                BY,
            )
        )
        assert isinstance(changed, bool)
        return changed


@pytest.mark.promise("S8")
@pytest.mark.parametrize("output", [{"rows": 12}, None, 0, "", False, "x" * 5_000])
def test_the_other_side_completes_a_job_with_any_value(rig: PollingRig, output: object) -> None:
    webhook = Webhook(rig)

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(15)

            changed = await webhook.complete(job_id, output)
            job = await rig.finished(job_id)
            again = await webhook.complete(job_id, "another")

            assert (changed, again) == (True, False)
            assert value(job) == output
            assert webhook.remote.told == ["cleanup 1"]
            assert await rig.kinds(job_id) == [
                *("queued", "claimed", "waiting", "completed", "succeeded")
            ]

    rig.run(scenario())


def test_a_word_that_comes_before_the_start_has_returned_counts(rig: PollingRig) -> None:
    webhook = Webhook(rig, seconds_to_start=5.0)

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(2)

            await webhook.complete(job_id, "early")
            job = await rig.finished(job_id)

            assert value(job) == "early"
            assert webhook.remote.told == ["cleanup 1"]

    rig.run(scenario())


@pytest.mark.promise("P3")
def test_a_word_that_comes_while_nobody_holds_the_job_is_kept(rig: PollingRig) -> None:
    webhook = Webhook(rig)

    async def scenario() -> None:
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(5)
        await webhook.complete(job_id, "kept")
        shown = await rig.shown(job_id)
        with pytest.raises(AlreadyFinished):
            await rig.cancel(job_id)
        async with rig.working():
            job = await rig.finished(job_id)

            assert shown is Shown.QUEUED
            assert value(job) == "kept"
            assert webhook.remote.told == ["cleanup 1"]
            assert len(webhook.remote.begun) == 1

    rig.run(scenario())


def test_what_cannot_be_completed_says_why(rig: PollingRig) -> None:
    webhook = Webhook(rig)

    async def nap() -> None:
        await asyncio.sleep(30)

    rig.task(nap)

    async def scenario() -> None:
        waiting = await rig.start("batch", run_at=rig.clock.now() + 1000)
        async with rig.working():
            job_id = await rig.start("batch")
            await asyncio.sleep(5)
            token = webhook.token

            with pytest.raises(NotCompletable, match="the token is not its own"):
                await webhook.complete(job_id, 1, "é" + token)
            with pytest.raises(NotCompletable, match="the token is not its own"):
                await webhook.complete(waiting, 1, token)
            with pytest.raises(NotCompletable, match="the token is not its own"):
                await webhook.complete(99, 1, token)
            await rig.cancel(job_id)
            await rig.until(job_id, State.CANCELLED)
            with pytest.raises(AlreadyFinished):
                await webhook.complete(job_id, 1)

    rig.run(scenario())


def test_a_token_fits_one_job_only(rig: PollingRig) -> None:
    webhook = Webhook(rig)
    tokens: list[str] = []

    async def scenario() -> None:
        async with rig.working():
            for _ in range(2):
                await rig.start("batch")
                await asyncio.sleep(1)
                tokens.append(webhook.token)

    rig.run(scenario())

    assert tokens[0] != tokens[1]
    assert all(len(token) == 64 for token in tokens)
