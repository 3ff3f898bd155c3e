"""What every store keeps for the flight recorder: of each attempt the last word, and no more."""

import pytest

from offload.model import Cause, Deed, Record, Succeeded, Usage, Yielded
from offload.store.base import Note, Records, Worked, WorkerWas
from offload.store.recording import FIRST_DEEDS, LAST_DEEDS
from tests.store.asking import A_WORKER, Asker


def a_record(job_id: int, token: int = 1, **fields: object) -> Record:
    return Record(job_id, token, 1, 1, **fields)  # type: ignore[arg-type]


def test_a_record_comes_back_as_it_was(ask: Asker) -> None:
    job_id = ask.start_one()
    usage = Usage(pid=812, peak_memory=1 << 40, cpu_seconds=0.25, exit_code=-9, signal="SIGKILL")
    deeds = (Deed(1001.5, "SIGTERM sent", (812, 813)), Deed(1002.0, "it is gone"))
    record = a_record(job_id, usage=usage, deeds=deeds)

    ask.do(Note((record,)))

    assert ask.read(Records(job_id)) == [record]


def test_the_last_word_on_an_attempt_stands_and_what_it_used_is_not_unlearnt(ask: Asker) -> None:
    job_id = ask.start_one()
    first, second = Deed(1.0, "frozen"), Deed(2.0, "thawed")
    ask.do(Note((a_record(job_id, usage=Usage(pid=5), deeds=(first,)),)))

    ask.do(Note((a_record(job_id, deeds=(first, second)),)))

    [record] = ask.read(Records(job_id))
    assert record == a_record(job_id, usage=Usage(pid=5), deeds=(first, second))


def test_records_are_read_in_the_order_of_the_attempts(ask: Asker) -> None:
    job_id, other = ask.start(2)

    ask.do(Note((a_record(job_id, 10), a_record(other, 1), a_record(job_id, 9))))

    assert [record.token for record in ask.read(Records(job_id))] == [9, 10]


def test_of_very_many_deeds_the_first_and_the_last_are_kept(ask: Asker) -> None:
    job_id = ask.start_one()
    deeds = tuple(Deed(float(at), "frozen") for at in range(1000))

    ask.do(Note((a_record(job_id, deeds=deeds),)))

    [record] = ask.read(Records(job_id))
    assert record.deeds == deeds[:FIRST_DEEDS] + deeds[-LAST_DEEDS:]


def test_as_many_deeds_as_are_kept_stay_whole(ask: Asker) -> None:
    job_id = ask.start_one()
    deeds = tuple(Deed(float(at), "frozen") for at in range(FIRST_DEEDS + LAST_DEEDS))

    ask.do(Note((a_record(job_id, deeds=deeds),)))

    assert ask.read(Records(job_id))[0].deeds == deeds


def test_records_go_with_their_job_and_none_comes_after_it(ask: Asker) -> None:
    ask.set_queue(keep=0)
    job_id = ask.start_one()
    job = ask.claim_one()
    ask.do(Note((a_record(job_id),)))
    ask.conclude(job, Succeeded(b"1"))

    ask.prune()
    ask.do(Note((a_record(job_id),)))

    assert ask.read(Records(job_id)) == []


def test_a_job_without_records_has_none(ask: Asker) -> None:
    assert ask.read(Records(ask.start_one())) == []


def test_where_a_worker_ran_is_known_when_it_has_left(ask: Asker) -> None:
    worker = ask.enter(pid=77)
    ask.leave(worker)

    found = ask.read(Worked((worker, 999)))

    assert found == {worker: WorkerWas(A_WORKER.host, 77, A_WORKER.started_at)}


@pytest.mark.parametrize("claims", [1, 3])
def test_the_token_counts_the_claims_as_the_story_does(ask: Asker, claims: int) -> None:
    """Attempts and records are matched by it: a claim's event does not name its token."""
    ask.start_one()
    for _ in range(claims - 1):
        ask.enter()
        job = ask.claim_one()
        ask.conclude(job, Yielded(Cause.INTERRUPT))

    assert ask.claim_one().token == claims
    assert [event.kind for event in ask.history(1)].count("claimed") == claims
