"""The client's verbs for options, many jobs, groups and queues, against a real server."""

from collections.abc import Iterator

import pytest

from offload import errors
from offload.client import Client
from tests.http.conftest import Open
from tests.http.site import ABSENT_ID, Site
from tests.support import eventually


@pytest.fixture
def server(open_site: Open) -> Site:
    return open_site(concurrency=5)


@pytest.fixture
def client(server: Site) -> Iterator[Client]:
    client = Client(server.address)
    yield client
    client.close()


def test_a_start_takes_every_option_and_a_known_key_is_the_same_job(client: Client) -> None:
    options = {"delay": "1h", "timeout": "10m", "retries": 2, "key": "k", "tags": ["x"]}

    first = client.start("add", params={"a": 1}, options=options)
    again = client.start("add", params={"a": 1}, options=options)

    assert (again["id"], again["changed"], again["retries"]) == (first["id"], False, 2)
    assert [job["id"] for job in client.list(tag="x", since="1h")] == [first["id"]]


def test_a_key_that_is_taken_is_the_error_that_it_is_here(client: Client) -> None:
    options = {"delay": "1h", "key": "k", "on_conflict": "refuse"}
    first = client.start("add", params={"a": 1}, options=options)

    with pytest.raises(errors.KeyTaken, match="belongs to job") as caught:
        client.start("add", params={"a": 1}, options=options)

    assert (caught.value.key, caught.value.job_id) == ("k", first["id"])


def test_many_are_started_each_with_its_outcome(client: Client) -> None:
    outcomes = client.start_many([{"task": "add", "params": {"a": 1}}, {"task": "ad"}])

    assert (outcomes["started"], outcomes["refused"]) == (1, 1)
    assert outcomes["items"][1]["nearest"] == ["add"]


def test_a_group_is_started_watched_tried_anew_and_cancelled(client: Client) -> None:
    started = client.start_group([{"task": "boom"}, {"task": "hold"}])
    group = started["group"]
    eventually(lambda: client.group(group)["counts"].get("failed") == 1)

    again, cancelled = client.retry_group(group), client.cancel_group(group)

    eventually(lambda: client.group(group)["done"])
    assert (again["changed"], cancelled["changed"] >= 1) == (1, True)
    assert len(client.list(group=group)) == 2


def test_a_group_that_never_was_is_the_error_that_it_is_here(client: Client) -> None:
    client.start("add", params={"a": 1})

    with pytest.raises(errors.UnknownGroup) as caught:
        client.group(ABSENT_ID)

    assert caught.value.group_id == ABSENT_ID


def test_queues_and_workers_are_listed(client: Client) -> None:
    job_id = client.start("add", params={"a": 1})["id"]
    client.wait(job_id)

    [queue], [worker] = client.queues(), client.workers()

    assert (queue["name"], queue["limit"]) == ("default", 5)
    assert worker["alive"]
