"""Who asks a server that is being tortured, and keeps account of what was answered."""

import http.client
import json
import random
import threading
import time
from typing import Any
from urllib.parse import urlencode

from tests.witness.bodies import TASKS
from tests.witness.judge import Still
from tests.witness.nemesis import pause

MOST_UNFINISHED = 60
"""Clients rest while so many of their jobs have not ended, or the end would be far."""


class Client:
    """Starts jobs, again and again with the same key until it is answered; stops and pauses some.

    Args:
        draw: its choices.
        port: of the server, whichever one is there.
        number: tells its jobs from those of others.

    Attributes:
        started: each acknowledged job, with the number that it is to return.
        cancelled: the jobs of which a cancel was asked, whatever was answered.
        still: when which job was seen to be paused.
    """

    def __init__(self, draw: random.Random, port: int, number: int) -> None:
        self.started: dict[int, int] = {}
        self.cancelled: set[int] = set()
        self.still: list[Still] = []
        self._paused: list[int] = []
        self._draw = draw
        self._port = port
        self._next = number * 1_000_000
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def begin(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._over.set()
        self._thread.join(30)

    def _go_on(self) -> None:
        while not self._over.wait(self._draw.uniform(0.0, 0.1)):
            if len(self.started) < MOST_UNFINISHED or self._has_room():
                self._start_one()
            if self.started and self._draw.random() < 0.1:
                self._cancel_one()
            if self.started and self._draw.random() < 0.3:
                self._pause_one()
            if self._paused and self._draw.random() < 0.4:
                self._resume_one()

    def _has_room(self) -> bool:
        found = self._ask("GET", f"/v1/jobs?state=queued&limit={MOST_UNFINISHED}", {})
        return found is not None and len(found.get("jobs", ())) < MOST_UNFINISHED

    def _start_one(self) -> None:
        self._next += 1
        task = self._draw.choice(TASKS)
        query = urlencode({"number": self._next, "seconds": round(self._draw.uniform(0, 0.8), 3)})
        key = {"Idempotency-Key": f'"{self._next}"'}
        while not self._over.is_set():
            answer = self._ask("POST", f"/start/{task}?{query}", key)
            if answer is not None and "id" in answer:
                self.started[answer["id"]] = self._next
                return
            pause(0.05)

    def _cancel_one(self) -> None:
        job = self._draw.choice(sorted(self.started)[-10:])
        self.cancelled.add(job)
        self._ask("POST", f"/cancel?id={job}", {})

    def _pause_one(self) -> None:
        """Pause a job, and look for a while whether it is shown as paused."""
        job = self._draw.choice(sorted(self.started)[-10:])
        if self._ask("POST", f"/pause?id={job}", {}) is None:
            return
        self._paused.append(job)
        for _ in range(5):
            first = self._ask("GET", f"/status?id={job}", {})
            since = time.monotonic_ns()
            if first is not None and first.get("state") == "paused":
                pause(self._draw.uniform(0.0, 0.3))
                until = time.monotonic_ns()
                if (self._ask("GET", f"/status?id={job}", {}) or {}).get("version") == first[
                    "version"
                ]:
                    self.still.append(Still(job, since, until))
                return
            pause(0.03)

    def _resume_one(self) -> None:
        """Let one of those that were paused go on; who cannot be asked now is asked later."""
        job = self._draw.choice(self._paused)
        if self._ask("POST", f"/resume?id={job}", {}) is not None:
            self._paused.remove(job)

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> dict[str, Any] | None:
        """Return the answer; None if there was nobody to give one."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(method, path, headers=headers)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return answer
