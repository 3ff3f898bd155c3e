"""Values as JSON bytes and back, exactly: the one codec of parameters, results and checkpoints.

``encoding`` and ``decoding`` do what they say, ``plain`` knows the kinds of objects, ``integers``
have no limit.
"""

from offload.values.decoding import decode, decode_untrusted, exceeds_depth
from offload.values.encoding import MAX_DEPTH, Hook, encode
from offload.values.integers import decode_int, encode_int

__all__ = [
    "MAX_DEPTH",
    "Hook",
    "decode",
    "decode_int",
    "decode_untrusted",
    "encode",
    "encode_int",
    "exceeds_depth",
]
