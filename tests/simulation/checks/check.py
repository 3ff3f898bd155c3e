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


class Failing:
    """Which attempts have failed, so that the next one begins anew."""

    def __init__(self) -> None:
        self._attempts: dict[int, int] = {}

    def has_failed(self, event: Event) -> bool:
        """Follow the job by one event; says whether its attempt has failed with it.

        One that somebody wants to stand still is held then; what else makes its worker give a job
        back gives back the attempt.
        """
        before = self._attempts.get(event.job_id)
        self._attempts[event.job_id] = event.attempt
        is_held = event.kind == Move.HOLD and event.door == "worker" and event.attempt == before
        return is_held or event.kind == Move.TRY_AGAIN


def last_runs_of(history: History) -> dict[int, int]:
    """The run of each job that has the newest token; a zombie may begin an older one later."""
    newest = sorted(history.of(Begun), key=lambda begun: begun.token)
    return {begun.job: begun.run for begun in newest}
