"""Public helpers for tests: a clock that is moved by hand, a loop on virtual time, a store in line.

Nothing in offload imports this room. What runs here is the real store and the real worker; only
time, threads and other processes are simulated, so that a test waits for nothing and the same
seed gives the same run.
"""

from offload.testing.clock import FakeClock
from offload.testing.loop import Deadlock, Livelock, Process, Strand, VirtualClock, VirtualLoop
from offload.testing.mailbox import InlineMailbox
from offload.testing.sqlite import connect_without_fsync

__all__ = [
    "Deadlock",
    "FakeClock",
    "InlineMailbox",
    "Livelock",
    "Process",
    "Strand",
    "VirtualClock",
    "VirtualLoop",
    "connect_without_fsync",
]
