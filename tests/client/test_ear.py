"""One stream for all who wait: what it knows, whom it wakes, and when it ends."""

from collections.abc import Iterator

import pytest

from offload import as_completed
from offload.client import Client, ear
from offload.client.ear import Ear, Known
from offload.client.records import FarJob
from offload.client.remote import Remote
from offload.store.base import Effects
from tests.client import nasty as acts
from tests.client.nasty import Nasty, stream
from tests.client.programs import declare
from tests.support import eventually


@pytest.fixture
def job(far: Remote) -> FarJob:
    read = declare(far).add.start(1, 2).read()
    assert isinstance(read, FarJob)
    return read


@pytest.fixture
def known() -> Known:
    """Knows nothing yet, and hears everything."""
    known = Known()
    known.forget(is_live=True)
    return known


def test_what_was_read_is_known_until_something_is_heard(known: Known, job: FarJob) -> None:
    known.put([job], known.ticket([job.id]))

    assert known.among([job.id, 10**9]) == {job.id: job}
    known.heard(job.id)
    assert known.among([job.id]) == {}


def test_what_was_heard_while_it_was_read_makes_it_doubtful(known: Known, job: FarJob) -> None:
    ticket = known.ticket([job.id])
    known.heard(job.id)

    known.put([job], ticket)

    assert known.among([job.id]) == {}


def test_what_nobody_hears_is_not_known(known: Known, job: FarJob) -> None:
    ticket = known.ticket([job.id])
    known.forget(is_live=False)
    known.put([job], ticket)
    known.forget(is_live=True)
    known.put([job], ticket)

    assert known.among([job.id]) == {}


@pytest.fixture
def heard() -> list[Effects | None]:
    return []


@pytest.fixture
def listener(nasty: Nasty, heard: list[Effects | None]) -> Iterator[Ear]:
    """Listens to the nasty server, without patience."""
    client = Client(nasty.url, patience=0)
    made = Ear(client.follow, heard.append)
    yield made
    made.close()
    client.close()


def event(number: int, job_id: int) -> str:
    return f'id: {number}\ndata: {{"id": {number}, "job_id": {job_id}, "kind": "x"}}\n\n'


def test_it_tells_which_jobs_have_changed(
    nasty: Nasty, listener: Ear, heard: list[Effects | None]
) -> None:
    nasty.acts = [stream("id: 1\n\n", event(2, 7), event(3, 8))]

    with listener.listening():
        eventually(lambda: len(heard) >= 4)

    # Connected, two events, broken off: what is not known is said too.
    assert heard[:4] == [None, Effects(changed=(7,)), Effects(changed=(8,)), None]


def test_after_a_reset_everybody_looks(
    nasty: Nasty, listener: Ear, heard: list[Effects | None]
) -> None:
    reset = 'event: reset\nid: 90\ndata: {"kind": "reset", "after": 90}\n\n'
    nasty.acts = [stream(":\n\n", reset)]

    with listener.listening():
        eventually(lambda: len(heard) >= 3)

    assert heard[:3] == [None, None, None]


def test_it_listens_again_after_it_was_refused(
    nasty: Nasty, listener: Ear, heard: list[Effects | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ear, "PAUSE_SECONDS", 0.01)
    nasty.acts = [acts.problem(401, "unauthorized"), stream("id: 1\n\n", event(2, 7))]

    with listener.listening():
        eventually(lambda: Effects(changed=(7,)) in heard)


def test_it_ends_when_nobody_waits_any_more(far: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ear, "LINGER_SECONDS", 0.0)
    jobs = declare(far).add.start_many([(n, 1) for n in range(5)])
    listener = far.open().ear

    assert set(as_completed(jobs, timeout=20)) == set(jobs)
    declare(far).add.start(1, 2)  # something is told, and then it sees that nobody listens

    eventually(lambda: listener._thread is None)
