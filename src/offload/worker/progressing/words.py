"""What running code says in numbers and words, checked where it is said.

A number that nobody could read back would be a fault that shows far from its cause.
"""

import math
import sys
from typing import SupportsFloat

from offload.text import capped_repr, sanitise

MOST_WORDS_BYTES = 1000
"""Of a message of progress and of its unit; both are shown in lists."""

PLAIN = (int, float)
MOST = sys.float_info.max
"""A comparison with it tells infinity and NaN, and whole numbers that no float holds."""


def number(given: float) -> float:
    """Return a finite number, as it was given if it is a plain one.

    Raises:
        TypeError: it is no number.
        ValueError: it is not a finite one.
    """
    if type(given) in PLAIN and -MOST <= given <= MOST:
        return given
    if not isinstance(given, SupportsFloat):
        raise TypeError(f"progress is told in numbers, not in {capped_repr(given, limit=80)}")
    try:
        converted = float(given)
    except OverflowError:
        converted = math.inf
    if not math.isfinite(converted):
        raise ValueError(f"progress is told in finite numbers, not {capped_repr(given, limit=80)}")
    return converted


def words(given: object) -> str | None:
    """Return a few words as they can be stored and shown; of very many the first."""
    return None if given is None else sanitise(str(given), limit=MOST_WORDS_BYTES)
