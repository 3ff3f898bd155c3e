"""What a worker and its child processes say to each other, and how it is written on a socket.

A frame is four bytes of length and JSON. Parameters and results are JSON already: they go into the
frame as they are, and are never taken apart on the way.
"""

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from offload.importable import Place
from offload.model import Failed, Progress, Snoozed

T = TypeVar("T")

# --- to a child


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first word: what a child has to know before it imports anything.

    Attributes:
        path: where this program looks for modules.
        argv: its arguments; a module may look at them.
        hooks: what is set up before the first job, in this order, and torn down after the last.
    """

    path: list[str]
    argv: list[str]
    hooks: tuple[Place, ...]


class Run(msgspec.Struct, frozen=True, tag="run"):
    """Run one attempt at a job.

    Attributes:
        job_id, attempt, idempotency_key: for the job's context.
        task: the task's name.
        place: where its function is.
        options: what the function's task says, if only this program knows it: it was registered
            elsewhere than in the module that it stands in.
        params: the job's parameters.
        is_timed: whether the job's time is counted, so that its begin is to be told.
        saved: what earlier attempts have kept, if there is anything.
    """

    job_id: int
    attempt: int
    idempotency_key: str
    task: str
    place: Place
    options: "Carried"
    params: msgspec.Raw
    is_timed: bool = False
    saved: "Stored | None" = None


class Carried(msgspec.Struct, frozen=True, omit_defaults=True):
    """The options of a task that a child needs, where its module does not tell them.

    Attributes:
        encode: the function that makes a result simpler.
        retry_on: the exceptions after which another attempt may follow; None is all.
    """

    encode: Place | None = None
    retry_on: tuple[Place, ...] | None = None


class Stored(msgspec.Struct, frozen=True, omit_defaults=True):
    """A checkpoint, and what steps came to.

    Attributes:
        value: the checkpoint; null if there is none. No checkpoint is null: it is an object.
        steps: by the name of each.
    """

    value: msgspec.Raw = msgspec.Raw(b"null")
    steps: dict[str, msgspec.Raw] = {}


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """What the job wanted to be stored is stored, or cannot be.

    Attributes:
        number: of the request that is answered.
        is_ours: False when the job belongs to somebody else by now; nothing was stored.
        fault: why the store did not take it; "" if it did.
    """

    number: int
    is_ours: bool
    fault: str = ""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """The running job is to stop."""


class Close(msgspec.Struct, frozen=True, tag="close"):
    """No further job comes: tear down, and end."""


ToChild = Hello | Run | Kept | Stop | Close

# --- from a child


class Told(msgspec.Struct, frozen=True, tag="told"):
    """How far the job has come."""

    progress: Progress


class Keep(msgspec.Struct, frozen=True, tag="keep"):
    """The latest checkpoint, to be stored soon."""

    value: msgspec.Raw


class KeepNow(msgspec.Struct, frozen=True, tag="keep-now"):
    """To be stored at once; the code waits for it, and `Kept` is the answer.

    Attributes:
        number: tells it from others of this child.
    """

    number: int
    stored: Stored


class Left(msgspec.Struct, frozen=True, tag="left"):
    """The job has ended and had left processes, which have been ended too."""

    pids: tuple[int, ...]


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """The code begins now; what came before was set-up and imports. Told only if there were any."""


class Value(msgspec.Struct, frozen=True, tag="value"):
    """The job succeeded with this value."""

    value: msgspec.Raw


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """The job failed.

    Attributes:
        is_last: the child is of no use any more: its hooks could not be set up.
    """

    failed: Failed
    is_last: bool = False


class Rest(msgspec.Struct, frozen=True, tag="rest"):
    """The job wants to be run again later."""

    snoozed: Snoozed


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """The job's code ended because it was told to; by SIGTERM, or because it asked."""


class Unfit(msgspec.Struct, frozen=True, tag="unfit"):
    """The child cannot import the function. Nothing of it has run."""

    why: str


Answer = Value | Failure | Rest | Stopped | Unfit
FromChild = Told | Keep | KeepNow | Left | Begun | Answer

_encode = msgspec.json.Encoder().encode
_HEAD = 4


def written(message: object) -> bytes:
    """Write a frame."""
    body = _encode(message)
    return len(body).to_bytes(_HEAD, "big") + body


class Reader:
    """Puts frames together again, whatever the pieces they arrive in."""

    def __init__(self, kind: object) -> None:
        self._decode = msgspec.json.Decoder(kind).decode
        self._pieces = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        self._pieces += data

    def frames(self) -> Iterator[object]:
        """Yield each message that is complete."""
        pieces = self._pieces
        begin = 0
        while len(pieces) >= begin + _HEAD:
            end = begin + _HEAD + int.from_bytes(pieces[begin : begin + _HEAD], "big")
            if len(pieces) < end:
                break
            message = self._decode(bytes(memoryview(pieces)[begin + _HEAD : end]))
            begin = end
            yield message
        if begin:
            del pieces[:begin]
