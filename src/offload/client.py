"""The verbs over HTTP, on the standard library alone: a `Client` of a server, wherever it runs.

What the server refuses arrives as the same exception that a database here would raise. A request is
repeated after a broken connection only where that is safe: one that reads, and a start, which
carries an idempotency key for it. Values are exact, integers of any size too.
"""

import http.client
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from msgspec import Struct

from offload import errors
from offload.errors import ConfigError, Fault, OffloadError, StoreUnavailable, Undecodable
from offload.problems import problem_name
from offload.values import decode, encode

JobView = dict[str, Any]
"""A job as JSON has it."""

TaskView = dict[str, Any]
"""A task as JSON has it."""

TIMEOUT_SECONDS = 10.0
"""How long the server may take to answer, beyond the time that it is asked to wait."""

WAIT_SECONDS = 30.0
"""How long one request waits for a job's end; then the next one is sent."""

PAUSE_SECONDS = 0.5
"""Before asking again a server that did not wait: it is stopping, and would be asked in a loop."""

PAUSES = (0.1, 0.4, 1.0)
"""Before a request is repeated for the first time, the second, the third and last."""


class Answer(Struct, frozen=True):
    """What a server answered."""

    status: int
    media_type: str
    body: bytes


class Client:
    """A server's jobs. For one thread at a time; the connection is kept between requests.

    Args:
        url: the server's address, `http://127.0.0.1:8080`; a path before the routes may follow.
        token: what the server wants to see, if it wants one.
        timeout: seconds within which the server must answer.

    Raises:
        ConfigError: this is no address.
    """

    def __init__(self, url: str, token: str = "", *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.url = url
        self._timeout = timeout
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        parts = _address(url)
        self._prefix = parts.path.rstrip("/")
        is_safe = parts.scheme == "https"
        kind = http.client.HTTPSConnection if is_safe else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port)
        self._was_answered = False

    # --- the verbs

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
                `backoff`, `memory`, `on_crash`, `key`, `on_conflict`, `owner`, `tags`; durations
                are seconds or text such as "10m".
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
        body = encode(said | {"options": dict(options or {})})
        headers = {"Idempotency-Key": key or secrets.token_urlsafe(16)}
        path = f"/v1/tasks/{quote(task, safe='')}/jobs"
        started: JobView = self._ask("POST", path, body, headers, is_repeatable=True)
        return started

    def start_many(
        self, starts: Sequence[Mapping[str, Any]], *, key: str | None = None
    ) -> Mapping[str, Any]:
        """Start many jobs, each by itself: `items` are what became of each, in order.

        Args:
            starts: `{"task": …, "params": {…}, "options": {…}}` for each.
            key: an idempotency key; a new one by default.

        Raises:
            InvalidParameters: this is no list of starts.
        """
        outcomes: Mapping[str, Any] = self._start_all(encode(list(starts)), key)
        return outcomes

    def start_group(
        self, starts: Sequence[Mapping[str, Any]], *, key: str | None = None
    ) -> Mapping[str, Any]:
        """Start many jobs as one group, all or none; returns the id of the `group`, and the `jobs`.

        Args:
            starts: as for `start_many`.
            key: an idempotency key; a new one by default.

        Raises:
            InvalidParameters, QueueFull, KeyTaken, Draining: nothing was started.
        """
        body = encode({"jobs": list(starts), "group": True})
        started: Mapping[str, Any] = self._start_all(body, key)
        return started

    def _start_all(self, body: bytes, key: str | None) -> Any:
        headers = {"Idempotency-Key": key or secrets.token_urlsafe(16)}
        return self._ask("POST", "/v1/jobs", body, headers, is_repeatable=True)

    def group(self, group_id: int) -> Mapping[str, Any]:
        """Return a group: its `counts`, its `progress`, and whether it is `done`.

        Raises:
            UnknownGroup: there is none.
        """
        found: Mapping[str, Any] = self._get(f"/v1/groups/{group_id}")
        return found

    def cancel_group(self, group_id: int) -> Mapping[str, Any]:
        """Ask for all jobs of a group to be cancelled; `changed` says how many that changed.

        Raises:
            UnknownGroup: there is none.
        """
        group: Mapping[str, Any] = self._ask("POST", f"/v1/groups/{group_id}/cancel", b"")
        return group

    def retry_group(self, group_id: int) -> Mapping[str, Any]:
        """Try all jobs of a group that failed anew; `changed` says how many.

        Raises:
            QueueFull: there is no room for any of them.
            UnknownGroup: there is none.
        """
        group: Mapping[str, Any] = self._ask("POST", f"/v1/groups/{group_id}/retry", b"")
        return group

    def list(
        self,
        *,
        state: str | None = None,
        task: str | None = None,
        queue: str | None = None,
        tag: str | None = None,
        group: int | None = None,
        since: str | None = None,
        limit: int = 100,
    ) -> Sequence[JobView]:
        """Return jobs, newest first; `since` is an instant in RFC 3339, or a time such as "24h"."""
        asked = {"state": state, "task": task, "queue": queue}
        asked |= {"tag": tag, "group": None if group is None else str(group), "since": since}
        page = self._get("/v1/jobs", asked | {"limit": limit})
        found: list[JobView] = page["items"]
        while page["next_cursor"] is not None and len(found) < limit:
            rest = {"limit": limit - len(found), "cursor": page["next_cursor"]}
            page = self._get("/v1/jobs", asked | rest)
            found += page["items"]
        return found

    def status(self, job_id: int) -> JobView:
        """Return a job as it is now.

        Raises:
            UnknownJob, Evicted: there is no such job.
        """
        job: JobView = self._get(f"/v1/jobs/{job_id}")
        return job

    def history(self, job_id: int) -> Sequence[Mapping[str, Any]]:
        """Return a job's events, oldest first.

        Raises:
            UnknownJob, Evicted: there is no such job.
        """
        page: Mapping[str, Any] = self._get(f"/v1/jobs/{job_id}/events")
        events: Sequence[Mapping[str, Any]] = page["items"]
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
        job: JobView = self._ask("POST", f"/v1/jobs/{job_id}/cancel", b"")
        return job

    def retry(self, job_id: int) -> JobView:
        """Run a failed or cancelled job again, under its own id.

        Raises:
            AlreadyFinished: it has succeeded.
            NotFinished: it has not ended.
            QueueFull: its queue has no room for it.
            UnknownJob, Evicted: there is no such job.
        """
        job: JobView = self._ask("POST", f"/v1/jobs/{job_id}/retry", b"")
        return job

    def queues(self) -> Sequence[Mapping[str, Any]]:
        """Return the queues: their settings, and how many jobs are in which state."""
        found: Sequence[Mapping[str, Any]] = self._get("/v1/queues")["items"]
        return found

    def workers(self) -> Sequence[Mapping[str, Any]]:
        """Return the workers."""
        found: Sequence[Mapping[str, Any]] = self._get("/v1/workers")["items"]
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
        found: TaskView = self._get(f"/v1/tasks/{quote(name, safe='')}")
        return found

    def schedules(self) -> Sequence[Mapping[str, Any]]:
        """Return what starts by itself, and when next."""
        found: Sequence[Mapping[str, Any]] = self._get("/v1/schedules")["items"]
        return found

    def close(self) -> None:
        """Close the connection; the next verb opens it again."""
        self._connection.close()

    # --- asking and understanding

    def _get(self, path: str, asked: Mapping[str, Any] | None = None, seconds: float = 0.0) -> Any:
        said = {name: value for name, value in (asked or {}).items() if value is not None}
        query = f"?{urlencode(said)}" if said else ""
        return self._ask("GET", path + query, None, is_repeatable=True, seconds=seconds)

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] | None = None,
        *,
        is_repeatable: bool = False,
        seconds: float = 0.0,
    ) -> Any:
        """Send a request and return the value that the server answers.

        It is sent again, when it is not known what became of it, only if it `is_repeatable`; the
        server is given the `seconds` for which it is asked to wait, beside the usual time.
        """
        sent = {**self._headers, **(headers or {})}
        if body:
            sent["Content-Type"] = "application/json"
        if not is_repeatable:
            self._connection.close()  # one that was kept may be closed at the other end by now
        pauses = iter(PAUSES if is_repeatable else ())
        while True:
            try:
                return self._value(self._exchange(method, path, body, sent, seconds))
            except (ConnectionError, http.client.HTTPException) as error:
                self._connection.close()
                pause = next(pauses, None)
                if pause is None or self._is_absent(error):
                    raise self._no_answer(error) from error
                time.sleep(pause)
            except OSError as error:
                self._connection.close()
                raise self._no_answer(error) from error

    def _is_absent(self, error: Exception) -> bool:
        """Whether there never was a server; one that was there may just be started again."""
        return isinstance(error, ConnectionRefusedError) and not self._was_answered

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        seconds: float,
    ) -> Answer:
        connection = self._connection
        connection.timeout = self._timeout + seconds
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        connection.request(method, self._prefix + path, body, dict(headers))
        response = connection.getresponse()
        content = response.read()
        self._was_answered = True
        return Answer(response.status, response.headers.get_content_type(), content)

    def _value(self, answer: Answer) -> Any:
        if not answer.media_type.endswith("json") or 300 <= answer.status < 400:
            raise ConfigError(
                f"what answers at {self.url} is no offload server (it answered "
                f"{answer.status}, {answer.media_type}); mend the address"
            )
        try:
            value = decode(answer.body)
        except Undecodable as error:
            raise StoreUnavailable(f"the answer of {self.url} cannot be read: {error}") from error
        if answer.status >= 400:
            raise error_of(value if isinstance(value, dict) else {})
        return value

    def _no_answer(self, error: Exception) -> StoreUnavailable:
        if isinstance(error, ConnectionRefusedError):
            return StoreUnavailable(
                f"no server answers at {self.url}; start one with `offload serve`, or name another "
                "address (--server, OFFLOAD_SERVER)"
            )
        if isinstance(error, TimeoutError):
            return StoreUnavailable(
                f"the server at {self.url} did not answer within {self._timeout:g} s; try again"
            )
        return StoreUnavailable(f"the server at {self.url} cannot be reached: {error}")


