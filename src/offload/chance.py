"""Chance, for waits that must not coincide; the `random` of a program, maybe seeded, is left be."""

import os
import random

_own = random.Random()
os.register_at_fork(after_in_child=_own.seed)

draw = _own.random
"""Draw a number from 0 up to 1; from any thread, and in each forked process another."""
