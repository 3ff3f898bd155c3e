"""Breadth-first search through every state of a small world, and back from where all is well.

A world says what can happen next and complains where a rule is broken. The search keeps how it
came to each state, so that a violation is told as the shortest story that leads to it.
"""

from array import array
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

W = TypeVar("W", bound=Hashable)


class Violation(Exception):
    """A rule is broken in this step or state.

    Attributes:
        rule: the id of the promise or invariant.
    """

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule


@dataclass(slots=True)
class Found(Generic[W]):
    """What a search saw.

    Attributes:
        states: the distinct states, in the order in which they were reached.
        complete: whether that is all of them.
        violation: the first broken rule.
        story: the steps that lead to it.
        steps: how many steps were tried.
        nexts: per state the numbers of those that follow by themselves.
    """

    states: list[W]
    complete: bool = True
    violation: Violation | None = None
    story: list[str] = field(default_factory=list)
    steps: int = 0
    nexts: list["array[int]"] = field(default_factory=list)


def explore(
    first: W,
    steps: Callable[[W], Iterator[tuple[str, W]]],
    most: int,
    by_itself: Callable[[str], bool] = lambda label: True,
) -> Found[W]:
    """Visit every state that can be reached, or `most` of them, until a rule is broken.

    Args:
        first: where it begins.
        steps: yields what can happen in a state: what it is called, and the state after it.
        most: how many states are enough.
        by_itself: says whether a step of that name needs nobody's help from outside; only those
            count where it is asked whether all ends well.
    """
    numbers = {first: 0}
    came_from: list[tuple[int, str]] = [(-1, "")]
    found = Found([first])
    for number, state in enumerate(found.states):
        if len(found.states) >= most:
            found.complete = False
            return found
        nexts: array[int] = array("i")
        label = ""
        try:
            for label, after in steps(state):
                seen = numbers.setdefault(after, len(found.states))
                if seen == len(found.states):
                    found.states.append(after)
                    came_from.append((number, label))
                found.steps += 1
                if by_itself(label):
                    nexts.append(seen)
        except Violation as violation:
            found.violation = violation
            found.story = [*_story(came_from, number), f"(after {label or 'this'}) {violation}"]
            return found
        found.nexts.append(nexts)
    return found


def stuck(found: Found[W], is_final: Callable[[W], bool]) -> list[W]:
    """Return the states from which no path leads to a final one, by going backwards from those."""
    before: list[array[int]] = [array("i") for _ in found.states]
    for number, nexts in enumerate(found.nexts):
        for after in nexts:
            before[after].append(number)
    reached = bytearray(map(is_final, found.states))
    frontier = [number for number, final in enumerate(reached) if final]
    while frontier:
        number = frontier.pop()
        for earlier in before[number]:
            if not reached[earlier]:
                reached[earlier] = True
                frontier.append(earlier)
    return [state for state, good in zip(found.states, reached, strict=True) if not good]


def _story(came_from: list[tuple[int, str]], number: int) -> list[str]:
    labels = []
    while number > 0:
        number, label = came_from[number]
        labels.append(label)
    return labels[::-1]
