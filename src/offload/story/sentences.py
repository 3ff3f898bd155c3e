"""A receipt in one sentence, with times relative to its beginning, so that it reads everywhere."""

from collections.abc import Iterator

from offload.model import Deed
from offload.story.receipts import Asked, Outcome, Receipt

MOST_PIDS = 4

_CAME_TRUE = {
    Asked.CANCEL: "cancelled",
    Asked.PAUSE: "paused",
    Asked.RESUME: "it goes on",
    Asked.TIMEOUT: "its code stood still",
    Asked.DEADLINE: "its code stood still",
    Asked.MEMORY: "its code stood still",
    Asked.INTERRUPT: "back in the queue",
}

_ELSE = {
    Outcome.WITHDRAWN: "withdrawn",
    Outcome.REFUSED: "refused",
    Outcome.OVERRULED: "a cancel went before it",
}

_HOW = {"succeeded": "succeeded", "failed": "failed", "stopped": "was cancelled"}


def receipt_sentence(receipt: Receipt) -> str:
    """Say what was done and what came of it: `SIGTERM sent to 3 processes after 1.0 s; …`."""
    return "; ".join([*_deeds(receipt), _end(receipt)])


def _deeds(receipt: Receipt) -> Iterator[str]:
    for deed in receipt.deeds:
        yield f"{_done(deed)} {_after(deed.at - receipt.asked_at)}"


def _done(deed: Deed) -> str:
    """Name what was done, and to which processes: the first ones, where there are many."""
    if not deed.pids:
        return deed.what
    named = ", ".join(map(str, deed.pids[:MOST_PIDS]))
    more = len(deed.pids) - MOST_PIDS
    return f"{deed.what} (pid {named}{f' and {more} more' if more > 0 else ''})"


def _end(receipt: Receipt) -> str:
    if receipt.outcome is Outcome.PENDING or receipt.seconds is None:
        return "not yet so"
    after = _after(receipt.seconds)
    if receipt.outcome is Outcome.FINISHED_FIRST:
        how = _HOW.get(receipt.ended or "", "ended")
        return f"the job {how} first, {after}"
    if receipt.outcome is Outcome.DONE:
        at_once = "at once" if not receipt.deeds and receipt.seconds == 0 else after
        return f"{_came_true(receipt)} {at_once}"
    refused = receipt.outcome is Outcome.REFUSED and receipt.reason
    return f"{_ELSE[receipt.outcome]} {after}" + (f": {receipt.reason}" if refused else "")


def _came_true(receipt: Receipt) -> str:
    if receipt.asked is Asked.PAUSE and receipt.ended == "held":
        return "held"
    if receipt.asked is Asked.RESUME and receipt.ended == "released":
        return "back in the queue"
    return _CAME_TRUE[receipt.asked]


def _after(seconds: float) -> str:
    """Return a short time exactly and a long one in round figures."""
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"after {round(seconds * 1000)} ms"
    if seconds < 60:
        return f"after {seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"after {minutes} min {rest} s"
