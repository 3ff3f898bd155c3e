"""Whatever a client says, the answer is no fault of the server, and a refusal is a problem."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload.values import encode
from tests.http.site import Answer, Site

pytestmark = pytest.mark.slow

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**63) - 1, 2**200, 1e300, -1e300, 5e-324]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        [
            *(
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:59:59.999999-23:59",
                "10m",
                "1e9",
                "512M",
            ),
            *("9" * 30, "\0", "existing", "fail", "default", "{a}"),
        ]
    ),
)
VALUES = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
OPTIONS = st.dictionaries(
    st.sampled_from(
        [
            *("queue", "priority", "delay", "run_at", "timeout", "deadline", "retries", "backoff"),
            *("memory", "on_crash", "key", "on_conflict", "owner", "tags", "first", "other"),
            "retain",
        ]
    ),
    VALUES | st.dictionaries(st.sampled_from(["first", "factor", "most", "jitter"]), VALUES),
    max_size=3,
)
STARTS = st.lists(
    st.fixed_dictionaries(
        {"task": st.sampled_from(["add", "words", "no"])},
        optional={"params": VALUES, "options": OPTIONS, "texts": VALUES},
    )
    | VALUES,
    max_size=3,
)


def is_sound(answer: Answer) -> bool:
    return answer.status < 400 or (answer.status < 500 and bool(answer.problem))


@settings(max_examples=120, deadline=None)
@given(options=OPTIONS)
def test_odd_options_of_a_start(site: Site, options: dict[str, Any]) -> None:
    body = {"params": {"a": 1}, "options": {"delay": "1h"} | options}

    assert is_sound(site.post("/v1/tasks/add/jobs", body))


@settings(max_examples=80, deadline=None)
@given(starts=STARTS, group=st.sampled_from([None, True, False]) | VALUES)
def test_odd_starts_of_many(site: Site, starts: list[Any], group: object) -> None:
    body = starts if group is None else {"jobs": starts, "group": group}

    answer = site.post("/v1/jobs", body)

    assert is_sound(answer)
    if answer.status in (202, 207) and isinstance(body, list):
        assert len(answer.json["items"]) == len(starts)
        assert all(item.get("status", 422) < 500 for item in answer.json["items"])


@settings(max_examples=80, deadline=None)
@given(
    said=st.dictionaries(
        st.sampled_from(
            ["state", "task", "queue", "tag", "group", "since", "limit", "cursor", "x"]
        ),
        st.text(max_size=8)
        | st.sampled_from(["0001-01-01T00:00:00+14:00", "7d", "9" * 18, "queued,failed", "1e400"]),
        max_size=3,
    )
)
def test_odd_questions_of_a_list(site: Site, said: dict[str, str]) -> None:
    query = "&".join(f"{name}={quote(value)}" for name, value in said.items())

    assert is_sound(site.get(f"/v1/jobs?{query}"))


@pytest.mark.parametrize("value", [2**53 + 1, 2**63, 1e300, True, "5", [], {}, "null"])
def test_odd_settings_of_a_queue(site: Site, value: object) -> None:
    site.start("/start/add?a=1")
    headers = {"Content-Type": "application/json"}

    answers = [
        site.ask("PATCH", "/v1/queues/default", encode({name: value}), headers)
        for name in ("limit", "capacity", "keep")
    ]

    assert [answer.problem for answer in answers] == ["invalid-parameters"] * 3
