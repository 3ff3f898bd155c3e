"""A lane as it stands in a job's row: text that is equal where the lanes are."""

import msgspec

from offload.model import Lane

_PLAINEST = Lane()
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(Lane).decode


def lane_of(text: str) -> Lane:
    """Read a lane."""
    return _decode(text) if text else _PLAINEST


def lane_text(lane: Lane) -> str:
    """Write a lane; the plainest, in which most jobs are, is no text at all."""
    return "" if lane == _PLAINEST else _encode(lane).decode()
