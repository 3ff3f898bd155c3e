"""Selecting: jobs by what they are like, all of which are asked for something together."""

from collections.abc import Iterable
from typing import Unpack

from msgspec.structs import replace

from offload.bulk import Bulk, Done, carry_out
from offload.desk.looking import Narrowing
from offload.desk.pausing import Pausing
from offload.filters import Filter
from offload.jobs import Jobs, Tally
from offload.model import By
from offload.verbs import Act, Plan

Begun = set[tuple[str, str]]
"""Tasks and queues of jobs that wait again."""


class Selecting(Pausing):
    """Does what `Jobs` are asked."""

    def jobs(self, *, ids: Iterable[int] | None = None, **narrowed: Unpack[Narrowing]) -> Jobs:
        """Return a handle of many jobs: `app.jobs(task="render", states=["failed"]).retry()`.

        Nothing is read yet. What is not said is not asked, so `app.jobs()` is all jobs.

        Args:
            ids: these jobs; nothing else can be said with them.
            narrowed: only some jobs, as for `list`.

        Raises:
            ValueError: there is no such stored state, or the text has too many words; or something
                was said beside the ids, or one is none.
        """
        return Jobs(self.meant(ids, **narrowed), self)

    def meant(self, ids: Iterable[int] | None = None, **narrowed: Unpack[Narrowing]) -> Bulk:
        """Return which jobs are meant, of which nothing is wanted yet; see `jobs`."""
        wanted = self._filter(**narrowed)
        if ids is None:
            return Bulk(wanted)
        if wanted != Filter():
            raise ValueError("the ids say which jobs already; leave the rest out")
        return Bulk(wanted, tuple(_checked(each) for each in ids))

    def ask_jobs(self, bulk: Bulk) -> Tally:
        """Ask something of all jobs that are meant; see `Jobs`."""
        tally, begun = self.run(self._asking_all(bulk))
        if begun:
            self.hire(begun)
        return tally

    async def aask_jobs(self, bulk: Bulk) -> Tally:
        """The same without blocking the loop."""
        tally, begun = await self.perform(self._asking_all(bulk))
        if begun:
            await self.ahire(begun)
        return tally

    def asking_jobs(self, bulk: Bulk, by: By | None = None) -> Plan[Done]:
        """Return the plan that asks something of many jobs; what is left begins at its `before`."""
        return carry_out(bulk, Act(by or self._by(), self.now))

    def _asking_all(self, bulk: Bulk) -> Plan[tuple[Tally, Begun]]:
        tally, begun = Tally(bulk.preview), set[tuple[str, str]]()
        while True:
            done = yield from self.asking_jobs(bulk)
            tally, begun = tally.plus(done), begun | done.begun
            if done.before is None:
                return tally, begun
            bulk = replace(bulk, before=done.before)


def _checked(job_id: int) -> int:
    if type(job_id) is not int or not 0 < job_id < 1 << 63:
        raise ValueError(f"{job_id!r} is not the id of a job: 1, 2, 3, …")
    return job_id
