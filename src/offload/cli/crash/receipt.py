"""The receipt of the crash demo: what was promised, what was found, and if that is so. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from offload.cli.crash.plan import Plan
from offload.cli.crash.witness import WINDOW_SECONDS, Finding


class Facts(Struct, frozen=True):
    """What was found when all was over.

    Attributes:
        finding: of the witness.
        result: of the simulation, and `undisturbed`: what it comes to without a crash.
        busy, still: per cent of a processor that the simulation used before and during its pause.
        pids: the processes in which it ran before the crash, in order.
        guest: the state that the job came to which took the free place.
        orders: runs that the remote service was told to begin, and `looks`: questions about them.
        attempts: at the simulation, and `remote_attempts`: at the remote job, as JSON has them.
        receipts: of the simulation, as JSON has them.
        left: processes that were still there at the end.
    """

    plan: Plan
    finding: Finding
    result: Any
    undisturbed: float
    busy: int
    still: int
    pids: tuple[int, ...]
    guest: str
    orders: int
    looks: int
    attempts: Sequence[Mapping[str, Any]]
    remote_attempts: Sequence[Mapping[str, Any]]
    receipts: Sequence[Mapping[str, Any]]
    left: tuple[int, ...]


class Promise(Struct, frozen=True):
    """Something that was promised, with what was found."""

    name: str
    found: str
    is_kept: bool


def promises(facts: Facts) -> Iterator[Promise]:
    """Go through what was promised."""
    finding, plan = facts.finding, facts.plan
    yield Promise(
        "nothing lost",
        f"{finding.done} of {plan.slices} slices done, {_some(finding.missing, 'missing')}",
        not finding.missing and finding.done == plan.slices,
    )
    yield Promise("done twice", _repeats(finding), finding.is_within_window)
    yield Promise(
        "right result",
        f"{facts.result!r}, exactly as without a crash"
        if facts.result == facts.undisturbed
        else f"{facts.result!r}, and without a crash {facts.undisturbed!r}",
        facts.result == facts.undisturbed,
    )
    yield Promise(
        "paused",
        f"CPU {facts.busy} % before, {facts.still} % then; went on in {_same(facts.pids)}",
        facts.still == 0 and len(facts.pids) == 1,
    )
    yield Promise(
        "free place",
        f"another job that ran in it meanwhile has {facts.guest}",
        facts.guest == "succeeded",
    )
    yield Promise(
        "remote work",
        f"started {times(facts.orders)}, looked at {times(facts.looks)}",
        facts.orders == 1,
    )
    yield Promise("no orphan", _orphans(facts), not facts.left and not finding.ghosts)


def _repeats(finding: Finding) -> str:
    if finding.too_often:
        return f"{_some(finding.too_often, 'slices')} for another reason than the crash"
    window = f"(window: {WINDOW_SECONDS:g} s)"
    if not finding.again:
        return f"no slice {window}"
    slices = "slice" if len(finding.again) == 1 else "slices"
    before = f"{finding.repeated_seconds:.1f} s before the kill"
    return f"{len(finding.again)} {slices} of the {before} {window}"


def _orphans(facts: Facts) -> str:
    said = _some(facts.left, "processes left")
    if facts.finding.ghosts:
        said += f"; {_some(facts.finding.ghosts, 'slices')} done by one that was to be dead"
    return said


def _same(pids: Sequence[int]) -> str:
    if len(pids) == 1:
        return "the same process"
    return f"other processes: {', '.join(map(str, pids))}"


def _some(numbers: Sequence[int], what: str) -> str:
    """Say how many there are, and which the first are."""
    first = f" ({', '.join(map(str, numbers[:5]))}{', …' if len(numbers) > 5 else ''})"
    return f"{len(numbers)} {what}{first if numbers else ''}"


def times(count: int) -> str:
    """Say how often."""
    return "once" if count == 1 else f"{count} times"
