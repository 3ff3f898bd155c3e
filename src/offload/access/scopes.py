"""Scopes: what a credential opens.

    read      look at jobs, tasks, queues, workers, events, figures
    submit    start jobs; and read
    control   cancel, retry, pause, resume, remove; and read
    admin     everything, also what routes to come will call administration

`submit` and `control` are independent of each other, and each contains `read`: whoever starts or
stops a job has to see what becomes of it.
"""

from collections.abc import Iterable
from enum import StrEnum


class Scope(StrEnum):
    """One part of what can be done."""

    READ = "read"
    SUBMIT = "submit"
    CONTROL = "control"
    ADMIN = "admin"


EVERYTHING = frozenset(Scope)

_OPENS = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.SUBMIT: frozenset({Scope.READ, Scope.SUBMIT}),
    Scope.CONTROL: frozenset({Scope.READ, Scope.CONTROL}),
    Scope.ADMIN: EVERYTHING,
}


def opened_by(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Return all that these scopes open."""
    return frozenset(each for scope in scopes for each in _OPENS[scope])


def scopes_text(scopes: Iterable[Scope]) -> str:
    """Write scopes as they are stored and shown: in their order, with blanks."""
    given = frozenset(scopes)
    return " ".join(scope.value for scope in Scope if scope in given)
