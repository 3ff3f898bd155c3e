"""The statement for a run that ends names each column that such an end can alter."""

import re
from itertools import product

import msgspec
import pytest
from msgspec.structs import replace

from offload import lifecycle
from offload.model import (
    PLAIN,
    By,
    Cause,
    Crashed,
    Error,
    Failed,
    Job,
    JobOptions,
    OnCrash,
    Outcome,
    State,
    Succeeded,
    Wish,
    Withheld,
    Yielded,
)
from offload.store.queries import load_queries

BY = By(actor="worker 1", door="worker")

NOTHING = {field.name: None for field in msgspec.structs.fields(Job)}

RUNNING = msgspec.convert(
    NOTHING
    | {
        "id": 1, "task": "t", "kind": "async", "queue": "default", "priority": 0,
        "state": "running", "claimable": False, "ahead": False, "version": 2, "token": 1,
        "worker": 1, "lease_until": 9.0, "occupies_slot": True, "attempt": 1, "crashes": 2,
        "interrupts": 1, "created_at": 1.0, "started_at": 2.0, "tags": (), "size": 2,
        "options": {}, "lane": "", "forgiven": 0, "paused_seconds": 0.0,
    },
    Job,
)  # fmt: skip

REPEATED_NEVER = JobOptions(on_crash=OnCrash.FAIL)

OUTCOMES: tuple[Outcome, ...] = (
    Succeeded(b"1"),
    Withheld("only its own program has it"),
    Failed(Error(code="exception", message="no"), again=False),
    Yielded(Cause.CANCEL),
    Yielded(Cause.INTERRUPT),
    Yielded(Cause.TIMEOUT),
    Yielded(Cause.DEADLINE),
    Crashed(),
)


def jobs() -> list[Job]:
    """Running jobs of every sort."""
    return [
        replace(
            RUNNING,
            requested=wish,
            handle=handle,
            occupies_slot=handle is None,
            next_check_at=None if handle is None else 5.0,
            bound_to=bound_to,
            options=options,
        )
        for wish, handle, bound_to, options in product(
            (None, Wish.CANCEL),
            (None, b"{}"),
            (None, 7),
            (PLAIN, JobOptions(on_crash=OnCrash.FAIL)),
        )
    ]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_an_end_alters_only_what_its_statement_names(outcome: Outcome) -> None:
    named = set(re.findall(r"(\w+) =", load_queries()["finish"].partition("\nfrom")[0]))
    changes = [(job, lifecycle.conclude(job, outcome, 3.0, BY)) for job in jobs()]
    ends = [(job, change.after) for job, change in changes if change.after.is_finished]

    altered = {
        name
        for job, after in ends
        for name in Job.__struct_fields__
        if getattr(job, name) != getattr(after, name)
    }

    assert ends
    assert altered <= named


def test_what_its_statement_clears_is_cleared_by_each_end() -> None:
    query = load_queries()["finish"]
    cleared = re.findall(r"(\w+) = (?:null|0)\b", query)

    for job, outcome in product(jobs(), OUTCOMES):
        after = lifecycle.conclude(job, outcome, 3.0, BY).after
        if after.state in (State.SUCCEEDED, State.FAILED, State.CANCELLED):
            assert not any(getattr(after, name) for name in cleared)
