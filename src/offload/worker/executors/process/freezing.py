"""Makes a process stand still with all that descends from it, and lets it go on.

A process cannot refuse SIGSTOP, but it can fork in the moment before it is hit. So it is done in
rounds: each looks at all of them and stops those that move, parents first, until two rounds in a
row have found nobody that moves. A round takes a moment; whoever goes them does other things
between, since a process that waits in the kernel may take long to stop.

A look at all processes takes milliseconds, in which one that does nothing but fork is 50
generations further. So in the same round who was stopped is looked at again for children, which
takes 0.1 ms a generation and catches up with any code.

Descent finds them all: a child of the fork server adopts its orphans, and those of a child that
has died are killed. So no process can leave the family while it lives.
"""

import signal
import time
from collections.abc import Mapping

from offload.worker import family
from offload.worker.family import Kin

CLEAN_ROUNDS = 2
"""In which nobody moves; what was forked in the midst of the first one is seen in the second."""

LATE_SECONDS = 1.0
"""After which it is told who still moves."""

GUARD_SECONDS = 5.0
"""How often those that stand still are looked at again: anybody may have sent a SIGCONT."""

_CHASE_SECONDS = 0.1
"""After which a round is over, whoever is still ahead: others wait for whoever goes the rounds."""

_FIRST_PAUSE_SECONDS = 0.0005
_LONGEST_PAUSE_SECONDS = 0.05
_PATIENT_ROUNDS = 3

_Key = tuple[int, int]


class Freezing:
    """A process and its descendants on their way to standing still.

    Attributes:
        pid: the process.
        due_at: when the next round is to be gone, by the monotonic clock.
        is_still: all of them stood still in the last round.
        moving: who moved in the last round.
        stopped: all that were stopped.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.due_at = 0.0
        self.is_still = False
        self.moving: list[Kin] = []
        self.stopped: dict[_Key, Kin] = {}
        self._spared: set[_Key] = set()
        self._clean_rounds = 0
        self._stuck_rounds = 0
        self._pause = _FIRST_PAUSE_SECONDS
        self._is_told = False
        self._late_at = time.monotonic() + LATE_SECONDS

    def go_round(self, everyone: Mapping[int, Kin]) -> None:
        """Look at all of them once, and stop those that move."""
        line = family.line(self.pid, everyone)
        known = len(self.stopped)
        self.moving = [kin for kin in line if self._stop(kin)]
        if self.moving:
            self._catch_up([line[0], *self.moving])
        self._clean_rounds = 0 if self.moving or not line else self._clean_rounds + 1
        self.is_still = self._clean_rounds >= CLEAN_ROUNDS
        if self.is_still:
            self.stopped = {_key(kin): kin for kin in line if _key(kin) in self.stopped}
        if len(self.stopped) > known:
            self._stuck_rounds, self._pause = 0, _FIRST_PAUSE_SECONDS
        elif self.moving:
            self._stuck_rounds += 1
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
            if self._stuck_rounds >= _PATIENT_ROUNDS:
                self._loosen(line)
        self.due_at = _next_guard() if self.is_still else time.monotonic() + self._wait

    def takes_news(self) -> bool:
        """Whether they have come to stand still and nobody was told; true only once."""
        is_news = self.is_still and not self._is_told
        self._is_told |= is_news
        return is_news

    def take_late(self) -> list[Kin]:
        """Return who still moves though it has taken long; only once."""
        if self._is_told or time.monotonic() < self._late_at:
            return []
        self._late_at = float("inf")
        return self.moving

    def thaw(self) -> list[Kin]:
        """Let all go on that were stopped here; returns them.

        Children first: a parent that waits for one must not see it stopped. The process itself is
        last, and what the job's own code had stopped before stays so.
        """
        return family.send(reversed(self.stopped.values()), signal.SIGCONT)

    @property
    def _wait(self) -> float:
        return 0.0 if self.moving and not self._stuck_rounds else self._pause

    def _catch_up(self, ahead: list[Kin]) -> None:
        """Stop the children that these have by now, and theirs; the orphans are the first one's."""
        give_up_at = time.monotonic() + _CHASE_SECONDS
        for kin in ahead:
            if time.monotonic() > give_up_at:
                return
            new = [child for child in family.offspring(kin) if _key(child) not in self.stopped]
            ahead += [child for child in new if self._stop(child)]

    def _stop(self, kin: Kin) -> bool:
        """Stop a process if it moves; says whether it did."""
        key = _key(kin)
        if family.stands_still(kin.pid):
            if kin.pid == self.pid:
                self.stopped[key] = kin  # whoever stopped it: a job that is resumed goes on
            elif key not in self.stopped:
                self._spared.add(key)  # by the job's own code
            return False
        self.stopped[key] = kin
        self._spared.discard(key)
        family.send([kin], signal.SIGSTOP)
        return True

    def _loosen(self, line: list[Kin]) -> None:
        """Let the stopped children of a process go on for a moment that waits in the kernel.

        It may wait for just them: after vfork(2), which starts programs, a process sleeps where no
        signal reaches it until its child has begun the program. The next round stops them again.
        """
        stuck = {kin.pid for kin in self.moving if family.is_stuck(kin.pid)}
        wanted = [kin for kin in line if kin.parent in stuck and _key(kin) in self.stopped]
        family.send(wanted, signal.SIGCONT)


def _next_guard() -> float:
    """The same moment for all that stand still: one look at all processes serves all of them."""
    return (time.monotonic() // GUARD_SECONDS + 1) * GUARD_SECONDS


def _key(kin: Kin) -> _Key:
    """What stays the same when its parent ends."""
    return kin.pid, kin.started