def _address(url: str) -> SplitResult:
    """Take an address apart.

    Raises:
        ConfigError: it is none, or has parts that mean nothing here.
    """
    try:
        parts = urlsplit(url)
        is_address = (
            parts.scheme in ("http", "https")
            and bool((parts.hostname or "").encode("idna"))
            and parts.port != 0
            and not (parts.username or parts.query or parts.fragment)
        )
    except ValueError:  # a port that is no number, half a bracket, a name that cannot be
        is_address = False
    if not is_address or _UNFIT.search(url):
        raise ConfigError(f"{url!r} is no address of a server; write http://127.0.0.1:8080")
    return parts


_UNFIT = re.compile(r"[^\x21-\x7e]|[<>\"\\^`{|}]")
"""What stands in no address as it is."""


# --- problems and exceptions


def error_of(problem: Mapping[str, Any]) -> OffloadError:
    """Return the exception that a problem document stands for, with the server's own words.

    It has the attributes of its class as far as the document tells them.
    """
    kind = _KINDS.get(str(problem.get("type", "")).rpartition("/")[2], OffloadError)
    error = kind.__new__(kind)
    OffloadError.__init__(error, str(problem.get("detail") or problem.get("title") or ""))
    vars(error).update(_attributes(problem))
    return error


def _attributes(problem: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: problem[name] for name in _MEMBERS if name in problem}
    if "id" in problem:
        found["job_id"] = problem["id"]
    if "group" in problem:
        found["group_id"] = problem["group"]
    if "errors" in problem:
        found["faults"] = tuple(Fault(**fault) for fault in problem["errors"])
    if "error" in problem:
        failed = problem["error"]
        found |= {name: failed[name] for name in ("code", "type", "traceback")}
        found["remote_message"] = failed["message"]
    return found


_MEMBERS = ("state", "nearest", "task", "queue", "capacity", "key")

_KINDS: Mapping[str, type[OffloadError]] = {
    **{
        problem_name(kind): kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, OffloadError)
    },
    "internal-error": errors.StoreError,
    "unauthorized": errors.ConfigError,
    "wrong-host": errors.ConfigError,
}
"""The name of a problem, and what it is called here."""
