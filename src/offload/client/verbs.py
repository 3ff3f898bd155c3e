"""`Client`: what can be asked of a server, with jobs and all else as JSON has them.

What the server refuses arrives as the same exception that a database here would raise. Values are
exact, integers of any size too.
"""

from collections.abc import Sequence
from typing import Literal

from offload.client.following import Following
from offload.client.many import OfMany
from offload.client.sending import TaskView, View, Views, given, quoted, with_query


class Client(OfMany):
    """A server's jobs. For any number of threads; connections are kept between requests.

    Args:
        url: the server's address, `http://127.0.0.1:8080`; a path before the routes may follow.
        token: what the server wants to see, if it wants one.
        timeout: seconds within which the server must answer.
        patience: seconds for which one that does not answer is asked again, where that is safe.

    Raises:
        ConfigError: this is no address.
    """

    def queues(self) -> Views:
        """Return the queues: their settings, and how many jobs are in which state."""
        return self._items("/v1/queues")

    def set_queue(self, name: str, settings: View) -> View:
        """Set a queue's `limit`, `capacity` or `keep`; what is not said stays.

        Raises:
            InvalidParameters: a setting does not fit.
        """
        queue: View = self._wish("PATCH", f"/v1/queues/{quoted(name)}", settings)
        return queue

    def workers(self) -> Views:
        """Return the workers."""
        return self._items("/v1/workers")

    def stats(self) -> View:
        """Return how many jobs are in which queue and state."""
        found: View = self._get("/v1/stats")
        return found

    def tasks(self) -> Sequence[TaskView]:
        """Return the tasks that can be started, by name."""
        found: Sequence[TaskView] = self._get("/v1/tasks")["items"]
        return found

    def task(self, name: str) -> TaskView:
        """Return what is known of a task; an alias will do.

        Raises:
            UnknownTask: there is none; names the nearest ones.
        """
        found: TaskView = self._get(f"/v1/tasks/{quoted(name)}")
        return found

    def schedules(self) -> Views:
        """Return what starts by itself, and when next."""
        return self._items("/v1/schedules")

    def pause_all(
        self,
        kind: Literal["queues", "tasks"],
        name: str,
        reason: str | None = None,
        *,
        include_running: bool = False,
    ) -> View:
        """Pause a queue or a task: nothing of it is begun until it is resumed.

        Args:
            kind: what it is.
            name: its name.
            reason: why, for whoever looks at it.
            include_running: pause the jobs that run, too.
        """
        said = given(reason=reason, include_running=include_running or None)
        paused: View = self._wish("POST", f"/v1/{kind}/{quoted(name)}/pause", said)
        return paused

    def resume_all(
        self, kind: Literal["queues", "tasks"], name: str, *, include_running: bool = False
    ) -> View:
        """Let a queue or a task go on; see `pause_all`."""
        said = given(include_running=include_running or None)
        resumed: View = self._wish("POST", f"/v1/{kind}/{quoted(name)}/resume", said)
        return resumed

    # --- live

    def follow(
        self,
        job_id: int | None = None,
        *,
        after: int | None = None,
        task: str | None = None,
        queue: str | None = None,
        group: int | None = None,
    ) -> Following:
        """Return what happens from now on, one by one: of a job until it has ended, or of all.

        What comes are events; progress, whose `kind` is "progress" and which has no `id`; and
        `{"kind": "reset", "after": …}` where some events are no longer kept: then read anew what
        you show. After a break it goes on where it was.

        Args:
            job_id: only this job, and only until it has ended.
            after: the id of the last event that is known; 0 for all that are kept.
            task: only jobs of this task.
            queue: only jobs of this queue.
            group: only jobs of the group with this id.

        Raises:
            UnknownJob, Evicted: there is no such job; raised when it is gone through.
        """
        path = "/v1/events" if job_id is None else f"/v1/jobs/{job_id}/events"
        asked = {"task": task, "queue": queue, "group": group}
        return Following(self._asking, with_query(path, asked.items()), after)
