"""Ten thousand jobs that wait for work elsewhere: on few threads, with few calls, in no slot."""

import math
import threading
from pathlib import Path

import pytest

from offload import Done, Offload, Pending
from offload.model import QueueSettings
from tests.support import eventually

pytestmark = pytest.mark.slow

MANY = 10_000
LIMIT = 1_000
AT_ONCE = 3
MOST_THREADS = 16
"""Beside those that were there: the worker's own, and the few that ask."""


@pytest.mark.promise("P7", "L1")
def test_ten_thousand_wait_on_few_threads_and_hold_no_slot(tmp_path: Path) -> None:
    app = Offload(tmp_path / "many.db")
    calls: list[int] = []
    most_threads = 0
    over = threading.Event()

    @app.polling(interval=1.0)
    async def elsewhere(number: int) -> int:
        return number

    @elsewhere.check_many(limit=LIMIT)
    def look(numbers: list[int]) -> list[Done | Pending]:
        nonlocal most_threads
        calls.append(len(numbers))
        most_threads = max(most_threads, threading.active_count())
        return [Done(number) if over.is_set() else Pending() for number in numbers]

    @app.task
    async def here(number: int) -> int:
        return number

    threads_before = threading.active_count()
    group = elsewhere.map(list(range(MANY)))
    eventually(lambda: sum(calls[-MANY // LIMIT :]) == MANY, 60)
    calls_before = len(calls)
    eventually(lambda: len(calls) >= calls_before + 3 * MANY // LIMIT)

    app.set_queue(QueueSettings(limit=AT_ONCE), QueueSettings())
    others = here.map(list(range(3 * AT_ONCE)))
    assert others.results(timeout=20) == list(range(3 * AT_ONCE))
    rounds = calls[calls_before:]
    # The first round was under way and the last one is: one more than there are whole ones.
    assert len(rounds) <= math.ceil(MANY / LIMIT) * (math.ceil(sum(rounds) / MANY) + 1)
    assert most_threads <= threads_before + MOST_THREADS
    assert {state.value for state in set(app.states(group).values())} == {"waiting"}

    over.set()
    assert group.results(timeout=60) == list(range(MANY))
    app.close()
