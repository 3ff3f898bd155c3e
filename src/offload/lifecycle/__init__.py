"""The life of a job: every state, every move, every rule about them.

Nothing here reads a clock, a database or the network: facts come in, a decision goes out. The
store applies a decision only if the row is still the one it was made from, so a rule never has to
think about races. The table of moves in the shape of h11's `_state.py`.

    moves    the states and what leads from where to where
    asking   what somebody outside wants: cancel, pause, resume, complete, retry
    amending what can be altered before it begins: priority, queue, tags, instant
    owning   what a job's worker makes of it: claimed, waiting, standing still, going on
    ending   what the outcome of an attempt makes of it
    shown    what people are told
"""

from offload.lifecycle.amending import AMENDED, Amendment, amend, amended_in_words
from offload.lifecycle.asking import complete, request, retry
from offload.lifecycle.ending import MAX_CRASHES, conclude, expire, left_behind, lose
from offload.lifecycle.moves import (
    CANCEL_REQUESTED,
    COMPLETED,
    MOVES,
    PAUSE_REFUSED,
    PAUSE_REQUESTED,
    PAUSE_WITHDRAWN,
    RESUME_REQUESTED,
    RESUME_WITHDRAWN,
    Move,
    paused_seconds,
)
from offload.lifecycle.owning import claim, pause, refuse_pause, resume, wait
from offload.lifecycle.shown import Shown, shown_state

__all__ = [
    "AMENDED",
    "CANCEL_REQUESTED",
    "COMPLETED",
    "MAX_CRASHES",
    "MOVES",
    "PAUSE_REFUSED",
    "PAUSE_REQUESTED",
    "PAUSE_WITHDRAWN",
    "RESUME_REQUESTED",
    "RESUME_WITHDRAWN",
    "Amendment",
    "Move",
    "Shown",
    "amend",
    "amended_in_words",
    "claim",
    "complete",
    "conclude",
    "expire",
    "left_behind",
    "lose",
    "pause",
    "paused_seconds",
    "refuse_pause",
    "request",
    "resume",
    "retry",
    "shown_state",
    "wait",
]
