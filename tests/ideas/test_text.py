"""Text and objects of any kind become short text that can be kept; nothing raises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload.text import capped_repr, capped_str, describe_error, sanitise, type_name

ordinary = settings(deadline=None)


class Raises:
    def __repr__(self) -> str:
        raise ValueError("no")


class Exits:
    def __repr__(self) -> str:
        raise SystemExit(1)


class Recurses:
    def __repr__(self) -> str:
        return f"<{self!r}>"


class Huge:
    def __repr__(self) -> str:
        return "x" * 100_000_000


class Liar(str):
    def __len__(self) -> int:
        return 0

    def encode(self, *_: object) -> bytes:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        return Liar("liar")


def no_name(_: type) -> str:
    raise ValueError("no name")


NoText = type("NoText", (), {"__repr__": lambda _: 3})
Meta = type("Meta", (type,), {"__name__": property(no_name)})
Nameless = Meta("Nameless", (), {})


HOSTILE = [Raises(), Exits(), NoText(), Recurses(), Huge(), Liar("a"), Nameless(), Nameless]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("", ""),
        ("plain", "plain"),
        ("Zoë 😀\n", "Zoë 😀\n"),
        ("a\x00b", "a\\x00b"),
        ("\ud83d", "\\ud83d"),
        ("😀\ude00", "😀\\ude00"),
    ],
)
def test_what_databases_refuse_becomes_visible(text: str, clean: str) -> None:
    assert sanitise(text, limit=100) == clean


def test_long_text_is_cut_and_says_by_how_much() -> None:
    text = "a" * 12_403

    cut = sanitise(text, limit=80)

    assert cut == "a" * 58 + "… (12345 more bytes)"
    assert len(cut.encode()) <= 80


def test_a_character_is_never_cut_in_two() -> None:
    cut = sanitise("😀" * 1000, limit=102)

    assert cut == "😀" * 20 + "… (3920 more bytes)"


@given(st.text(st.characters()), st.integers(-5, 120))
@ordinary
def test_any_text_fits_its_limit_and_can_be_encoded(text: str, limit: int) -> None:
    clean = sanitise(text * 3, limit=limit)

    assert len(clean.encode()) <= max(limit, 0)
    assert "\x00" not in clean


def test_text_that_lies_about_itself_is_read_as_it_is() -> None:
    assert sanitise(Liar("a\x00"), limit=10) == "a\\x00"


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__qualname__)
@pytest.mark.parametrize("show", [capped_repr, capped_str])
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [{"k": value}]])
def test_any_object_is_shown_in_short(value: object, show: object, wrap: object) -> None:
    assert callable(show)
    assert callable(wrap)

    shown = show(wrap(value), limit=200)

    assert isinstance(shown, str)
    assert 0 < len(shown.encode()) <= 200


def test_an_object_that_cannot_be_shown_is_named_with_the_reason() -> None:
    assert "Exits that raised SystemExit" in capped_repr(Exits())
    assert "NoText" in capped_repr(NoText())
    assert "Raises that raised ValueError" in capped_str(Raises())


def test_a_small_value_is_shown_as_it_is() -> None:
    value = {"a": [1, 2.5, None], "b": ("x", b"y")}

    assert capped_repr(value) == repr(value)


@pytest.mark.parametrize(
    ("value", "start"),
    [
        ("x" * 100_000_000, "'xxxx"),
        (b"x" * 100_000_000, "b'xxxx"),
        (bytearray(100_000_000), "bytearray(b'\\x00"),
        (10**100_000, "<int of 332193 bits>"),
        (list(range(1_000_000)), "[0, 1, 2"),
        ([[[[[[[1]]]]]]], "[[[["),
    ],
    ids=["text", "bytes", "bytearray", "integer", "list", "nested"],
)
def test_a_large_value_is_abridged(value: object, start: str) -> None:
    shown = capped_repr(value, limit=60)

    assert shown.startswith(start)
    assert "…" in shown or "..." in shown or shown == start
    assert len(shown.encode()) <= 60


def test_a_value_that_holds_itself_is_shown() -> None:
    value: list[object] = []
    value.append(value)

    assert capped_repr(value).startswith("[[")


def test_the_users_interrupt_is_not_swallowed() -> None:
    class Interrupted:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capped_repr([Interrupted()])


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no\x00\ud800"), "ValueError: no\\x00\\ud800"),
        (ValueError(), "ValueError"),
        (KeyError("k"), "KeyError: 'k'"),
    ],
)
def test_an_error_is_told_in_one_line(error: BaseException, said: str) -> None:
    assert describe_error(error) == said


def test_an_error_that_cannot_be_printed_is_told_all_the_same() -> None:
    assert describe_error(Unprintable()).endswith("that raised RuntimeError>")
    assert len(describe_error(ValueError("é" * 10_000), limit=100).encode()) <= 100


def test_a_type_is_named_with_its_module_unless_built_in() -> None:
    assert type_name(1) == "int"
    assert type_name(Raises()) == f"{__name__}.Raises"
    assert type_name(Nameless()) == f"{__name__}.Nameless"
    assert type_name(Nameless) == f"{__name__}.Meta"
