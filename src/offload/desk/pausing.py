"""Pausing more than one job: a whole queue, a whole task, a group."""

from offload import verbs
from offload.desk.grouping import Grouping
from offload.model import By, Wish
from offload.verbs import Act, Plan, checked_reason


class Pausing(Grouping):
    """Pauses what is named, and lets it go on."""

    def pause(
        self,
        *,
        queue: str | None = None,
        task: str | None = None,
        group: int | None = None,
        reason: str | None = None,
        include_running: bool = False,
    ) -> int:
        """Pause a queue, a task or a group; returns how many jobs that changed.

        From a paused queue, and of a paused task, nothing is begun until it is resumed, over
        restarts too. What runs goes on, unless `include_running`; of a group all jobs are paused.

        Args:
            queue: the name of a queue.
            task: the name of a task.
            group: the id of a group.
            reason: why, for whoever looks at it; at most 500 characters.
            include_running: pause the jobs that run, too.

        Raises:
            ValueError: not just one of them is named, or the reason is too long.
            UnknownGroup: there is no such group.
        """
        return self.run(
            self.pausing(
                queue=queue,
                task=task,
                group=group,
                paused=True,
                reason=reason,
                include_running=include_running,
            )
        )

    async def apause(
        self,
        *,
        queue: str | None = None,
        task: str | None = None,
        group: int | None = None,
        reason: str | None = None,
        include_running: bool = False,
    ) -> int:
        """The same without blocking the loop."""
        return await self.perform(
            self.pausing(
                queue=queue,
                task=task,
                group=group,
                paused=True,
                reason=reason,
                include_running=include_running,
            )
        )

    def resume(
        self,
        *,
        queue: str | None = None,
        task: str | None = None,
        group: int | None = None,
        include_running: bool = False,
    ) -> int:
        """Let a queue, a task or a group go on; returns how many jobs that changed.

        Args:
            queue: the name of a queue.
            task: the name of a task.
            group: the id of a group.
            include_running: resume its jobs that were paused one by one, or while they ran, too.

        Raises:
            ValueError: not just one of them is named.
            UnknownGroup: there is no such group.
        """
        return self.run(
            self.pausing(
                queue=queue, task=task, group=group, paused=False, include_running=include_running
            )
        )

    async def aresume(
        self,
        *,
        queue: str | None = None,
        task: str | None = None,
        group: int | None = None,
        include_running: bool = False,
    ) -> int:
        """The same without blocking the loop."""
        return await self.perform(
            self.pausing(
                queue=queue, task=task, group=group, paused=False, include_running=include_running
            )
        )

    def pausing(
        self,
        *,
        paused: bool,
        queue: str | None = None,
        task: str | None = None,
        group: int | None = None,
        reason: str | None = None,
        include_running: bool = False,
        by: By | None = None,
    ) -> Plan[int]:
        """Return the plan that pauses a queue, a task or a group, or lets it go on."""
        if [queue, task, group].count(None) != 2:
            raise ValueError("name one of queue=, task= and group=")
        act = Act(by or self._by(), self.now)
        said = checked_reason(reason)
        if queue is not None:
            return verbs.pause_queue(
                queue, paused=paused, reason=said, include_running=include_running, act=act
            )
        if task is not None:
            return verbs.pause_task(
                task, paused=paused, reason=said, include_running=include_running, act=act
            )
        assert group is not None
        wish = Wish.PAUSE if paused else Wish.RESUME
        return verbs.request_of_group(group, wish, self.now, act.by, said)
