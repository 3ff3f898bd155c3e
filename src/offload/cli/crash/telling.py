"""The receipt as a page, for people."""

from collections.abc import Sequence
from textwrap import wrap

from offload.cli import chapters
from offload.cli.crash.receipt import Facts, Promise
from offload.cli.page import in_colour

_NAME = 12
_SIGNS = {True: ("kept", "green"), False: ("BROKEN", "red")}


def page(facts: Facts, promises: Sequence[Promise], now: float) -> str:
    """Return what was promised and found, and what offload itself tells of it."""
    lines = ["", "promises"]
    lines += [line for promise in promises for line in _promise(promise)]
    lines += ["", "attempts at the simulation", *chapters.attempts(facts.attempts, now)]
    lines += ["", "attempts at the remote job", *chapters.attempts(facts.remote_attempts, now)]
    lines += ["", "receipts", *chapters.receipts(facts.receipts, now)]
    return "\n".join(lines)


def _promise(promise: Promise) -> list[str]:
    word, colour = _SIGNS[promise.is_kept]
    sign = in_colour(word, colour) + " " * (6 - len(word))
    first, *rest = wrap(promise.found, chapters.WIDTH - _NAME - 12)
    return [f"  {sign}  {promise.name:{_NAME}}  {first}"] + [
        " " * (_NAME + 12) + each for each in rest
    ]
