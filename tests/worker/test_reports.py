"""What the flight recorder has of an attempt is stored while the attempt lasts, and afterwards."""

import asyncio

from offload.model import Record, State
from offload.store.base import Records
from tests.worker.rigs import VirtualRig


def register_stubborn(rig: VirtualRig) -> None:
    @rig.task
    async def stubborn() -> None:
        """Not end for a minute after it was told to."""
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            await asyncio.sleep(60)


async def cancelled(rig: VirtualRig) -> int:
    job = await rig.start("stubborn")
    await rig.until(job, State.RUNNING)
    await rig.cancel(job)
    await asyncio.sleep(2)
    return job


async def recorded(rig: VirtualRig, job_id: int) -> list[Record]:
    return await rig.mailbox.read_soon(Records(job_id))


def test_what_was_done_to_a_job_is_told_though_it_does_not_end(rig: VirtualRig) -> None:
    register_stubborn(rig)

    async def scenario() -> tuple[State, list[Record]]:
        async with rig.working():
            job = await cancelled(rig)
            return (await rig.job(job)).state, await recorded(rig, job)

    state, [record] = rig.run(scenario())

    assert state is State.RUNNING
    assert [deed.what for deed in record.deeds] == ["CancelledError raised at its await"]


def test_what_the_store_refused_is_stored_with_the_next_word(rig: VirtualRig) -> None:
    register_stubborn(rig)

    async def scenario() -> list[Record]:
        async with rig.working():
            rig.decide("Note", "refused")
            return await recorded(rig, await cancelled(rig))

    [record] = rig.run(scenario())

    assert [deed.what for deed in record.deeds] == ["CancelledError raised at its await"]
    assert sum("Note" in kinds for kinds in rig.store.history) >= 2
