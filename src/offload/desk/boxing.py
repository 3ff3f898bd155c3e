"""Black boxes: objects of which only `run()` and `get_output()` are known."""

from collections.abc import Iterable, Mapping
from typing import Any, Unpack

from offload.boxes import Kind, class_task, how, maker_of
from offload.boxes.box import HowOptions
from offload.clock import Clock
from offload.completion import NONE_FOUND, Several
from offload.desk.registering import Registering
from offload.errors import InvalidTask, OffloadError
from offload.group import Group
from offload.job import Job
from offload.lifecycle import Shown
from offload.model import QueueSettings
from offload.options import Duration
from offload.polling_task import PollingOptions
from offload.submitted import Accepted, BoxGroup, BoxJob, stored
from offload.submitting import Making, SubmitOptions, submit
from offload.task import Task


class Boxing(Registering):
    """Takes objects in, and classes of them."""

    def __init__(self, arguments: Mapping[str, Any], queue: QueueSettings, clock: Clock) -> None:
        super().__init__(arguments, queue, clock)
        self._started_boxes: list[Accepted] | None = None
        self._box_classes: dict[type, Mapping[str, Any]] = {}

    def submit(self, box: object, /, **options: Unpack[SubmitOptions]) -> BoxJob[Any]:
        """Run an object with `run()` and `get_output()` in this program; returns at once.

        Nothing is waited for, not even the disk: `job.id` waits until the job is stored. The object
        is bound to this program: no other one ever runs it, and it is `lost` when this one ends.

        Args:
            box: the object. Both methods may block, and may be coroutine functions. If it has a
                method `cancel`, that is called once to stop it.
            **options: all may be left out:

                - `kind`: "blocking": `run()`, and what one `get_output()` returns then is the
                  output, None included. "polling": `run()`, and `get_output()` is asked at
                  intervals until it returns something else than `pending`. Not given, it is
                  guessed: what returns `pending` right after `run()` is polling, 24 h at most;
                - `interval`: the time between two questions, 1 s unless given; it grows up to
                  `slowest`, where that is given;
                - `pending`: what says "not yet"; None unless given;
                - `error_budget`: the job fails when so many questions in a row have raised; 1;
                - `deadline`: by when it must have ended, and as for `Task.using` `name`, `queue`,
                  `priority`, `delay`, `run_at`, `owner`, `tags`, `retries`, `backoff`, `timeout`,
                  `retain`.

        Raises:
            TypeError: it is no black box; says what is missing.
            ValueError: an option does not fit; says which and why.
            ConfigError: this program runs no jobs.
        """
        job = submit(self, [box], options, self._box_classes, grouped=False).jobs()[0]
        assert isinstance(job, BoxJob)
        return job

    async def asubmit(self, box: object, /, **options: Unpack[SubmitOptions]) -> BoxJob[Any]:
        """The same for a loop; returns when the job is stored, or raises what the store refused."""
        job = self.submit(box, **options)
        await stored(job.accepted)
        return job

    def submit_many(
        self, boxes: Iterable[object], /, **options: Unpack[SubmitOptions]
    ) -> BoxGroup[Any]:
        """Run several black boxes as one group, all or none; returns its handle at once.

        Raises:
            ValueError: there is none; or as `submit`.
        """
        several = tuple(boxes)
        if not several:
            raise ValueError("submit_many() takes at least one black box")
        return submit(self, several, options, self._box_classes, grouped=True)

    async def asubmit_many(
        self, boxes: Iterable[object], /, **options: Unpack[SubmitOptions]
    ) -> BoxGroup[Any]:
        """The same for a loop; returns when they are stored, or raises what the store refused."""
        group = self.submit_many(boxes, **options)
        await stored(group.accepted)
        return group

    def register(
        self,
        kind_of_box: type,
        /,
        *,
        kind: Kind | None = None,
        interval: Duration | None = None,
        slowest: Duration | None = None,
        pending: Any = None,
        error_budget: int = 1,
        **options: Unpack[PollingOptions],
    ) -> Task[Any, Any]:
        """Register a class of black boxes as a task: started by name, over HTTP too.

        A start gives the parameters of `__init__`; whichever worker takes the job makes the object
        and runs it. Such a job is not bound to a program. Objects of the class that are handed in
        with `submit` are run in the same way.

        Args:
            kind_of_box: the class.
            kind: "blocking" or "polling"; guessed for each object unless given, see `submit`.
            interval: the time between two questions.
            slowest: the interval grows up to this.
            pending: what says "not yet".
            error_budget: the job fails when so many questions in a row have raised.
            **options: as for `task`.

        Raises:
            InvalidTask: it is no class of black boxes, or an option does not fit; says why.
        """
        said: HowOptions = {
            "kind": kind,
            "interval": interval,
            "slowest": slowest,
            "pending": pending,
            "error_budget": error_budget,
        }
        make = maker_of(kind_of_box)
        try:
            way = how(kind_of_box, **said)
        except ValueError as error:
            raise InvalidTask(f"the task {kind_of_box.__name__!r}: {error}") from error
        registered = self.registry.put(
            class_task(self.registry.add(make, executor="thread", **options), way)
        )
        self._box_classes[kind_of_box] = said
        task: Task[Any, Any] = Task(registered, make, self)
        self._tasks[registered.name] = task
        return task

    def hand_in(self, making: Making, accepted: Accepted, *, grouped: bool) -> None:
        """Store jobs a moment later, and see that somebody here runs them; see `submit`."""
        if self._started_boxes is not None:
            self._started_boxes.append(accepted)
        self.porter.take(lambda: self._carry(making, accepted, grouped))

    def _carry(self, making: Making, accepted: Accepted, grouped: bool) -> None:
        try:
            self.listen_for_boxes()
            self.carry_on(self.admitting(making(), grouped=grouped), accepted)
            self.hire_here()
        except OffloadError as error:
            if not accepted.done():
                accepted.set_exception(error)

    def states(
        self, jobs: Iterable[Job[Any] | Group[Any] | int] | Group[Any], /
    ) -> dict[Job[Any], Shown]:
        """Return what each of these jobs is doing now, with one reading for all of them.

        Args:
            jobs: handles, ids, and groups, which stand for all their jobs.

        Returns:
            The state by handle, in the order asked for. A black box that is not stored yet is
            "queued"; one that was refused, and a job that is no longer kept, is left out.

        Raises:
            UnknownJob: an id was never issued.
        """
        asked = Several.of(jobs, self)
        found = self.run(asked.question()) if asked.ids else NONE_FOUND
        return asked.states(found, self.now())

    async def astates(
        self, jobs: Iterable[Job[Any] | Group[Any] | int] | Group[Any], /
    ) -> dict[Job[Any], Shown]:
        """The same without blocking the loop."""
        asked = await Several.aof(jobs, self)
        found = await self.perform(asked.question()) if asked.ids else NONE_FOUND
        return asked.states(found, self.now())
