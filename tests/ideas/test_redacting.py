"""Values of secret parameters are found in whatever way somebody writes them."""

import json
from typing import Any

import pytest

from offload import Offload
from offload.errors import InvalidParameters, InvalidTask
from offload.redacting import Redaction, hide
from offload.signature import Signature
from offload.text import capped_repr, sanitise
from offload.values import decode, encode


def redaction(value: object) -> Redaction:
    return Redaction(encode({"user": "ada", "key": value}), ("key",))


def test_only_what_is_secret_is_hidden_and_the_rest_stays_exact() -> None:
    params = encode({"number": 2**4000, "key": {"a": [1, 2]}, "user": "Zoë"})

    shown = hide(params, ("key", "absent"))

    assert decode(shown) == {"number": 2**4000, "key": "***", "user": "Zoë"}
    assert hide(params, ()) is params


@pytest.mark.parametrize(
    "write",
    [str, repr, json.dumps, "<{}>".format, "a=1&key={}&b".format],
    ids=["plain", "repr", "json", "within", "query"],
)
@pytest.mark.parametrize("secret", ["hunter2", 'say "Zoë"', "it's", "a\\b\tc", "😀 four"])
def test_a_text_is_found_however_it_is_written(write: Any, secret: str) -> None:
    shown = redaction(secret)(write(secret))

    assert shown == write("***") or shown.strip("'\"") == "***"


def test_values_within_values_are_found_and_keys_are_not() -> None:
    redact = redaction({"name": ["first-one", {"deep": 123456}], "pi": 3.14159})

    assert redact("first-one, 123456, 3.14159, name") == "***, ***, ***, name"


def test_a_longer_value_is_found_before_one_that_it_begins_with() -> None:
    assert redaction(["abcd", "abcdefgh"])("abcdefgh abcd") == "*** ***"


def test_each_line_of_a_value_is_found() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n"

    shown = redaction(key)("  | -----BEGIN KEY-----\n  | MIIEvQIBADANBg\n  | -----END KEY-----")

    assert shown == "  | ***\n  | ***\n  | ***"


def test_short_values_are_no_reason_to_tear_a_text_apart() -> None:
    redact = redaction(["abc", True, None, 12])

    assert not redact
    assert redact("abc 12 True None") == "abc 12 True None"


@pytest.mark.parametrize("length", range(1, 60))
def test_what_a_cut_leaves_of_a_value_is_found(length: int) -> None:
    secret = "".join(chr(97 + number % 26) for number in range(300))
    text = sanitise("x" * length + secret, limit=100)

    shown = redaction(secret)(text)

    assert "abcd" not in shown


def test_both_ends_of_an_abridged_value_are_found() -> None:
    secret = "".join(f"{number:04}" for number in range(800))

    shown = redaction(secret)(capped_repr(secret, limit=4000))

    assert "0001" not in shown
    assert "0799" not in shown


def test_a_cut_value_that_is_short_is_found_before_the_mark() -> None:
    assert redaction("hunter2-horse")("it was hunter… (12 more bytes)") == (
        "it was ***… (12 more bytes)"
    )


# --- what a task says


def _login(user: str, password: str = "hunter2", pin: int = 0) -> None: ...


SIGNATURE = Signature.of(_login, task="login", secret=("password", "pin"))


def test_the_schema_says_that_it_is_only_written_and_has_no_default() -> None:
    properties = SIGNATURE.schema()["properties"]

    assert properties["password"] == {"type": "string", "format": "password", "writeOnly": True}
    assert properties["pin"] == {"type": "integer", "format": "password", "writeOnly": True}
    assert SIGNATURE.text == "login(user: str, password: str = ***, pin: int = ***)"


@pytest.mark.parametrize("wrong", ["horse-battery", ["horse-battery"], {"horse-battery": 1}])
def test_a_fault_says_what_was_wanted_and_not_what_was_given(wrong: object) -> None:
    with pytest.raises(InvalidParameters) as refused:
        SIGNATURE.check({"user": "ada", "pin": wrong})

    [fault] = refused.value.faults
    assert (fault.parameter, fault.problem) == ("pin", "expected an integer, got ***")
    assert "horse" not in str(refused.value)


def test_what_is_shown_in_place_of_a_value_is_refused_as_a_value() -> None:
    with pytest.raises(InvalidParameters, match="stands for a value that is not shown"):
        SIGNATURE.check({"user": "ada", "password": "***"})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"secret": ["pasword"]}, "no parameter 'pasword' that could be secret; did you mean"),
        ({"secret": "password"}, "secret must be a list of texts"),
        ({"secret": ["password"], "key": "x-{password}"}, "'password' is secret: keys are shown"),
    ],
)
def test_what_cannot_be_kept_secret_is_refused(options: Any, said: str) -> None:
    with pytest.raises(InvalidTask, match=said):
        Offload().task(name="login", **options)(_login)


def test_a_record_does_not_show_it_to_whoever_prints_it() -> None:
    task = Offload().task(name="login", secret=["password"])(_login)

    job = task.new_job(encode({"user": "ada", "password": "hunter2"}))

    assert decode(job.params) == {"user": "ada", "password": "hunter2"}
    assert "hunter2" not in repr(job)
    assert "ada" in repr(job)
