"""Integers of any size are written and read exactly, in digits, whatever Python's limit is."""

import decimal
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload.errors import Undecodable
from offload.values import decode, decode_int, encode, encode_int

ordinary = settings(deadline=None)


# ---- integers -------------------------------------------------------------------------------


@pytest.mark.promise("S8")
@given(st.integers(0, 40_000), st.integers(-(2**64), 2**64), st.booleans())
@ordinary
def test_integers_of_any_size_are_written_and_read_exactly(
    exponent: int, near: int, is_negative: bool
) -> None:
    number = (-1 if is_negative else 1) * 10**exponent + near

    digits = encode_int(number)

    assert decode_int(digits) == number
    assert re.fullmatch("0|-?[1-9][0-9]*", digits)


def test_the_digits_are_in_their_places() -> None:
    digits = encode_int(12 * 10**20_000 + 34 * 10**9_999 + 56)

    assert digits == "12" + "0" * 9_999 + "34" + "0" * 9_997 + "56"


def test_python_agrees_where_it_can() -> None:
    for exponent in (0, 1, 511, 512, 513, 616, 617, 1024, 4299):
        for number in (10**exponent - 1, 10**exponent, 10**exponent + 1, 7**exponent // 3):
            assert encode_int(number) == str(number)
            assert encode_int(-number) == str(-number)
            assert decode_int(str(-number)) == -number


def test_two_hundred_thousand_digits_are_exact_and_leave_the_limit_alone() -> None:
    limit = sys.get_int_max_str_digits()
    number = 7 * 10**199_999 + 3

    digits = encode_int(number)

    assert digits == "7" + "0" * 199_998 + "3"
    assert decode_int(digits) == number
    assert decode(encode({"a": [number, -number]})) == {"a": [number, -number]}
    assert sys.get_int_max_str_digits() == limit


def test_the_lowest_limit_and_the_callers_decimal_context_do_not_matter() -> None:
    number = -(3**5000)
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        with decimal.localcontext() as context:
            context.prec, context.Emax, context.capitals = 3, 5, 0
            context.traps[decimal.Inexact] = context.traps[decimal.Rounded] = True
            written = encode([number])
            back = decode(written)
            assert context.prec == 3
    finally:
        sys.set_int_max_str_digits(limit)

    assert written.decode() == f"[{number}]"
    assert back == [number]


def test_zeros_before_an_integer_and_minus_zero_are_read() -> None:
    assert decode_int("007") == 7
    assert decode_int("-0") == 0
    assert decode_int("0" * 5000 + "7") == 7


@pytest.mark.parametrize(
    "text", ["", "-", "+1", " 1", "1 ", "1_0", "٣", "1.0", "1e3", "--1", "1\n"]
)
def test_an_integer_in_any_other_writing_is_refused(text: str) -> None:
    with pytest.raises(Undecodable, match="0 to 9"):
        decode_int(text)
