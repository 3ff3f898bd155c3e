"""Which request may be sent again, and when: pure.

A request that is lost may have been done. So it is sent again only if to do it twice is the same as
to do it once: it reads, it has an idempotency key, or it asks for what is then so already. What the
server says it has not done may always be sent again, and so may what was never sent.
"""

from collections.abc import Callable

from offload import chance
from offload.client.connections import Answer

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds before a request is sent again: twice as long each time."""

UNDONE = frozenset({"draining", "store-unavailable", "too-many-connections", "rate-limited"})
"""Problems with which a server says that it has not even begun, and that this will pass."""

PASSING = frozenset({408, 502, 503, 504})
"""Codes, of the server or of a proxy before it, after which the same request may do better."""

LASTING = frozenset({"query-too-slow", "storage-full"})
"""Problems of those codes that do not pass by themselves in a moment."""


def is_worth_repeating(answer: Answer, kind: str, *, is_repeatable: bool) -> bool:
    """Say whether the same request is to be sent again after this answer.

    A full queue is none of them: whoever starts jobs is told so and decides.

    Args:
        answer: what was answered.
        kind: the name of the problem; "" where it is no problem of ours.
        is_repeatable: to do it twice is the same as to do it once.
    """
    if kind in UNDONE:
        return True
    if answer.status == 429:
        return answer.retry_after is not None and kind not in ("queue-full", "too-many-streams")
    return is_repeatable and answer.status in PASSING and kind not in LASTING


class Pauses:
    """How long to wait before the next try, until the patience is at its end.

    Args:
        patience: seconds from now on within which a try may begin.
        now: tells the time.
        draw: chance, from 0 to 1: those that were cut off together do not come back together.
    """

    def __init__(
        self,
        patience: float,
        now: Callable[[], float],
        draw: Callable[[], float] = chance.draw,
    ) -> None:
        self._now = now
        self._draw = draw
        self._give_up_at = now() + patience
        self._next = FIRST_PAUSE

    def next(self, at_least: float | None = None) -> float | None:
        """Return the seconds to wait; None when the next try would come too late.

        Args:
            at_least: what the server wants.
        """
        pause = self._next * (0.5 + self._draw() / 2)
        self._next = min(LONGEST_PAUSE, self._next * 2)
        if at_least is not None:
            pause = max(pause, at_least * (1 + self._draw() / 10))
        return pause if self._now() + pause <= self._give_up_at else None
