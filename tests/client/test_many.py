"""What is sent for many jobs, request after request, and what is sent again."""

import json
from typing import Any

import pytest

from offload import Job, Tally, errors
from offload.client import Client
from offload.client import remote as far
from offload.client.remote import Remote
from tests.client import nasty as acts
from tests.client.nasty import Nasty, good, problem


def done(changed: int, cursor: str | None = None, **refused: int) -> acts.Act:
    """Answer with counts."""
    matched = changed + sum(refused.values())
    counts = {"preview": False, "matched": matched, "changed": changed, "unchanged": 0}
    named = {name.replace("_", "-"): count for name, count in refused.items()}
    return good({**counts, "refused": named, "next_cursor": cursor})


def sent(nasty: Nasty) -> list[Any]:
    return [json.loads(each.body) for each in nasty.asked]


def test_one_call_follows_the_cursors_and_adds_up(nasty: Nasty) -> None:
    app = Remote(server=nasty.url)
    nasty.acts = [done(10, "90", not_pausable=2), done(0, "50"), done(3, not_pausable=1)]

    tally = app.jobs(states=["queued", "running"], group=3, since=0.25).pause("lunch")

    assert tally == Tally(matched=16, changed=13, refused={errors.NotPausable: 3})
    asked = {
        "filter": {
            "state": "queued,running",
            "group": "3",
            "since": "1970-01-01T00:00:00.250000+00:00",
        },
        "reason": "lunch",
    }
    assert sent(nasty) == [asked, asked | {"cursor": "90"}, asked | {"cursor": "50"}]
    assert set(nasty.paths) == {"/v1/jobs/pause"}
    app.close()


def test_the_client_tells_of_each_request(nasty: Nasty, client: Client) -> None:
    nasty.acts = [done(10, "90"), done(3)]

    told = list(client.of_many("retry", {"task": "mow"}, preview=True))

    assert [each["changed"] for each in told] == [10, 3]
    assert sent(nasty)[0] == {"filter": {"task": "mow"}, "preview": True}


def test_more_ids_than_one_request_may_have_are_sent_in_several(
    nasty: Nasty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far, "MOST_IDS", 2)
    app = Remote(server=nasty.url)
    nasty.acts = [done(2), done(1)]

    assert app.jobs(ids=[5, 6, 5, 7]).cancel().changed == 3
    assert sent(nasty) == [{"filter": {"ids": [5, 6]}}, {"filter": {"ids": [7]}}]
    app.close()


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume"])
def test_what_is_then_so_already_is_asked_of_many_again(nasty: Nasty, verb: str) -> None:
    app = Remote(server=nasty.url)
    nasty.acts = [acts.drop, done(1, "9"), acts.cut_off, done(2)]

    assert getattr(app.jobs(), verb)().changed == 3
    assert [each.get("cursor") for each in sent(nasty)] == [None, None, "9", "9"]
    app.close()


def test_a_retry_of_many_that_may_have_happened_is_never_sent_twice(nasty: Nasty) -> None:
    app = Remote(server=nasty.url)
    nasty.acts = [acts.drop, done(2)]

    with pytest.raises(errors.StoreUncertain, match="look at it before you ask again"):
        app.jobs().retry()

    assert len(nasty.asked) == 1
    app.close()


def test_a_retry_of_many_that_only_counts_is_sent_again(nasty: Nasty) -> None:
    app = Remote(server=nasty.url)
    nasty.acts = [acts.drop, done(2)]

    assert app.jobs().retry(preview=True).changed == 2
    app.close()


def test_an_amendment_is_sent_again_after_a_lost_answer(nasty: Nasty) -> None:
    app = Remote(server=nasty.url)
    nasty.acts = [acts.drop, good({"id": 7, "changed": True})]

    assert Job[Any](7, app).amend(priority=3, run_at=0.5) is True

    first, again = nasty.asked
    assert (first.method, first.path, first.body) == (again.method, again.path, again.body)
    assert (first.method, first.path) == ("PATCH", "/v1/jobs/7")
    assert json.loads(first.body) == {
        "priority": 3,
        "run_at": "1970-01-01T00:00:00.500000+00:00",
    }
    app.close()


def test_a_job_that_a_worker_has_cannot_be_altered(nasty: Nasty) -> None:
    app = Remote(server=nasty.url)
    nasty.acts = [problem(409, "not-amendable", id=7)]

    with pytest.raises(errors.NotAmendable) as refused:
        Job[Any](7, app).amend(priority=3)

    assert refused.value.job_id == 7
    app.close()


def test_a_list_has_every_filter_of_the_server(nasty: Nasty, client: Client) -> None:
    nasty.acts = [good({"items": [], "next_cursor": None})]

    client.list(
        state="failed", task="mow", queue="q", tag="t", group=3, since="24h", worker=4,
        text='error:"no luck"', limit=7, cursor="9",
    )  # fmt: skip

    assert nasty.paths == [
        "/v1/jobs?state=failed&task=mow&queue=q&tag=t&group=3&since=24h&worker=4"
        "&q=error%3A%22no+luck%22&limit=7&cursor=9"
    ]
