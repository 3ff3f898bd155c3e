"""What is sent again, what never is, and what is said when it is enough."""

import json
import socket
import threading
import time

import pytest

from offload import errors
from offload.client import Client
from offload.client.remote import Remote
from offload.client.repeating import LONGEST_PAUSE, Pauses
from tests.client import nasty as acts
from tests.client.conftest import Open
from tests.client.nasty import Nasty, good, problem
from tests.client.programs import declare
from tests.http.site import Site

STARTED = {"id": 7, "task": "mow", "state": "queued"}


@pytest.mark.parametrize(
    "broken",
    [acts.drop, acts.cut_off, acts.raw(b"garbage\r\n\r\n", closes=True), acts.page(502)],
    ids=["dropped", "cut off", "garbage", "bad gateway"],
)
def test_a_reading_request_is_sent_again_after_a_lost_answer(
    nasty: Nasty, client: Client, broken: acts.Act
) -> None:
    nasty.acts = [broken, broken, good({"id": 7})]

    assert client.status(7) == {"id": 7}
    assert nasty.paths == ["/v1/jobs/7"] * 3


def test_a_start_is_sent_again_with_the_same_key(nasty: Nasty, client: Client) -> None:
    nasty.acts = [acts.drop, acts.cut_off, good(STARTED), good(STARTED)]

    client.start("mow", [("a", "1"), ("a", "2")], {"priority": 3})
    client.start("mow", params={"a": 2**70}, key="my-key")

    first, again, once_more, other = nasty.asked
    assert first.path == "/v1/tasks/mow/jobs"
    assert json.loads(first.body) == {"texts": {"a": ["1", "2"]}, "options": {"priority": 3}}
    assert first.body == again.body == once_more.body
    assert nasty.keys[0] == nasty.keys[1] == nasty.keys[2] != "my-key"
    assert nasty.keys[3] == "my-key"
    assert json.loads(other.body) == {"params": {"a": 2**70}, "options": {}}


def passed_on(nasty: Nasty, site: Site, *, is_lost: bool) -> acts.Act:
    """Hand the request to a real server, and its answer back, unless that is lost on the way."""

    def act(connection: socket.socket) -> None:
        asked = nasty.asked[-1]
        answer = site.second().ask(asked.method, asked.path, asked.body, _telling(asked.headers))
        if is_lost:
            acts.drop(connection)
        else:
            acts.answer(answer.status, answer.json)(connection)

    return act


