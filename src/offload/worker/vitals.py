"""How a worker does, told with each sign of life: what it holds, what it uses, how late it is.

It is taken on the writer's thread, by which the leases are renewed: that tells of a loop that is
blocked too, for as long as it is.
"""

from collections.abc import Callable

from offload.clock import Clock
from offload.model import Vitals
from offload.worker.family import Use
from offload.worker.pulse import Pulse

SHORTEST_SECONDS = 0.05
"""In less the kernel's count of processor time, which goes by hundredths, says nothing."""


class VitalSigns:
    """Taken again and again; each time tells of the time since the last.

    Args:
        use: what the worker's process and all below it hold and have used; None is not known.

    Attributes:
        pulse: beats on the worker's loop.
    """

    def __init__(self, clock: Clock, use: Callable[[], Use | None]) -> None:
        self.pulse = Pulse(clock.monotonic)
        self._clock = clock
        self._use = use
        self._before: tuple[float, Use] | None = None

    def take(self) -> Vitals:
        """Say how it does."""
        loop_lag = round(self.pulse.take_worst(), 4)
        use = self._use()
        if use is None:
            return Vitals(loop_lag=loop_lag)
        return Vitals(use.memory, self._cpu(use), loop_lag)

    def _cpu(self, use: Use) -> float | None:
        now = self._clock.monotonic()
        before, self._before = self._before, (now, use)
        if before is None or now - before[0] < SHORTEST_SECONDS:
            return None
        # Who ends and is waited for by somebody else takes its time along.
        used = max(0.0, use.cpu_seconds - before[1].cpu_seconds)
        return round(used / (now - before[0]), 4)
