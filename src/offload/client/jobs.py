"""Jobs over HTTP: look at them, wait for one, collect its result, stop it, try it anew."""

import time
from typing import Any

from offload.client.sending import JobView, View, Views, given
from offload.client.starting import Starting

WAIT_SECONDS = 30.0
"""How long one request waits for a job's end; then the next one is sent."""

PAUSE_SECONDS = 0.5
"""Before asking again a server that did not wait: it is stopping, and would be asked in a loop."""

PAGE = 500
"""As many jobs as a list has at most."""

Jobs = list[JobView]  # the class has a verb `list`


class OfJobs(Starting):
    """Does what is asked of jobs."""

    def status(self, job_id: int) -> JobView:
        """Return a job as it is now.

        Raises:
            UnknownJob, Evicted: there is no such job.
        """
        job: JobView = self._get(f"/v1/jobs/{job_id}")
        return job

    def list(
        self,
        *,
        state: str | None = None,
        task: str | None = None,
        queue: str | None = None,
        tag: str | None = None,
        group: int | None = None,
        since: str | None = None,
        worker: int | None = None,
        text: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Jobs:
        """Return jobs, newest first, page by page; without results and errors.

        Args:
            state: stored states, with a comma between them.
            task: only jobs of this task.
            queue: only jobs of this queue.
            tag: only jobs with this tag.
            group: only jobs of the group with this id.
            since: an instant in RFC 3339, or a time such as "24h".
            worker: only jobs that this worker has; of finished ones those that it had last.
            text: only jobs with these words; also `param.name:value` and `error:word`.
            limit: how many at most.
            cursor: only jobs with a smaller id.
        """
        asked = given(state=state, task=task, queue=queue, tag=tag, group=group)
        asked = {**asked, **given(since=since, worker=worker, q=text)}
        return self.listed(asked, limit=limit, cursor=cursor)

    def listed(self, narrowed: View, *, limit: int, cursor: str | None = None) -> Jobs:
        """The same, with the filter by the names that HTTP has for it."""
        found: list[JobView] = []
        while True:
            asked = {**narrowed, "limit": min(limit - len(found), PAGE), "cursor": cursor}
            page = self._get("/v1/jobs", asked)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None or len(found) >= limit:
                return found

    def history(self, job_id: int) -> Views:
        """Return a job's events, oldest first.

        Raises:
            UnknownJob, Evicted: there is no such job.
        """
        events: Views = self._get(f"/v1/jobs/{job_id}/events")["items"]
        return events

    def result(self, job_id: int) -> Any:
        """Return what a job returned.

        Raises:
            NotFinished: it is not there yet.
            JobFailed, JobCancelled: it will never be.
            UnknownJob, Evicted: there is no such job.
        """
        return self._get(f"/v1/jobs/{job_id}/result")

    def wait(self, job_id: int, timeout: float | None = None) -> JobView:
        """Wait for a job's end, at most `timeout` seconds; returns it as it is then.

        Raises:
            UnknownJob, Evicted: there is no such job.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            asked_at = time.monotonic()
            left = WAIT_SECONDS if deadline is None else max(0.0, deadline - asked_at)
            seconds = min(left, WAIT_SECONDS)
            asked = {"wait": f"{seconds:.3f}", "until": "done"}
            job: JobView = self._get(f"/v1/jobs/{job_id}", asked, seconds)
            now = time.monotonic()
            if job["done"] or (deadline is not None and now >= deadline):
                return job
            if now - asked_at < min(seconds, PAUSE_SECONDS):
                time.sleep(min(PAUSE_SECONDS, left))

    def cancel(self, job_id: int) -> JobView:
        """Ask for a job to be cancelled; `changed` says whether that changed anything.

        Raises:
            AlreadyFinished: it has succeeded or failed.
            UnknownJob, Evicted: there is no such job.
        """
        return self._of(job_id, "cancel")

    def pause(self, job_id: int, reason: str | None = None) -> JobView:
        """Ask for a job to stand still; `changed` says whether that changed anything.

        Raises:
            NotPausable: its code cannot stand still; says why.
            BeingCancelled: it is being cancelled.
            AlreadyFinished: it has ended.
            UnknownJob, Evicted: there is no such job.
        """
        return self._of(job_id, "pause", given(reason=reason))

    def resume(self, job_id: int) -> JobView:
        """Let a paused job go on; `changed` says whether that changed anything.

        Raises:
            AlreadyFinished: it has ended.
            UnknownJob, Evicted: there is no such job.
        """
        return self._of(job_id, "resume")

    def retry(self, job_id: int) -> JobView:
        """Run a failed or cancelled job again, under its own id.

        Raises:
            AlreadyFinished: it has succeeded.
            NotFinished: it has not ended.
            QueueFull: its queue has no room for it.
            StoreUncertain: the server never said what became of it.
            UnknownJob, Evicted: there is no such job.
        """
        job: JobView = self._send("POST", f"/v1/jobs/{job_id}/retry")
        return job

    def amend(self, job_id: int, otherwise: View) -> JobView:
        """Alter a job that waits; `changed` says whether that changed anything.

        Args:
            job_id: the job.
            otherwise: `priority`, `queue`, `tags`, `run_at` (RFC 3339; null is at once); what is
                not said stays.

        Raises:
            InvalidParameters: a value does not fit, or there is no such queue.
            NotAmendable: a worker has it.
            AlreadyFinished: it has ended.
            QueueFull: the queue that it is to wait in is at capacity.
            UnknownJob, Evicted: there is no such job.
        """
        job: JobView = self._wish("PATCH", f"/v1/jobs/{job_id}", otherwise)
        return job

    def remove(self, job_id: int) -> None:
        """Keep a finished job no longer.

        Raises:
            NotFinished: it has not ended.
            UnknownJob, Evicted: there is no such job.
        """
        self._send("DELETE", f"/v1/jobs/{job_id}")

    def log(
        self,
        job_id: int,
        *,
        after: int = 0,
        limit: int = PAGE,
        tail: bool = False,
        level: str | None = None,
        text: str | None = None,
        attempt: int | None = None,
        source: str | None = None,
    ) -> View:
        """Return a page of what a job has written: `items`, and whether there is `more`.

        Args:
            job_id: the job.
            after: only lines behind this number.
            limit: how many at most.
            tail: the newest ones.
            level: only what is of this level or above.
            text: only lines that contain it.
            attempt: only lines of this attempt.
            source: only what comes from "stdout", "stderr", or the logger of this name.

        Raises:
            UnknownJob, Evicted: there is no such job.
        """
        asked = {"after": after or None, "limit": limit, "tail": "true" if tail else None}
        filters = {"level": level, "q": text, "attempt": attempt, "source": source}
        page: View = self._get(f"/v1/jobs/{job_id}/logs", asked | filters)
        return page

    def story(self, job_id: int) -> View:
        """Return a job's attempts as `items`, its `receipts`, and its `timeline`.

        Raises:
            UnknownJob, Evicted: there is no such job.
        """
        told: View = self._get(f"/v1/jobs/{job_id}/attempts")
        return told

    def _of(self, job_id: int, what: str, said: View | None = None) -> JobView:
        job: JobView = self._wish("POST", f"/v1/jobs/{job_id}/{what}", said)
        return job