def _telling(headers: dict[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in ("content-type", "idempotency-key") if name in headers}


@pytest.mark.parametrize("count", [1, 3])
def test_a_start_whose_answer_was_lost_is_stored_once(
    nasty: Nasty, open_site: Open, count: int
) -> None:
    site = open_site(work=False)
    app = Remote(server=nasty.url)
    add = declare(app).add
    lost, heard = (passed_on(nasty, site, is_lost=is_lost) for is_lost in (True, False))
    nasty.acts = [lost, lost, heard]

    jobs = add.start_many([(n, 1) for n in range(count)])

    stored = site.app.list()
    assert [job.id for job in jobs] == sorted(job.id for job in stored)
    assert len(stored) == count
    assert len(nasty.asked) == 3
    app.close()


def test_every_start_has_a_key_of_its_own(nasty: Nasty, client: Client) -> None:
    nasty.acts = [good(STARTED)] * 2 + [good({"group": 1, "jobs": [7]})]

    client.start("mow")
    client.start("mow")
    client.start_group([{"task": "mow"}])

    assert len(set(nasty.keys)) == 3
    assert None not in nasty.keys


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume"])
def test_what_is_then_so_already_is_asked_again(nasty: Nasty, client: Client, verb: str) -> None:
    nasty.acts = [acts.drop, good({"id": 7, "changed": False})]

    assert getattr(client, verb)(7)["changed"] is False
    assert nasty.paths == [f"/v1/jobs/7/{verb}"] * 2


def test_a_retry_that_may_have_happened_is_never_sent_twice(nasty: Nasty, client: Client) -> None:
    nasty.acts = [acts.drop, good({"id": 7})]

    with pytest.raises(errors.StoreUncertain, match="look at it before you ask again"):
        client.retry(7)

    assert len(nasty.asked) == 1


def test_a_retry_never_goes_over_a_connection_that_was_kept(nasty: Nasty, client: Client) -> None:
    nasty.acts = [good({"id": 7}), good({"id": 7})]

    client.status(7)
    client.retry(7)

    assert [each.connection for each in nasty.asked] == [1, 2]


def test_a_connection_is_kept_for_what_may_be_repeated(nasty: Nasty, client: Client) -> None:
    nasty.acts = [good({"id": 7})] * 3

    for _ in range(3):
        client.status(7)

    assert [each.connection for each in nasty.asked] == [1, 1, 1]


@pytest.mark.parametrize("name", ["draining", "store-unavailable", "too-many-connections"])
def test_what_the_server_has_not_done_is_always_asked_again(
    nasty: Nasty, client: Client, name: str
) -> None:
    nasty.acts = [problem(503, name), good({"id": 7})]

    assert client.retry(7) == {"id": 7}


def test_the_server_says_when_to_come_back(nasty: Nasty, client: Client) -> None:
    nasty.acts = [problem(503, "draining", retry_after="1"), good({"id": 7})]
    begun_at = time.monotonic()

    client.status(7)

    assert time.monotonic() - begun_at >= 1


def test_a_time_that_is_too_far_is_not_waited_for(nasty: Nasty, client: Client) -> None:
    nasty.acts = [problem(503, "draining", retry_after="3600")]

    with pytest.raises(errors.Draining) as refused:
        client.start("mow")

    assert vars(refused.value)["retry_after"] == 3600


def test_a_full_queue_is_told_at_once(nasty: Nasty, client: Client) -> None:
    nasty.acts = [problem(429, "queue-full", retry_after="1", queue="default", capacity=10)]

    with pytest.raises(errors.QueueFull) as full:
        client.start("mow")

    assert (full.value.queue, full.value.capacity) == ("default", 10)
    assert vars(full.value)["retry_after"] == 1
    assert len(nasty.asked) == 1


def test_a_limit_of_this_client_passes(nasty: Nasty, client: Client) -> None:
    nasty.acts = [problem(429, "too-many-starts", retry_after="0"), good(STARTED)]

    assert client.start("mow")["id"] == 7


@pytest.mark.parametrize(
    "refusal",
    [problem(404, "unknown-job", id=7), problem(500, "internal-error"), problem(409, "evicted")],
    ids=["unknown", "internal", "evicted"],
)
def test_a_refusal_is_not_argued_with(nasty: Nasty, client: Client, refusal: acts.Act) -> None:
    nasty.acts = [refusal, good({"id": 7})]

    with pytest.raises(errors.OffloadError):
        client.status(7)

    assert len(nasty.asked) == 1


def test_the_patience_has_an_end(nasty: Nasty) -> None:
    nasty.acts = [acts.drop] * 100
    impatient = Client(nasty.url, patience=0.5)
    begun_at = time.monotonic()

    with pytest.raises(errors.StoreUnavailable, match=r"127\.0\.0\.1.*look whether it runs"):
        impatient.status(7)

    assert 2 <= len(nasty.asked) < 10
    assert time.monotonic() - begun_at < 2
    impatient.close()


@pytest.mark.parametrize("act", [acts.silence(30), acts.trickle], ids=["silent", "trickling"])
def test_an_answer_is_not_waited_for_for_ever(nasty: Nasty, act: acts.Act) -> None:
    nasty.acts = [act]
    impatient = Client(nasty.url, timeout=0.1, patience=0)
    begun_at = time.monotonic()

    with pytest.raises(errors.StoreUnavailable, match=r"did not answer within 0\.1 s"):
        impatient.status(7)

    assert time.monotonic() - begun_at < 5
    impatient.close()


def test_a_server_that_was_never_there_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}", patience=60)
    begun_at = time.monotonic()

    with pytest.raises(errors.StoreUnavailable, match="start one with `offload serve`"):
        client.status(7)

    assert time.monotonic() - begun_at < 5


def test_a_server_that_was_there_is_waited_for() -> None:
    first = Nasty()
    first.acts = [good({"id": 7})]
    client = Client(first.url, patience=20)
    client.status(7)
    first.close()
    port = int(first.url.rpartition(":")[2])
    found: list[object] = []
    asking = threading.Thread(target=lambda: found.append(client.status(7)))

    asking.start()
    asking.join(0.3)  # by then it was refused
    assert asking.is_alive()
    again = Nasty(port)
    again.acts = [good({"id": 7, "state": "queued"})]
    asking.join(20)

    assert found == [{"id": 7, "state": "queued"}]
    client.close()
    again.close()


def test_closing_ends_the_patience(nasty: Nasty) -> None:
    nasty.acts = [problem(503, "draining", retry_after="30")]
    client = Client(nasty.url, patience=60)
    refused: list[BaseException] = []

    def ask() -> None:
        try:
            client.status(7)
        except errors.OffloadError as error:
            refused.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not nasty.asked:
        asking.join(0.01)
    client.close()
    asking.join(10)

    assert [type(each) for each in refused] == [errors.Draining]


def test_pauses_grow_and_are_left_to_chance() -> None:
    drawn = [Pauses(1000, lambda: 0.0, lambda: 0.0), Pauses(1000, lambda: 0.0, lambda: 1.0)]

    least, most = ([pauses.next() or 0 for _ in range(9)] for pauses in drawn)

    assert least[:3] == [0.05, 0.1, 0.2]
    assert most[:3] == [0.1, 0.2, 0.4]
    assert most[-1] == LONGEST_PAUSE


def test_no_pause_goes_beyond_the_patience() -> None:
    now = 0.0
    pauses = Pauses(1.0, lambda: now)

    assert pauses.next(at_least=0.5) is not None
    assert pauses.next(at_least=2.0) is None
