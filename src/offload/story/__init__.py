"""The flight recorder's story of one job: its attempts, its receipts, where its time went. Pure."""

from offload.story.attempts import AttemptStory, attempts
from offload.story.receipts import Asked, Outcome, Receipt, receipts
from offload.story.sentences import receipt_sentence
from offload.story.standing import Standing, standing
from offload.story.timeline import Span, Stage, timeline

__all__ = [
    "Asked",
    "AttemptStory",
    "Outcome",
    "Receipt",
    "Span",
    "Stage",
    "Standing",
    "attempts",
    "receipt_sentence",
    "receipts",
    "standing",
    "timeline",
]
