"""What the checks are made of: a function from a history to sentences, and two ways to read one."""

from collections.abc import Callable, Iterator

from offload.lifecycle import Move
from offload.model import Event
from tests.simulation.history import Begun, Committed, History

Violations = Iterator[str]
Check = Callable[[History], Violations]


def events_of(history: History) -> Iterator[Event]:
    """Go through all events in the order in which they were stored."""
    return (event for entry in history.of(Committed) for event in entry.events)


def is_retry(event: Event) -> bool:
    """Whether somebody has decided that a job which had ended is tried anew."""
    return event.kind == Move.RETRY


def last_runs_of(history: History) -> dict[int, int]:
    """The run of each job that has the newest token; a zombie may begin an older one later."""
    newest = sorted(history.of(Begun), key=lambda begun: begun.token)
    return {begun.job: begun.run for begun in newest}
