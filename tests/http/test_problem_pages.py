"""The address in a problem's type leads to what it means and what to do."""

import re

import pytest

from offload.wire.explaining import EXPLANATIONS
from offload.wire.problems import KINDS
from tests.http.conftest import Open
from tests.http.site import Site


def test_every_kind_of_problem_is_explained_and_no_other() -> None:
    assert set(EXPLANATIONS) == set(KINDS)
    for explained in EXPLANATIONS.values():
        assert explained.cause.endswith(".")
        assert explained.remedy.endswith(".")


def test_the_type_of_a_refusal_is_an_address_that_explains_it(site: Site) -> None:
    refusal = site.get("/v1/jobs/999999999").json

    told = site.get(refusal["type"])

    assert told.status == 200
    assert told.json["type"] == refusal["type"] == "/problems/unknown-job"
    assert told.json["title"] == refusal["title"]
    assert told.json["cause"] == EXPLANATIONS["unknown-job"].cause
    assert told.json["retry_after"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_is_given_a_page(site: Site, kind: str) -> None:
    answer = site.get(f"/problems/{kind}", Accept="text/html,*/*;q=0.8")

    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["vary"] == "accept"
    assert KINDS[kind].title in page.replace("&#x27;", "'")
    assert "`" not in page
    assert re.search(r"<h2>What to do</h2>\n<p>\S", page)


def test_what_is_no_kind_of_problem_is_not_found(site: Site) -> None:
    answer = site.get("/problems/no-such-thing", Accept="text/html")

    assert answer.problem == "not-found"


def test_nobody_needs_a_token_to_read_why_a_token_is_needed(open_site: Open) -> None:
    site = open_site(token="t0ken", work=False)
    site.token = ""

    refusal = site.get("/v1/jobs")

    assert refusal.problem == "unauthorized"
    assert site.get(refusal.json["type"]).json["status"] == 401
