"""Starting jobs over HTTP: each start carries an idempotency key, and is done once."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from offload.client.connections import Request
from offload.client.sending import JobView, Sending, View, quoted
from offload.values import encode


class Starting(Sending):
    """Starts jobs, however often that has to be sent."""

    def start(
        self,
        task: str,
        texts: Sequence[tuple[str, str]] = (),
        options: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> JobView:
        """Start a job; returns its `id`, `task` and `state`.

        Where an unfinished job has its unique key already, that one is returned, whole, and its
        `changed` is False.

        Args:
            task: the task's name.
            texts: parameters as names and texts, which the server reads by the task's signature.
            options: `queue`, `priority`, `delay`, `run_at`, `timeout`, `deadline`, `retries`,
                `backoff`, `memory`, `on_crash`, `retain`, `key`, `on_conflict`, `owner`, `tags`,
                `paused`; durations are seconds or text such as "10m".
            params: parameters as values, instead of texts.
            key: an idempotency key; a new one by default.

        Raises:
            UnknownTask, InvalidParameters, QueueFull, KeyTaken, Draining: nothing was started.
            StoreUnavailable: the server did not answer; start again with the same key.
        """
        said: dict[str, Any] = {"params": params}
        if params is None:
            said = {"texts": {name: [] for name, _ in texts}}
            for name, text in texts:
                said["texts"][name].append(text)
        return self.post_start(task, encode(said | {"options": dict(options or {})}), key)

    def post_start(self, task: str, body: bytes, key: str | None = None) -> JobView:
        """Start a job whose parameters and options are JSON already; see `start`."""
        started: JobView = self._start(f"/v1/tasks/{quoted(task)}/jobs", body, key)
        return started

    def start_many(self, starts: Sequence[View], *, key: str | None = None) -> View:
        """Start many jobs, each by itself: `items` are what became of each, in order.

        Args:
            starts: `{"task": …, "params": {…}, "options": {…}}` for each.
            key: an idempotency key; a new one by default.

        Raises:
            InvalidParameters: this is no list of starts.
        """
        outcomes: View = self._start("/v1/jobs", encode(list(starts)), key)
        return outcomes

    def start_group(self, starts: Sequence[View], *, key: str | None = None) -> View:
        """Start many jobs as one group, all or none; returns the id of the `group`, and the `jobs`.

        Args:
            starts: as for `start_many`.
            key: an idempotency key; a new one by default.

        Raises:
            InvalidParameters, QueueFull, KeyTaken, Draining: nothing was started.
        """
        return self.post_group(encode({"jobs": list(starts), "group": True}), key)

    def post_group(self, body: bytes, key: str | None = None) -> View:
        """Start a group that is JSON already; see `start_group`."""
        started: View = self._start("/v1/jobs", body, key)
        return started

    def _start(self, path: str, body: bytes, key: str | None) -> Any:
        headers = {"Idempotency-Key": key or secrets.token_urlsafe(16)}
        return self._asking.ask(Request("POST", path, body, headers, is_repeatable=True))
