"""Values survive the round trip over HTTP exactly."""

import pytest

from offload.values import decode, encode
from tests.http.site import Site

VALUES = [
    0,
    -1,
    2**53 + 1,
    2**63,
    2**64,
    -(2**64) - 1,
    2**4000,
    10**5000,
    0.1,
    -0.0,
    1e308,
    5e-324,
    None,
    True,
    False,
    "",
    "Zoë 😀",
    '<script>alert("1")</script>',
    "\u2028\u2029\0\x1f\x7f\ufeff",
    "e\u0301 ≠ é",
    [],
    {},
    [[], {}, [None, [False, 0, "", -0.0]]],
    {"": {"a b": {"ä": [1, {"deep": [2**200, "x"]}]}}},
    {"__proto__": 1, "constructor": {"prototype": []}},
]


def _short(value: object) -> str:
    """A name for a test; Python itself writes no integer of more than 4,300 digits."""
    return encode(value).decode()[:30]


@pytest.mark.promise("S8")
@pytest.mark.parametrize("value", VALUES, ids=_short)
def test_a_value_survives_the_round_trip_byte_for_byte(site: Site, value: object) -> None:
    sent = encode(value)

    job_id = site.finished("/start/echo", {"value": value})

    assert site.get(f"/v1/jobs/{job_id}/result").body == sent
    assert site.get(f"/result?id={job_id}").body.endswith(b'"result":' + sent + b"}")
    shown = site.get(f"/v1/jobs/{job_id}").body
    assert b'"params":{"value":' + sent + b"}" in shown
    assert b'"result":' + sent in shown
    assert encode(decode(sent)) == sent


@pytest.mark.promise("S7", "S8")
@pytest.mark.parametrize("text", ["null", "0", "false", '""', "[]"])
def test_an_empty_value_is_a_result_and_no_absence_of_one(site: Site, text: str) -> None:
    job_id = site.finished("/start/echo", {"value": decode(text)})

    answer = site.get(f"/result?id={job_id}")

    assert answer.status == 200
    assert answer.json["result"] == decode(text)
    assert site.get(f"/v1/jobs/{job_id}/result").body == text.encode()


@pytest.mark.promise("S8")
def test_a_value_of_a_mebibyte_survives_the_round_trip(site: Site) -> None:
    value = {"rows": [[n, n * 0.5, "ü" * 10] for n in range(20_000)]}

    job_id = site.finished("/start/echo", {"value": value})

    assert site.get(f"/v1/jobs/{job_id}/result").body == encode(value)


@pytest.mark.promise("S8")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20", 20),
        ("-0", 0),
        ("007", "007"),
        ("1e3", 1000.0),
        ("null", None),
        ("true", True),
        ("%22true%22", "true"),
        ("Zo%C3%AB+%F0%9F%98%80", "Zoë 😀"),
        ("a%2Bb%26c%3Dd", "a+b&c=d"),
        ("", ""),
        ("9" * 5000, 10**5000 - 1),
    ],
    ids=_short,
)
def test_text_of_a_query_is_read_as_a_json_scalar_if_it_is_one(
    site: Site, text: str, value: object
) -> None:
    job_id = site.finished(f"/start/echo?value={text}")

    result = site.get(f"/v1/jobs/{job_id}/result").json

    assert (type(result), result) == (type(value), value)
