"""The operations and queries on an open connection, shared by every database.

Rules about states are not here: what a change makes of a job was decided before. Here a change is
applied if the row is still the one it was decided from, its event is written beside it, and the
counters move with it, all in the caller's transaction.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from offload.model import Job
from offload.store import (
    access,
    amending,
    changing,
    claiming,
    enrolling,
    keeping,
    logs,
    reading,
    recording,
    rows,
    saving,
    scheduling,
    starting,
)
from offload.store.base import (
    Amend,
    Apply,
    Checked,
    Claim,
    Complete,
    Effects,
    Enter,
    Fire,
    Insert,
    Inserted,
    Leave,
    Note,
    Operation,
    Promote,
    Prune,
    PutSchedules,
    Query,
    Remove,
    Renew,
    Report,
    Retry,
    Save,
    Say,
    SetQueue,
    SetTask,
    Stopping,
)
from offload.store.session import Session

Verb = Callable[[Session, list[Any]], list[Any]]


def _each(verb: Callable[[Session, Any], Any]) -> Verb:
    """Lift a verb for one operation to a group of them."""
    return lambda session, operations: [verb(session, operation) for operation in operations]


VERBS: dict[type, Verb] = {
    Insert: starting.insert_all,
    Apply: changing.apply_all,
    Retry: _each(changing.retry),
    Amend: _each(amending.amend),
    Complete: _each(changing.complete),
    Claim: _each(claiming.claim),
    Renew: _each(changing.renew),
    Report: _each(changing.report),
    Checked: _each(changing.check_again),
    Enter: _each(enrolling.enter),
    Stopping: _each(enrolling.stopping),
    Leave: _each(enrolling.leave),
    SetQueue: _each(enrolling.set_queue),
    SetTask: _each(enrolling.set_task),
    Save: _each(saving.save),
    Note: _each(recording.note),
    Say: _each(logs.say),
    Promote: _each(keeping.promote),
    Prune: _each(keeping.prune),
    Remove: _each(keeping.remove),
    PutSchedules: _each(scheduling.put),
    Fire: _each(scheduling.fire),
    access.CreateToken: _each(access.create_token),
    access.RevokeToken: _each(access.revoke_token),
    access.NoteUse: _each(access.note_use),
    access.Begin: _each(access.begin),
    access.End: _each(access.end),
    access.OfferLink: _each(access.offer_link),
    access.UseLink: _each(access.use_link),
}
"""What carries each kind of operation out, for a run of neighbours of that kind."""


class Transaction:
    """Operations on one open transaction; made for one, thrown away with it."""

    def __init__(
        self, connection: Any, queries: dict[str, str], job_of: Callable[[rows.Row], Job]
    ) -> None:
        self._session = Session(connection, queries, job_of)

    def run(self, operations: Sequence[Operation[Any]]) -> tuple[list[Any], Effects]:
        """Run the operations in order; neighbours of one kind share their statements."""
        answers: list[Any] = []
        for kind, group in groupby(operations, key=type):
            answers += VERBS[kind](self._session, list(group))
        self._session.write_tally()
        return answers, self._session.effects()

    def read(self, query: Query[Any]) -> Any:
        """Answer a query."""
        return reading.read(self._session, query)

    def inserted(self, insert: Insert, after: int) -> Inserted | None:
        """Find the jobs of an insert among those issued after an id."""
        return starting.inserted(self._session, insert, after)

    def issued(self) -> int:
        """Return the highest job id ever issued; 0 if none was."""
        return self._session.issued()
