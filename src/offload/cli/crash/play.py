"""The crash demo, step by step: each is said before it is done, then what came of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from offload.cli.crash import processes, witness
from offload.cli.crash.plan import Plan
from offload.cli.crash.receipt import Facts, times
from offload.cli.crash.screens import Screen
from offload.cli.crash.stage import Stage
from offload.cli.page import sentence
from offload.cli.verbs import JobView
from offload.examples.crash import undisturbed

LOOK_SECONDS = 0.1
"""Between two looks at the jobs: more often than a bar on the screen moves."""

STEP_SECONDS = 30.0
"""So much longer than the simulation a step may take; what has not come true then never will."""

BUSY_SECONDS = 0.5
"""So long the simulation is looked at to see that it computes."""


class Surprise(Exception):
    """The demo went otherwise than it had to: a promise is broken, or somebody has meddled."""


class Play:
    """One performance.

    Args:
        stage: where it is played, not open yet.
        plan: what happens when.
        screen: where it is shown.
    """

    def __init__(self, stage: Stage, plan: Plan, screen: Screen) -> None:
        self._stage = stage
        self._plan = plan
        self._screen = screen
        self._jobs: dict[int, JobView] = {}
        self._remote = self._simulation = self._guest = 0
        self._busy = self._still = 0
        self._worker = self._killed = 0
        self._killed_at = 0.0

    def run(self) -> Callable[[], Facts]:
        """Play it; returns what gives the facts, to be asked when the stage is closed.

        Raises:
            Surprise: something did not come true.
        """
        self._open()
        self._start()
        self._pause()
        self._lend()
        self._resume()
        self._kill()
        self._recover()
        return self._end()

    # --- the steps

    def _open(self) -> None:
        plan, stage = self._plan, self._stage
        self._say("serve", "a server with one worker, and one place for jobs that run")
        stage.open()
        self._until("the server has a worker", stage.client.workers)
        stays = "stays" if stage.keep else "is removed at the end"
        self._then(f"watch it on {stage.client.url}")
        self._then(f"all of it is in {stage.folder}, which {stays}")
        self._say("start", f"{plan.remote_seconds:.0f} s of work on a remote service")
        url, seconds = stage.cluster.url, plan.remote_seconds
        self._remote = self._begun("remote_sim", {"url": url, "seconds": seconds})
        self._until("the remote work is begun", lambda: self._state(self._remote) == "waiting")

    def _start(self) -> None:
        plan = self._plan
        self._say("start", f"a simulation of {plan.seconds:.0f} s: pi in {plan.slices} slices")
        params = {"slices": plan.slices, "slice_seconds": plan.seconds / plan.slices}
        self._simulation = self._begun("pi_sim", params | {"witness": str(self._stage.witness)})
        self._until("slices are done", lambda: self._done() >= 2)
        self._worker = self._attempts(self._simulation)[-1]["pid"]
        self._then(f"it runs in process {self._entries()[-1].pid} of worker {self._worker}")
        self._until("slices are done", lambda: self._done() >= plan.paused_at)

    def _pause(self) -> None:
        pid = self._entries()[-1].pid
        self._say("start", "a short job: it has to wait, as the one place is taken")
        self._guest = self._begun("quick_sum", {"numbers": 1000})
        self._busy = processes.load(pid, BUSY_SECONDS)
        self._say("pause", f"job {self._simulation}, while process {pid} computes")
        self._stage.client.pause(self._simulation, "for the demo")
        self._until("it stands still", lambda: self._state(self._simulation) == "paused")
        took = self._stage.client.story(self._simulation)["receipts"][-1]["seconds"]
        self._still = processes.load(pid, self._plan.paused_seconds / 2)
        still = f"{self._still} % of a CPU, before {self._busy} %"
        self._then(f"frozen where it stood, within {took:.2f} s: {still}")

    def _lend(self) -> None:
        self._until("the short job has ended", lambda: self._jobs[self._guest]["done"])
        self._then(f"its place was free meanwhile: job {self._guest} ran in it")
        give_up_at = time.monotonic() + self._plan.paused_seconds / 2
        self._until("time goes by", lambda: time.monotonic() >= give_up_at)

    def _resume(self) -> None:
        done = self._done()
        self._say("resume", f"job {self._simulation} goes on in the midst of slice {done}")
        self._stage.client.resume(self._simulation)
        self._until("it goes on", lambda: self._done() >= self._plan.killed_at)

    def _kill(self) -> None:
        before = self._entries()[-1]
        self._say("kill -9", f"worker {self._worker}, in the midst of slice {before.number + 1}")
        self._killed, self._killed_at = before.pid, time.time()
        processes.kill(self._worker)

    def _recover(self) -> None:
        self._until("another worker goes on", lambda: self._entries()[-1].pid != self._killed)
        self._until("it is told", lambda: len(self._attempts(self._simulation)) > 1)
        worker = self._attempts(self._simulation)[-1]["pid"]
        finding = self._finding()
        seconds = next(entry.at for entry in self._entries() if entry.pid != self._killed)
        self._then(
            f"{seconds - self._killed_at:.1f} s later worker {worker} goes on from the checkpoint, "
            f"slice {finding.went_on_at}"
        )
        self._until("it is looked at again", lambda: self._was_adopted(worker))
        self._then(f"it asks for the remote work, too, which was started {times(self._orders())}")

    def _end(self) -> Callable[[], Facts]:
        self._say("wait", "until both have ended")
        self._until("both have ended", lambda: all(job["done"] for job in self._jobs.values()))
        client = self._stage.client
        story, remote = client.story(self._simulation), client.story(self._remote)
        result = client.result(self._simulation)
        self._screen.close()
        return lambda: self._facts(story, remote, result)

    def _facts(self, story: Mapping[str, Any], remote: Mapping[str, Any], result: Any) -> Facts:
        books = self._stage.cluster.books
        before = [entry.pid for entry in self._entries() if entry.at <= self._killed_at]
        return Facts(
            plan=self._plan,
            finding=self._finding(),
            result=result,
            undisturbed=undisturbed(self._plan.slices),
            busy=self._busy,
            still=self._still,
            pids=tuple(dict.fromkeys(before)),
            guest=self._state(self._guest),
            orders=len(books.orders),
            looks=books.looks,
            attempts=story["items"],
            remote_attempts=remote["items"],
            receipts=story["receipts"],
            left=tuple(sorted(self._stage.left)),
        )

    # --- what they are made of

    def _say(self, step: str, text: str) -> None:
        self._screen.say(step, text)

    def _then(self, text: str) -> None:
        self._screen.say("", text)

    def _begun(self, task: str, params: Mapping[str, Any]) -> int:
        job_id: int = self._stage.client.start(task, params=params)["id"]
        self._jobs[job_id] = self._stage.client.status(job_id)
        return job_id

    def _until(self, what: str, is_so: Callable[[], object]) -> None:
        """Show the jobs until something is so.

        Raises:
            Surprise: it has not come true in time, or a job has failed.
        """
        seconds = self._plan.seconds + STEP_SECONDS
        give_up_at = time.monotonic() + seconds
        while True:
            self._look()
            if is_so():
                return
            if time.monotonic() >= give_up_at:
                raise Surprise(f"after {seconds:.0f} s it is still not so that {what}")
            time.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        for job_id, job in self._jobs.items():
            if not job["done"]:
                self._jobs[job_id] = self._stage.client.status(job_id)
        self._screen.show(list(self._jobs.values()))
        for job in self._jobs.values():
            if job["state"] in ("failed", "cancelled"):
                raise Surprise(sentence(job))

    def _state(self, job_id: int) -> str:
        return str(self._jobs[job_id]["state"])

    def _attempts(self, job_id: int) -> Sequence[Mapping[str, Any]]:
        items: Sequence[Mapping[str, Any]] = self._stage.client.story(job_id)["items"]
        return items

    def _was_adopted(self, worker: int) -> bool:
        """Whether the new worker has asked how the remote work is."""
        return self._jobs[self._remote]["done"] or (
            self._attempts(self._remote)[-1]["pid"] == worker
            and self._state(self._remote) == "waiting"
        )

    def _orders(self) -> int:
        return len(self._stage.cluster.books.orders)

    def _entries(self) -> list[witness.Entry]:
        file = self._stage.witness
        return witness.read(file.read_text()) if file.exists() else []

    def _done(self) -> int:
        return len({entry.number for entry in self._entries()})

    def _finding(self) -> witness.Finding:
        return witness.judge(self._entries(), self._plan.slices, self._killed, self._killed_at)
