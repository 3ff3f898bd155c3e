"""Streams: what is told, once each and in order, whatever happens to the connection."""

import json
import threading
from typing import Any

import pytest

from offload import errors
from offload.client import Client
from offload.client.remote import Remote
from tests.client import nasty as acts
from tests.client.nasty import Nasty, problem, stream
from tests.client.programs import declare
from tests.http.site import ABSENT_ID, Site


def event(number: int, **more: Any) -> str:
    told = {"id": number, "job_id": 7, "kind": "started", "state": "running", **more}
    return f"id: {number}\ndata: {json.dumps(told)}\n\n"


def ids(told: list[Any]) -> list[Any]:
    return [each.get("id") for each in told]


def test_a_stream_goes_on_after_a_break_where_it_was(nasty: Nasty, client: Client) -> None:
    nasty.acts = [
        stream("retry: 2000\nid: 3\n\n", event(4), event(5)),
        stream("id: 5\n\n", event(6), 'id: 7\ndata: {"id": 7, "job'),  # cut off
        acts.drop,
        stream("id: 6\n\n", event(7)),
        acts.nothing_more(),
    ]

    told = list(client.follow(7))

    assert ids(told) == [4, 5, 6, 7]
    assert [each.headers.get("last-event-id") for each in nasty.asked] == [None, "5", "6", "6", "7"]
    assert {each.headers["accept"] for each in nasty.asked} == {"text/event-stream"}


def test_progress_and_resets_are_told_in_between(nasty: Nasty, client: Client) -> None:
    progress = 'event: progress\ndata: {"kind": "progress", "job_id": 7}\n\n'
    reset = 'event: reset\nid: 90\ndata: {"kind": "reset", "after": 90}\n\n'
    nasty.acts = [stream(":\n\n", progress, reset, event(91)), acts.nothing_more()]

    following = client.follow(after=2)

    assert [each["kind"] for each in following] == ["progress", "reset", "started"]
    assert following.last_id == 91
    assert nasty.asked[0].headers["last-event-id"] == "2"


def test_a_stream_can_be_of_some_jobs_only(nasty: Nasty, client: Client) -> None:
    nasty.acts = [acts.nothing_more()]

    assert list(client.follow(task="a b", group=3)) == []
    assert nasty.paths == ["/v1/events?task=a+b&group=3"]


def test_where_there_are_too_many_streams_it_is_tried_again(nasty: Nasty, client: Client) -> None:
    nasty.acts = [
        problem(429, "too-many-streams", retry_after="0"),
        problem(503, "draining", retry_after="0"),
        stream(event(1)),
        acts.nothing_more(),
    ]

    assert ids(list(client.follow())) == [1]


def test_what_is_refused_is_raised(nasty: Nasty, client: Client) -> None:
    nasty.acts = [problem(410, "evicted", id=7)]

    with pytest.raises(errors.Evicted):
        list(client.follow(7))


@pytest.mark.parametrize("act", [acts.page(200), acts.answer(200, {"items": []})])
def test_what_is_no_stream_is_no_stream(nasty: Nasty, act: acts.Act) -> None:
    nasty.acts = [act]
    client = Client(nasty.url, patience=0)

    with pytest.raises(errors.OffloadError, match=r"no offload server|in place of a stream"):
        list(client.follow())
    client.close()


@pytest.mark.parametrize("content", ["data: {\n\n", "data: 7\n\n"])
def test_what_cannot_be_read_is_asked_for_again(nasty: Nasty, client: Client, content: str) -> None:
    nasty.acts = [stream(event(1), content), stream(event(2)), acts.nothing_more()]

    assert ids(list(client.follow())) == [1, 2]


def test_the_patience_of_a_stream_has_an_end(nasty: Nasty) -> None:
    nasty.acts = [acts.drop] * 100
    client = Client(nasty.url, patience=0.5)

    with pytest.raises(errors.StoreUnavailable):
        list(client.follow())

    assert len(nasty.asked) >= 2
    client.close()


def test_a_stream_that_is_closed_ends_at_once(far: Remote) -> None:
    following = far.open().client.follow()
    seen: list[Any] = []
    reading = threading.Thread(target=lambda: seen.extend(following))

    reading.start()
    while not following.is_connected:
        reading.join(0.01)
    following.close()
    reading.join(5)

    assert not reading.is_alive()


def test_the_story_of_a_real_job_is_told_until_its_end(site: Site, far: Remote) -> None:
    client = Client(site.address)
    job = declare(far).add.start(1, 2)

    told = [each for each in client.follow(job.id, after=0) if each["kind"] != "progress"]

    assert told == client.history(job.id)
    assert told[-1]["state"] == "succeeded"
    with pytest.raises(errors.UnknownJob):
        list(client.follow(ABSENT_ID))
    client.close()
