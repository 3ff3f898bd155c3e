"""What the answers about one job mean: wait on, and for how long; or how the job has ended.

It decides and does nothing: the caller waits, shows progress and ends the job.
"""

from collections.abc import Callable

from msgspec.structs import replace

from offload.model import Outcome
from offload.polling import Done, Pending
from offload.registry import RegisteredTask
from offload.text import capped_repr, describe_error
from offload.worker.executors.call import raised, returned
from offload.worker.polling.answer import Answer, NoAnswer, Raised
from offload.worker.polling.pace import Pace

MOST_SHOWN_BYTES = 200
"""Of an error's text while the job goes on; the last one is kept in full."""


class Verdicts:
    """Reads the answers about one job, in their order.

    Args:
        task: whose job it is.
        pace: how often it is asked.
        budget: so many failed checks in a row end it.
        show: shows progress to people.
        draw: a random number from 0 to 1.
    """

    def __init__(
        self,
        task: RegisteredTask,
        pace: Pace,
        *,
        budget: int,
        show: Callable[[Pending], None],
        draw: Callable[[], float],
    ) -> None:
        self._task = task
        self._pace = pace
        self._budget = budget
        self._show = show
        self._draw = draw
        self._errors = 0
        self._unchanged = 0
        self._last = Pending()
        self._far = Pending(0)

    def read(self, answer: Answer) -> float | Outcome:
        """Return the seconds until the next check, or the outcome of the job.

        There are four cases: an error, done, not yet, and something that no check may return,
        which is an error as well.
        """
        if isinstance(answer, Raised):
            return self._failed(answer.error)
        match answer.value:
            case Done(value):
                return returned(self._task, value)
            case Pending() as pending:
                return self._pending(pending)
            case None:
                return self._pending(Pending())
            case other:
                return self._failed(_unfit(other))

    def _pending(self, pending: Pending) -> float | Outcome:
        try:
            self._show_if_new(pending)
        except (TypeError, ValueError) as error:  # progress that is no number
            return self._failed(error)
        self._errors = 0
        self._unchanged = self._unchanged + 1 if _same(pending, self._last) else 0
        self._last = pending
        wait = self._pace.after(self._unchanged, self._draw())
        return wait if pending.wait is None else max(wait, pending.wait)

    def _show_if_new(self, pending: Pending) -> None:
        is_told = pending.done is not None or pending.message is not None
        if self._errors or (is_told and not _same(pending, self._last)):
            self._show(self._with_how_far(pending))
        if pending.done is not None:
            self._far = pending

    def _with_how_far(self, pending: Pending) -> Pending:
        """What says only a message leaves standing how far the work has come."""
        return pending if pending.done is not None else replace(self._far, message=pending.message)

    def _failed(self, error: BaseException) -> float | Outcome:
        """Fail at once with what is worth no other try, and else when the budget is used up."""
        outcome = raised(error, self._task)
        is_fatal = not outcome.again and not isinstance(error, NoAnswer)
        if is_fatal or self._errors + 1 >= self._budget:
            return outcome
        return self._later_after(error)

    def _later_after(self, error: BaseException) -> float:
        self._errors += 1
        said = describe_error(error, limit=MOST_SHOWN_BYTES)
        message = f"check failed ({self._errors} of {self._budget} in a row): {said}"
        self._show(self._with_how_far(Pending(message=message)))
        return self._pace.after_errors(self._errors, self._draw())


def _same(one: Pending, other: Pending) -> bool:
    return (one.done, one.total, one.message, one.unit) == (
        other.done,
        other.total,
        other.message,
        other.unit,
    )


def _unfit(value: object) -> TypeError:
    return TypeError(
        f"the check returned {capped_repr(value, limit=80)}; it has to return Done(value) when the "
        "work has ended, and Pending() or None while it has not"
    )
