"""How checkpoints and steps come from a child to the store, and back: both ends of that way."""

import asyncio
import os
import threading
import time
from collections.abc import Callable

import msgspec

from offload.errors import StoreError
from offload.model import NOTHING_SAVED, Saved
from offload.worker.executors.process import frames
from offload.worker.executors.process.channel import Channel
from offload.worker.keeper import Steps
from offload.worker.work import Work

KEEP_SECONDS = 0.1
"""A checkpoint is sent at most this often. The worker stores it once a second; what a child has not
sent is lost with it, so this is the smaller part."""

_NO_VALUE = b"null"

# --- in the child


class ChildKeeper:
    """Sends what one job keeps; nothing any more when the job has ended.

    Args:
        channel: to the worker.
        stored: what earlier attempts have kept.
    """

    def __init__(self, channel: Channel, stored: frames.Stored | None) -> None:
        self.saved = _saved(stored)
        self._channel = channel
        self._pid = os.getpid()
        self._unsent: bytes | None = None
        self._sent_at = 0.0
        self._is_to_be_sent = False
        self._has_ended = False
        self._lock = threading.RLock()

    def keep(self, value: bytes) -> None:
        """Take a checkpoint; see `Keeper.keep`.

        There is no lock on the quick way. Whoever sends lays down the flag before it looks; so what
        was put there while the flag was up is seen.
        """
        self._unsent = value
        if not self._is_to_be_sent:
            self._send_soon()

    def keep_now(self, value: bytes | None, steps: Steps) -> bool:
        """Store and wait; see `Keeper.keep_now`.

        Raises:
            RuntimeError: this process is a fork of the job's.
            StoreError: the store did not take it.
        """
        if os.getpid() != self._pid:
            raise RuntimeError(
                "this process was forked from the job's own, and nothing can be kept from here; "
                "return the value, and keep it there"
            )
        if self._has_ended:
            return False
        kept = self._channel.ask(_stored(value, dict(steps)))
        if kept is not None and kept.fault:
            raise StoreError(kept.fault)
        return kept is not None and kept.is_ours

    async def keep_soon(self, value: bytes | None, steps: Steps) -> bool:
        """Store and await it; see `Keeper.keep_soon`."""
        return await asyncio.to_thread(self.keep_now, value, steps)

    def end(self) -> None:
        """Send the last checkpoint: the job has ended."""
        self._send()
        self._has_ended = True

    def _send_soon(self) -> None:
        with self._lock:
            wait = self._sent_at + KEEP_SECONDS - time.monotonic()
            if wait <= 0:
                self._send()
                return
            self._is_to_be_sent = True
            later = threading.Timer(wait, self._send)
            later.name, later.daemon = "offload checkpoint", True
            later.start()

    def _send(self) -> None:
        with self._channel.shelter, self._lock:  # SIGTERM must not take a checkpoint with it
            self._is_to_be_sent = False
            value, self._unsent = self._unsent, None
            if value is not None and not self._has_ended:
                self._sent_at = time.monotonic()
                self._channel.send(frames.Keep(msgspec.Raw(value)))


def _saved(stored: frames.Stored | None) -> Saved:
    if stored is None:
        return NOTHING_SAVED
    value = bytes(stored.value)
    return Saved(
        None if value == _NO_VALUE else value,
        {name: bytes(value) for name, value in stored.steps.items()},
    )


# --- in the worker


def stored_of(work: Work) -> frames.Stored | None:
    """Return what earlier attempts have kept, for a child; None if there is nothing."""
    saved = work.saved
    if saved.value is None and not saved.steps:
        return None
    return _stored(saved.value, saved.steps)


def heard(
    message: frames.Keep | frames.KeepNow, work: Work, say: Callable[[frames.Kept], None]
) -> None:
    """Do what a child wants: keep its checkpoint, or store something and say so.

    Args:
        message: what the child has said.
        work: what it works on.
        say: says something to the child.
    """
    if isinstance(message, frames.Keep):
        work.keep(bytes(message.value))
        return
    storing = asyncio.get_running_loop().create_task(_store(message, work, say))
    _under_way.add(storing)
    storing.add_done_callback(_under_way.discard)


async def _store(message: frames.KeepNow, work: Work, say: Callable[[frames.Kept], None]) -> None:
    saved = _saved(message.stored)
    try:
        is_ours = await work.keep_now(saved.value, tuple(saved.steps.items()))
    except StoreError as error:
        say(frames.Kept(message.number, is_ours=True, fault=str(error)))
    else:
        say(frames.Kept(message.number, is_ours))


def _stored(value: bytes | None, steps: dict[str, bytes]) -> frames.Stored:
    return frames.Stored(
        msgspec.Raw(_NO_VALUE if value is None else value),
        {name: msgspec.Raw(step) for name, step in steps.items()},
    )


_under_way: set["asyncio.Task[None]"] = set()
"""A loop holds its tasks weakly."""
