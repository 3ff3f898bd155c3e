"""What the ticks of one attempt say of its rate and of its end.

Time in which it stands still is not counted: all is reckoned on a clock that stands still with it.
"""

import math

from msgspec.structs import replace

from offload import lifecycle
from offload.model import Job, Progress
from offload.worker.progressing.rate import Rate


class Forecast:
    """Belongs to one attempt, in its worker.

    Attributes:
        is_certain: whether its own ticks tell the end, so that no history is needed.
    """

    __slots__ = ("_rate", "_unit", "is_certain")

    def __init__(self) -> None:
        self._rate = Rate()
        self._unit: str | None = None
        self.is_certain = False

    def tick(self, word: Progress, job: Job, now: float, usual: float | None) -> Progress:
        """Return the word with the rate and the expected end, as far as there is something to say.

        Args:
            word: what the job says.
            job: as it is known now: since when it runs, for how long it has stood still.
            now: the instant.
            usual: seconds that a job of this task runs as a rule, if that is known.
        """
        if word.unit != self._unit:  # something else is counted now
            self._rate, self._unit = Rate(), word.unit
        self._rate.note(word.done, now - lifecycle.paused_seconds(job, now))
        left = None if word.total is None else self._rate.left(word.total)
        self.is_certain = left is not None
        if left is None and usual is not None:
            left = self._usual_left(word, job, now, usual)
        eta = None if left is None or not math.isfinite(now + left) else now + left
        return replace(word, rate=self._rate.value(), eta=eta)

    def _usual_left(self, word: Progress, job: Job, now: float, usual: float) -> float | None:
        """What a whole job takes, less what earlier attempts have done of this one.

        Nothing is said of a job that takes longer than they do.
        """
        share = self._rate.first_done / word.total if word.total else 0.0
        begun_at = now if job.started_at is None else job.started_at
        spent = now - begun_at - lifecycle.paused_seconds(job, now)
        left = usual * (1.0 - min(max(share, 0.0), 1.0)) - spent
        return left if left > 0 else None
