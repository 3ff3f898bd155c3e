"""What happened in a run, seen from outside: what was stored, what ran, what clients were told.

The checker judges this and nothing else, so a history can also be written by hand. Every entry
carries `at`, the virtual time in seconds; their order in the list is the order in which they
happened.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, TypeVar

from msgspec import Struct

from offload.model import PLAIN, Event, Job, JobOptions, State, Wish

E = TypeVar("E", bound="Entry")

Count = dict[tuple[str, State], int]


class Entry(Struct, frozen=True, kw_only=True):
    """Something that happened at an instant of virtual time."""

    at: float = 0.0


class Accepted(Entry, frozen=True):
    """A start was acknowledged to a client."""

    client: str
    ids: tuple[int, ...]
    key: str | None = None
    group: int | None = None


class CancelAnswered(Entry, frozen=True):
    """A cancel was acknowledged: the job is cancelled now, or its code was asked to stop."""

    job: int
    state: State
    version: int = 0


class WishAnswered(Entry, frozen=True):
    """A pause or a resume was acknowledged; `version` is the job's after it."""

    job: int
    wish: Wish
    version: int


class Observed(Entry, frozen=True):
    """A client read a job."""

    client: str
    job: int
    version: int
    state: State
    has_result: bool = False


class NewJobRow(Struct, frozen=True):
    """What a job was started as.

    `due` is the instant before which it must not begin, `token` the number of the request,
    `due_at` the time for which a schedule has started it.
    """

    id: int
    task: str = "nap"
    queue: str = "default"
    priority: int = 0
    due: float | None = None
    token: int = 0
    options: JobOptions = PLAIN
    lane: str = ""
    key: str | None = None
    group: int | None = None
    bound_to: int | None = None
    due_at: str | None = None


class Committed(Entry, frozen=True):
    """A transaction of a process, and what the tables say right after it.

    `unseen` counts the events that it wrote and removed again: a job's end, and its retention.
    `told` is the message of progress that each running job shows, by job and token. `holding` is
    how many jobs hold each named limit. Of the jobs of these events, `due` says from when on one
    may begin, `ahead` whether it goes ahead of its queue, and `crashes` how many it is charged
    with. `saved` is the checkpoint that is kept of each job.
    """

    process: str
    events: tuple[Event, ...] = ()
    unseen: int = 0
    new: tuple[NewJobRow, ...] = ()
    ids: frozenset[int] = frozenset()
    occupied: dict[str, int] = {}
    limits: dict[str, int | None] = {}
    counted: Count = {}
    tallied: Count = {}
    told: dict[tuple[int, int], str] = {}
    holding: dict[str, int] = {}
    due: dict[int, float | None] = {}
    ahead: dict[int, bool] = {}
    crashes: dict[int, int] = {}
    saved: dict[int, bytes] = {}


class Entered(Entry, frozen=True):
    """A worker was enrolled."""

    process: str
    worker: int
    tasks: frozenset[str]
    lock: str = ""
    house: int = 0


class Begun(Entry, frozen=True):
    """The witness: code of a job begins. `latest` is the latest instant that any clock has shown.

    `run` numbers the runs of all jobs; `job`, `token` and `worker` are what the worker believes.
    """

    process: str
    worker: int
    job: int
    token: int
    run: int
    latest: float = 0.0


class Ended(Entry, frozen=True):
    """The witness: that run of code has ended. `value` is what it returned, as JSON."""

    run: int
    how: Literal["returned", "raised", "stopped", "snoozed"]
    value: bytes | None = None


class Stepped(Entry, frozen=True):
    """The witness: that run of code has taken a step."""

    run: int


class StopHeard(Entry, frozen=True):
    """The witness: that run of code was told to stop, and goes on all the same."""

    run: int


class Found(Entry, frozen=True):
    """The witness: what that run found kept, how far it was and which run had said so."""

    run: int
    done: int
    by: int


class Told(Entry, frozen=True):
    """The witness: that run keeps how far it is; `is_stored`: it waited until that was stored."""

    run: int
    done: int
    is_stored: bool


class AskedElsewhere(Entry, frozen=True):
    """The other side: a process has asked how it stands with the work."""

    handle: int
    process: str


class StartedElsewhere(Entry, frozen=True):
    """The other side: it was asked to start work. `is_new`: it was not asked with that key before.

    Left alone, the work ends at `ends_at`; asking after work that is `sick` fails.
    """

    job: int
    handle: int
    is_new: bool
    ends_at: float = 0.0
    is_sick: bool = False


class ToldElsewhere(Entry, frozen=True):
    """The other side: it was told that the work is not wanted any more."""

    handle: int


class Jumped(Entry, frozen=True):
    """Everybody's wall clock was set on or back."""

    seconds: float


class MustFail(Entry, frozen=True):
    """A probe: by then the job must have failed with this code."""

    job: int
    by: float
    code: str


class Fell(Entry, frozen=True):
    """A process is gone, and all its code with it: it crashed, or it ended."""

    process: str
    how: Literal["crashed", "ended"]


class TakenForDead(Entry, frozen=True):
    """The others see no life in this worker any more, though it lives: nothing it does counts."""

    worker: int


class ToldToEnd(Entry, frozen=True):
    """A process was told to drain, and how many seconds its jobs are given."""

    process: str
    grace: float


class Said(Entry, frozen=True):
    """A line of log."""

    process: str
    level: int
    text: str


class Broke(Entry, frozen=True):
    """An exception that nobody caught, or one that a client must never see."""

    process: str
    what: str


class Calm(Entry, frozen=True):
    """The faults are over."""


class Ending(Entry, frozen=True):
    """What the store says at the end."""

    jobs: tuple[Job, ...] = ()
    keep: dict[str, int] = {}
    integrity: str = "ok"


class History:
    """The entries in the order in which they happened."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = list(entries)

    def add(self, entry: Entry) -> None:
        """Append what has just happened."""
        self.entries.append(entry)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def of(self, kind: type[E]) -> Iterator[E]:
        """Go through the entries of one kind."""
        return (entry for entry in self.entries if isinstance(entry, kind))

    def calm_from(self) -> float:
        """The instant from which on there were no faults; for ever later if that never came."""
        return next((entry.at for entry in self.of(Calm)), float("inf"))
