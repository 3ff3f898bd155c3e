"""What `offload serve` says when it begins."""

import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from offload.app import Offload
from offload.cli.settings import EXAMPLES
from offload.config import Config
from offload.model import Queue


class Entrance(Struct, frozen=True):
    """Who may come in.

    Attributes:
        is_guarded: clients have to show a token.
        link: the secret of a link that logs a browser in once; empty, and there is none.
    """

    is_guarded: bool
    link: str = ""


class Serving(Struct, frozen=True):
    """What is served, where, and within which limits.

    Attributes:
        named: the tasks as they were named; empty, and the examples are served.
    """

    named: str
    address: str
    offload: Offload
    config: Config
    queue: Queue
    entrance: Entrance = Entrance(is_guarded=False)

    def as_json(self) -> Mapping[str, Any]:
        """Return it for programs."""
        queue = self.queue
        return {
            "serves": self.named or EXAMPLES,
            "address": self.address,
            "tasks": self.offload.registry.names(),
            "database": str(self.offload.database),
            "concurrency": queue.limit,
            "capacity": queue.capacity,
            "keep": queue.keep,
            "workers": self.config.workers,
            "slots": self.config.slots,
            "processes": self.config.processes,
            "grace": self.config.grace,
            "lease": self.config.lease,
        }

    def as_text(self) -> str:
        """Return it for people; programs may read the first line."""
        lines = [f"offload serves {self.named or EXAMPLES} on {self.address}"]
        if not self.named:
            lines.append("  (no tasks were named: `offload serve tasks.py` serves your own)")
        lines += [f"  {name:9} {text}" for name, text in self._details().items()]
        return "\n".join(lines)

    def _details(self) -> Mapping[str, str]:
        workers, grace = self.config.workers, self.config.grace
        return {
            **self._log_in(),
            "tasks": ", ".join(self.offload.registry.names()) or "none",
            "database": str(self.offload.database),
            "limits": _limits(self.queue),
            "workers": str(workers or "none here; start them with `offload worker`"),
            "try": self._example(),
            "stop": f"Ctrl-C; running jobs are given {grace:g} s",
        }

    def _log_in(self) -> Mapping[str, str]:
        """Say how a browser comes in; the link is for the eyes of whoever has started this."""
        if not self.entrance.link:
            return {}
        link = f"{self.address}/login?once={self.entrance.link}"
        return {"log in": f"{link}  (once, within ten minutes)"}

    def _example(self) -> str:
        """Return a line that starts a job; of the examples it is the one in the README."""
        names = self.offload.registry.names()
        if not names:
            return f"curl {self.address}/"
        path = _start_path(self.offload, names[0]) if self.named else "/start/power_sim?a=2&b=20"
        secret = ' -H "Authorization: Bearer $OFFLOAD_TOKEN"' if self.entrance.is_guarded else ""
        return f"curl -X POST{secret} {shlex.quote(self.address + path)}"


def _start_path(offload: Offload, name: str) -> str:
    """Return the address of a start, with a value for each parameter that is needed."""
    schema = offload.find(name).registered.signature.schema()
    kinds = {each: schema["properties"][each].get("type") for each in schema["required"]}
    query = urlencode({each: _SAMPLES.get(str(kind), "…") for each, kind in kinds.items()})
    return f"/start/{name}" + (f"?{query}" if query else "")


_SAMPLES = {"integer": "2", "number": "0.5", "boolean": "true"}


def _limits(queue: Queue) -> str:
    at_once = "any number of jobs" if queue.limit is None else f"{queue.limit} jobs"
    waiting = "any number" if queue.capacity is None else str(queue.capacity)
    return f"{at_once} at once, {waiting} waiting, the newest {queue.keep} finished ones kept"
