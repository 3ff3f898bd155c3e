"""A job as it is shown outside: the record's fields, ready to be written as JSON.

Every door that speaks JSON shows the same shape. Parameters and results are embedded as the bytes
that are stored, so an integer of any size stays exact and nothing is read twice. Pure: a record and
an instant in, a shape out.
"""

from msgspec.json import Encoder

from offload.shapes.job import JobShape, job_shape, links, path
from offload.shapes.parts import (
    CheckpointShape,
    ErrorShape,
    EventShape,
    PauseShape,
    ProgressShape,
    UsageShape,
    error_shape,
    event_shape,
    pause_shape,
    progress_shape,
    usage_shape,
)
from offload.shapes.times import instant, maybe_instant, number

__all__ = [
    "CheckpointShape",
    "ErrorShape",
    "EventShape",
    "JobShape",
    "PauseShape",
    "ProgressShape",
    "UsageShape",
    "error_shape",
    "event_shape",
    "instant",
    "job_shape",
    "links",
    "maybe_instant",
    "number",
    "path",
    "pause_shape",
    "progress_shape",
    "usage_shape",
    "write",
]

write = Encoder().encode
"""Write a shape as JSON bytes."""
