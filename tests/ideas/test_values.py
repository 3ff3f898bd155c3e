"""Values come back exactly as they went in, or are refused with their place; nothing in between."""

import collections
import contextlib
import datetime
import enum
import json
import math
import struct
import uuid
from typing import Any

import numpy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from offload.errors import NotSerializable, Undecodable
from offload.text import capped_repr
from offload.values import (
    MAX_DEPTH,
    decode,
    decode_untrusted,
    encode,
    encode_int,
    exceeds_depth,
)

NAN = float("nan")
INF = float("inf")

texts = st.text()
integers = st.integers() | st.integers(-(2**70), 2**70) | st.builds(pow, st.just(7), st.just(9000))
floats = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda parts: st.lists(parts) | st.dictionaries(texts, parts),
    max_leaves=20,
)
ordinary = settings(deadline=None)


def same(one: object, other: object) -> bool:
    """Whether two plain values are equal in type, sign of zero and order of keys too."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and same(list(one.values()), list(other.values()))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("d", one) == struct.pack("d", other)
    return one == other


def nested(depth: int) -> object:
    """A number inside so many lists and dicts, by turns."""
    value: object = 1
    for level in range(depth):
        value = [value] if level % 2 else {"k": value}
    return value


def refusal(value: object, **options: Any) -> NotSerializable:
    """How `encode` refuses a value."""
    with pytest.raises(NotSerializable) as caught:
        encode(value, **options)
    return caught.value


# ---- what comes back ------------------------------------------------------------------------


@pytest.mark.promise("S8")
@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        "",
        [],
        {},
        0.0,
        -0.0,
        1e308,
        5e-324,
        2.2250738585072014e-308,
        0.1 + 0.2,
        2**53 + 1,
        2**63,
        2**64,
        -(2**64),
        2**4000,
        -(2**4000),
        10**4299,
        10**4300,
        -(10**4300),
        3**30_000,
        "Zoë 😀",
        "\x00",
        "a\x00b\x1f\x7f\u2028\ufeff\uffff",
        '"\\/\b\f\n\r\t',
        {"": 1, "\x00": 2, "Zoë 😀": 3},
        {"b": 1, "a": 2},
        {"deep": [{"er": [[], {}, [None, [-0.0, 2**4000]]]}]},
    ],
    ids=capped_repr,
)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    back = decode(encode(value))

    assert same(back, value)


@pytest.mark.slow
@pytest.mark.promise("S8")
@given(values)
@ordinary
def test_any_plain_value_comes_back_as_it_was(value: object) -> None:
    written = encode(value)

    assert same(decode(written), value)
    assert same(decode(written.decode()), value)
    assert same(decode_untrusted(written), value)


@pytest.mark.slow
@pytest.mark.promise("S8")
@given(values)
@ordinary
def test_a_value_is_the_same_whether_looked_at_quickly_or_closely(value: object) -> None:
    quick = encode([value, 0.5])
    close = encode([value, numpy.float64(0.5)])

    assert quick == close


@pytest.mark.promise("S8")
@given(st.binary(min_size=8, max_size=8))
@ordinary
def test_every_float_is_exact_and_read_alike_by_both_readers(raw: bytes) -> None:
    (number,) = struct.unpack("d", raw)
    value = number if math.isfinite(number) else 0.0
    written = encode(value)

    assert same(decode(written), value)
    assert same(decode_untrusted(written), value)
    assert written.decode() == encode([value]).decode().strip("[]")


@given(st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?\Z"))
@example("1" * 5000 + "e-4990")
@example("9007199254740993.00000000000000000000000000000000000000001")
@ordinary
def test_both_readers_read_every_number_alike(text: str) -> None:
    try:
        quick = decode(text)
    except Undecodable:
        with pytest.raises(Undecodable):
            decode_untrusted(text)
    else:
        assert same(quick, decode_untrusted(text))
        assert same(quick, json.loads(text))


def test_tuples_and_named_tuples_come_back_as_lists() -> None:
    pair = collections.namedtuple("pair", "a b")

    assert decode(encode((1, (2, ())))) == [1, [2, []]]
    assert decode(encode({"pair": pair(1, numpy.int64(2))})) == {"pair": [1, 2]}


# ---- what is refused ------------------------------------------------------------------------


@pytest.mark.promise("S8")
@pytest.mark.parametrize("number", [NAN, INF, -INF, numpy.float32("nan"), numpy.float64("inf")])
@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda number: number, "$"),
        (lambda number: {"loss": [0.1, 0.2, 0.3, number]}, "$.loss[3]"),
        (lambda number: ({"odd key": {"x": number}},), '$[0]["odd key"].x'),
        (lambda number: {'"\n': number}, '$["\\"\\n"]'),
        (lambda number: {"": number}, '$[""]'),
        (lambda number: {"0": {"é": number}}, '$["0"].é'),
        (lambda number: {"\x00": number}, '$["\\\\x00"]'),
    ],
)
def test_a_number_that_json_lacks_is_refused_with_its_place(
    number: float, wrap: Any, path: str
) -> None:
    error = refusal(wrap(number))

    assert error.path == path
    assert "is not a number that JSON can carry" in error.problem
    assert str(number) in error.problem


@pytest.mark.parametrize("text", ["\ud800", "a\udc00b", "\ude00\ud83d"])
def test_half_a_surrogate_pair_is_refused_in_values_and_keys(text: str) -> None:
    in_value = refusal({"a": [text]})
    in_key = refusal({"a": {text: 1}})

    assert in_value.path == "$.a[0]"
    assert in_key.path == "$.a"
    assert "half of a surrogate pair" in in_value.problem
    assert "half of a surrogate pair" in in_key.problem
    str(in_key).encode()


def test_the_place_of_half_a_pair_is_told() -> None:
    error = refusal("ab\udc80")

    assert error.problem.startswith("character 2 is U+DC80")


@pytest.mark.parametrize("value", [{1}, set(), frozenset({1}), {"a": 1}.keys()])
def test_sets_are_refused(value: object) -> None:
    error = refusal([value])

    assert error.path == "$[0]"
    assert type(value).__name__ in error.problem


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (1, "1 (int)"),
        (True, "True (bool)"),
        (None, "None (NoneType)"),
        (1.5, "1.5 (float)"),
        ((1, 2), "(1, 2) (tuple)"),
        (b"k", "b'k' (bytes)"),
        (Colour.RED, "<Colour.RED: 'red'>"),
        (uuid.UUID(int=1), "(uuid.UUID)"),
        (datetime.date(2020, 1, 2), "(datetime.date)"),
        (numpy.int64(7), "(numpy.int64)"),
    ],
)
def test_a_key_that_is_not_text_is_refused_and_named(key: object, shown: str) -> None:
    error = refusal({"a": {"b": 1, key: 2}})

    assert error.path == "$.a"
    assert shown in error.problem


# ---- depth and size -------------------------------------------------------------------------


@pytest.mark.promise("S8")
def test_a_value_as_deep_as_allowed_comes_back() -> None:
    value = nested(MAX_DEPTH)

    assert same(decode(encode(value)), value)


def test_depth_is_the_same_to_a_closer_look() -> None:
    fits = [numpy.float64(1.5), nested(MAX_DEPTH - 1)]
    too_deep = [numpy.float64(1.5), nested(MAX_DEPTH)]

    assert same(decode(encode(fits)), [1.5, nested(MAX_DEPTH - 1)])
    assert "deeper than 200" in refusal(too_deep).problem


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_000, 100_000])
def test_a_deeper_value_is_refused(depth: int) -> None:
    value = nested(depth)

    error = refusal(value)

    assert "nests deeper than 200 levels" in error.problem
    assert len(error.path) <= 500


@pytest.mark.parametrize(
    "data",
    ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "[" * 1_000_000],
    ids=["closed", "dicts", "open"],
)
@pytest.mark.parametrize("read", [decode, decode_untrusted])
def test_deep_json_is_refused_without_harm(read: Any, data: str) -> None:
    with pytest.raises(Undecodable):
        read(data)


def test_deep_json_round_a_long_integer_is_refused_without_harm() -> None:
    with pytest.raises(Undecodable):
        decode("[" * 100_000 + "9" * 5_000 + "]" * 100_000)


def test_a_value_that_contains_itself_is_refused_where_it_does() -> None:
    value: dict[str, Any] = {"a": 1, "children": [{}, {"up": None}]}
    value["children"][1]["up"] = value

    error = refusal({"tree": value})

    assert error.path == "$.tree.children[1].up"
    assert error.problem == "this is $.tree again: a value contains itself"


def test_a_list_of_only_itself_is_refused() -> None:
    value: list[Any] = []
    value += [value, value]

    assert refusal(value).path == "$[0]"


def test_parts_that_are_shared_are_no_circle() -> None:
    part = [1.5]

    assert encode([part, {"a": part}, (part, part)]) == b'[[1.5],{"a":[1.5]},[[1.5],[1.5]]]'


def test_a_small_value_that_would_write_a_trillion_parts_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("offload.values.encoding.MAX_PARTS", 100_000)
    lists: Any = []
    for _ in range(40):
        lists = [lists, lists]
    odd: Any = [numpy.float64(1)]
    for _ in range(40):
        odd = [odd, odd]

    assert "parts" in refusal(lists).problem
    assert "parts" in refusal(odd).problem


@pytest.mark.slow
@given(values, st.integers(0, 12))
@example([[]], 1)
@example([], 0)
@example(1, 0)
@example({"a": [{}]}, 3)
@ordinary
def test_depth_is_measured_exactly(value: object, limit: int) -> None:
    def depth(part: object) -> int:
        if isinstance(part, dict):
            part = list(part.values())
        return 1 + max(map(depth, part), default=0) if isinstance(part, list) else 0

    assert exceeds_depth(value, limit) == (depth(value) > limit)


def test_depth_is_measured_of_circles_and_of_much_that_is_shared() -> None:
    circle: list[Any] = []
    circle.append(circle)
    shared: Any = []
    for _ in range(60):
        shared = [shared, shared]

    assert exceeds_depth(circle, 64)
    assert not exceeds_depth(shared, 64)
    assert exceeds_depth(nested(100_000), 64)


# ---- reading --------------------------------------------------------------------------------

MALFORMED = [
    "",
    " ",
    "NaN",
    "Infinity",
    "-Infinity",
    "[NaN]",
    "1e999",
    "-1e999",
    "[1E400]",
    "1 1",
    "1,",
    "[1,]",
    '{"a":1,}',
    "{1:2}",
    "{'a':1}",
    "01",
    "-",
    "+1",
    ".5",
    "1.",
    "0x1",
    "1_0",
    "nul",
    "True",
    '"a',
    '"\n"',
    '"\x00"',
    '"\\x41"',
    '"\\ud800"',
    '"\\ude00\\ud83d"',
    '{"\\ud800": 1}',
    "\ufeff1",
    "/**/1",
    "٣",
    "\u00a01",
    b"\xff",
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xc0\x80"',
    '"\ud800"',
    "[1".encode("utf-16"),
]


@pytest.mark.parametrize("data", MALFORMED, ids=repr)
@pytest.mark.parametrize("read", [decode, decode_untrusted])
def test_what_is_not_exact_json_is_refused(read: Any, data: bytes | str) -> None:
    with pytest.raises(Undecodable) as caught:
        read(data)

    assert len(str(caught.value)) < 300
    str(caught.value).encode()


@pytest.mark.parametrize("data", MALFORMED, ids=repr)
def test_a_long_integer_before_it_lets_nothing_through(data: bytes | str) -> None:
    start = "[" + "9" * 5_000 + ","
    whole = start + data + "]" if isinstance(data, str) else start.encode() + data + b"]"

    with pytest.raises(Undecodable):
        decode(whole)


@given(st.binary() | st.text(st.characters()))
@ordinary
def test_reading_raises_nothing_but_undecodable(data: bytes | str) -> None:
    for read in (decode, decode_untrusted):
        with contextlib.suppress(Undecodable):
            assert encode(read(data))


def test_escaped_pairs_are_read_beside_a_long_integer() -> None:
    number = 10**5000

    assert decode(f'["\\ud83d\\ude00", {encode_int(number)}, -0.0, "\\\\ud800"]') == [
        "😀",
        number,
        -0.0,
        "\\ud800",
    ]


def test_a_key_that_stands_twice_is_refused_only_in_what_others_wrote() -> None:
    data = '{"b": 1, "a": [{"k": 1, "x": 0, "k": 2}]}'

    with pytest.raises(Undecodable, match="'k' stands twice"):
        decode_untrusted(data)
    assert decode(data) == {"b": 1, "a": [{"k": 2, "x": 0}]}


def test_what_others_wrote_may_be_64_levels_deep_and_no_deeper() -> None:
    fits = encode(nested(64))
    too_deep = encode(nested(65))

    assert same(decode_untrusted(fits), nested(64))
    with pytest.raises(Undecodable, match="deeper than 64"):
        decode_untrusted(too_deep)
    assert same(decode_untrusted(too_deep, depth=65), nested(65))
