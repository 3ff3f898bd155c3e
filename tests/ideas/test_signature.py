"""A signature binds a Python call, checks what was given, and calls back with what was stored."""

import datetime
import functools
import inspect
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.errors import InvalidParameters, Undecodable
from offload.signature import Signature


class Context:
    """Carries the mark by which a Context is known."""

    __offload_context__ = True


def power_sim(a: int, b: int, delay_seconds: float = 5) -> int:
    """Raise a to the power b, slowly.

    Says so here.

    Args:
        a: the base
            of it all.
        b (int): how many times.
        delay_seconds: how long each
            multiplication takes: in seconds.

    Returns:
        result: a number.
    """
    return int(a**b)


SIGNATURE = Signature.of(power_sim, task="power_sim")


def faults(invalid: pytest.ExceptionInfo[InvalidParameters]) -> dict[str, str]:
    return {fault.parameter: fault.problem for fault in invalid.value.faults}


def stored(function: Any, *args: Any, **kwargs: Any) -> bytes:
    signature = Signature.of(function, task="task")
    return signature.check(signature.bind(args, kwargs))


def called(function: Any, params_json: bytes, context: object = None) -> Any:
    """Call the function as a worker would."""
    args, kwargs = Signature.of(function, task="task").call_arguments(params_json, context=context)
    return function(*args, **kwargs)


# --- bind


def test_arguments_by_place_and_by_name_become_parameters() -> None:
    assert SIGNATURE.bind((2, 20), {}) == {"a": 2, "b": 20}
    assert SIGNATURE.bind((2,), {"delay_seconds": 1, "b": 3}) == {
        "a": 2,
        "b": 3,
        "delay_seconds": 1,
    }


def test_every_fault_of_a_call_is_told_at_once() -> None:
    with pytest.raises(InvalidParameters) as invalid:
        SIGNATURE.bind((2, 20, 5, 6, 7), {"a": 1, "speed": 9})

    assert faults(invalid) == {
        "a": "given twice",
        "speed": "unexpected",
        "argument 4": "too many: at most 3 positional, got 5",
    }


def test_wrong_types_are_told_with_the_faults_of_the_call() -> None:
    with pytest.raises(InvalidParameters) as invalid:
        SIGNATURE.bind(("x",), {"delay_second": 1})

    assert faults(invalid) == {
        "a": "expected an integer, got 'x'",
        "b": "missing",
        "delay_second": "unexpected; did you mean delay_seconds?",
    }
    assert "'power_sim'" in str(invalid.value)


def test_a_name_that_is_not_text_is_unexpected() -> None:
    with pytest.raises(InvalidParameters) as invalid:
        SIGNATURE.bind((1, 2), {5: 6})  # type: ignore[dict-item]

    assert faults(invalid) == {"5": "unexpected"}


def test_binding_refuses_what_python_refuses() -> None:
    def target(a: int, /, b: int, *, c: int = 0) -> None: ...

    signature = Signature.of(target, task="task")
    for args, kwargs in [
        ((), {}),
        ((1,), {}),
        ((1, 2, 3), {}),
        ((1, 2), {"b": 3}),
        ((1, 2), {"d": 1}),
    ]:
        with pytest.raises(TypeError):
            inspect.signature(target).bind(*args, **kwargs)
        with pytest.raises(InvalidParameters):
            signature.bind(args, kwargs)


# --- check


def test_only_what_was_given_is_stored() -> None:
    assert stored(power_sim, 2, 20) == b'{"a":2,"b":20}'


def test_an_integer_is_taken_for_a_float_and_stored_as_one() -> None:
    assert stored(power_sim, 2, 20, 5) == b'{"a":2,"b":20,"delay_seconds":5.0}'


def test_all_wrong_types_are_told_at_once_in_the_order_of_the_signature() -> None:
    with pytest.raises(InvalidParameters) as invalid:
        SIGNATURE.check({"zzz": 1, "delay_seconds": "5", "b": 2.0, "a": True})

    assert list(faults(invalid).items()) == [
        ("a", "expected an integer, got true"),
        ("b", "expected an integer, got 2.0"),
        ("delay_seconds", "expected a number, got '5'"),
        ("zzz", "unexpected"),
    ]


def test_missing_parameters_are_told_by_check_too() -> None:
    with pytest.raises(InvalidParameters) as invalid:
        SIGNATURE.check({"b": None})

    assert faults(invalid) == {"a": "missing", "b": "expected an integer, got null"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_have_are_faults(value: float) -> None:
    with pytest.raises(InvalidParameters) as invalid:
        SIGNATURE.check({"a": 1, "b": 2, "delay_seconds": value})

    assert "is not a number that JSON can carry" in faults(invalid)["delay_seconds"]


def test_all_values_that_json_cannot_carry_are_told_with_their_places() -> None:
    def anything(a: Any, b: dict[str, list[float]], c: Any) -> None: ...

    with pytest.raises(InvalidParameters) as invalid:
        stored(anything, {1, 2}, {"x": [1.0, float("nan")]}, "\ud800")

    assert list(faults(invalid)) == ["a", "b.x[1]", "c"]


@pytest.mark.parametrize("bits", [62, 63, 64, 4000, 40000])
@pytest.mark.parametrize("sign", [1, -1])
def test_integers_of_any_size_pass_exactly(bits: int, sign: int) -> None:
    params_json = stored(power_sim, sign * 2**bits + 1, 1)

    assert SIGNATURE.call_arguments(params_json)[1]["a"] == sign * 2**bits + 1


def test_a_huge_integer_in_the_wrong_place_is_named_without_its_digits() -> None:
    def shout(text: str, texts: list[str]) -> None: ...

    with pytest.raises(InvalidParameters) as invalid:
        stored(shout, 2**40000, [10**5000])

    assert faults(invalid)["text"] == "expected text, got <int of 40001 bits>"
    assert list(faults(invalid)) == ["text", "texts[0]"]


def test_deep_nesting_is_a_fault_and_no_crash() -> None:
    def anything(x: Any, y: list[Any]) -> None: ...

    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(InvalidParameters) as invalid:
        stored(anything, deep, deep)

    assert len(faults(invalid)) == 2


def test_a_value_whose_repr_raises_is_still_a_plain_fault() -> None:
    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    with pytest.raises(InvalidParameters) as invalid:
        stored(power_sim, Rude(), 1)

    assert "Rude" in faults(invalid)["a"]


# --- call_arguments


def test_defaults_apply_when_the_function_runs() -> None:
    def add(a: int, b: int = 40) -> int:
        return a + b

    assert called(add, b'{"a":2}') == 42


def test_stored_parameters_that_no_longer_fit_are_refused() -> None:
    with pytest.raises(InvalidParameters) as invalid:
        SIGNATURE.call_arguments(b'{"a":"two","speed":1}')

    assert faults(invalid) == {
        "a": "expected an integer, got 'two'",
        "b": "missing",
        "speed": "unexpected",
    }


def test_stored_parameters_that_are_no_object_are_refused() -> None:
    with pytest.raises(InvalidParameters, match="expected an object in JSON"):
        SIGNATURE.call_arguments(b"[1,2]")
    with pytest.raises(Undecodable):
        SIGNATURE.call_arguments(b"{")


def test_positional_only_parameters_are_given_by_place() -> None:
    def divide(a: float, b: float = 2, /, c: int = 0) -> tuple[float, float, int]:
        return a, b, c

    assert called(divide, stored(divide, 6)) == (6, 2, 0)
    assert called(divide, stored(divide, 6, 3, 1)) == (6, 3, 1)
    assert called(divide, b'{"b":4,"a":1,"c":9}') == (1, 4, 9)


def test_an_earlier_positional_only_default_is_filled_in() -> None:
    def take(a: int = 1, b: int = 2, /) -> tuple[int, int]:
        return a, b

    assert called(take, b'{"b":5}') == (1, 5)


def test_star_args_are_one_parameter_that_holds_a_list() -> None:
    def fetch(depth: int, mode: str = "fast", *urls: str, retry: bool = False) -> Any:
        return depth, mode, urls, retry

    assert called(fetch, stored(fetch, 1)) == (1, "fast", (), False)
    assert stored(fetch, 1, "slow", "u", "v") == b'{"depth":1,"mode":"slow","urls":["u","v"]}'
    assert called(fetch, stored(fetch, 1, "slow", "u", "v")) == (1, "slow", ("u", "v"), False)
    assert called(fetch, b'{"depth":1,"urls":["u"],"retry":true}') == (1, "fast", ("u",), True)


def test_the_items_of_star_args_are_checked() -> None:
    def fetch(*urls: str) -> None: ...

    with pytest.raises(InvalidParameters) as invalid:
        stored(fetch, "u", 5)

    assert faults(invalid) == {"urls[1]": "expected text, got 5"}


def test_star_args_given_by_place_and_by_name_are_given_twice() -> None:
    def fetch(*urls: str) -> None: ...

    with pytest.raises(InvalidParameters) as invalid:
        stored(fetch, "u", urls=["v"])

    assert faults(invalid) == {"urls": "given twice"}


def test_double_star_takes_other_names_and_checks_each() -> None:
    def configure(name: str, **options: int) -> Any:
        return name, options

    assert called(configure, stored(configure, "x", a=1, options=2)) == (
        "x",
        {"a": 1, "options": 2},
    )
    with pytest.raises(InvalidParameters) as invalid:
        stored(configure, "x", a=1, b="2", c=None)
    assert faults(invalid) == {
        "b": "expected an integer, got '2'",
        "c": "expected an integer, got null",
    }


@pytest.mark.parametrize("name", ["_x", "self_", "class_", "__x", "__init__", "field", "kw_only"])
def test_a_parameter_may_have_any_name(name: str) -> None:
    space: dict[str, Any] = {}
    exec(f"def echo({name}: int): return {name}", space)

    assert called(space["echo"], stored(space["echo"], 5)) == 5


def test_wrappers_partials_methods_and_callable_objects_work() -> None:
    @functools.wraps(power_sim)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return power_sim(*args, **kwargs)

    class Scale:
        factor = 3

        def scale(self, x: int) -> int:
            """Scale it."""
            return x * self.factor

        def __call__(self, y: int) -> int:
            return y * self.factor

    assert called(wrapper, stored(wrapper, 2, 5)) == 32
    assert called(Scale().scale, stored(Scale().scale, 2)) == 6
    assert called(Scale(), stored(Scale(), 2)) == 6
    squared = functools.partial(power_sim, b=2)
    assert called(squared, stored(squared, 7)) == 49
    assert Signature.of(Scale().scale, task="t").summary == "Scale it."
    assert Signature.of(squared, task="t").doc == inspect.getdoc(power_sim)


# --- Context


def test_the_context_is_given_by_the_worker_and_takes_no_place() -> None:
    def simulate(ctx: Context, steps: int, *names: str) -> Any:
        return ctx, steps, names

    context = Context()

    assert Signature.of(simulate, task="t").wants_context == "ctx"
    assert stored(simulate, 5) == b'{"steps":5}'
    assert called(simulate, b'{"steps":5}', context) == (context, 5, ())
    assert called(simulate, b'{"steps":5,"names":["a"]}', context) == (context, 5, ("a",))


@pytest.mark.parametrize("extra", [False, True])
def test_a_user_cannot_give_the_context(extra: bool) -> None:
    def plain(ctx: Context) -> None: ...
    def open_ended(ctx: Context, **options: Any) -> None: ...

    with pytest.raises(InvalidParameters) as invalid:
        stored(open_ended if extra else plain, ctx=1)

    assert faults(invalid) == {"ctx": "unexpected: offload gives it when the job runs"}


def test_a_function_that_wants_no_context_gets_none() -> None:
    assert SIGNATURE.wants_context is None
    assert SIGNATURE.call_arguments(b'{"a":1,"b":2}', context=Context()) == ([], {"a": 1, "b": 2})


def test_an_optional_context_may_stay_out() -> None:
    def simulate(steps: int, ctx: Context | None = None) -> Any:
        return steps, ctx

    assert called(simulate, b'{"steps":5}') == (5, None)


def test_a_positional_only_context_is_given_by_place() -> None:
    def simulate(ctx: Context, steps: int, /) -> Any:
        return ctx, steps

    context = Context()

    assert called(simulate, stored(simulate, 5), context) == (context, 5)


# --- what is shown


def test_the_signature_is_shown_as_it_is_written() -> None:
    assert SIGNATURE.text == "power_sim(a: int, b: int, delay_seconds: float = 5)"
    assert SIGNATURE.summary == "Raise a to the power b, slowly."
    assert SIGNATURE.doc == inspect.getdoc(power_sim)


def test_the_signature_is_shown_without_context_and_with_every_marker() -> None:
    def odd(
        a: int, /, ctx: Context, b: "str | None" = None, *c: int, d: Any = 2**40000, **e: int
    ) -> None: ...

    text = Signature.of(odd, task="odd").text

    assert text == (
        "odd(a: int, /, b: str | None = None, *c: int, d: Any = <int of 40001 bits>, **e: int)"
    )


def test_the_schema_describes_each_parameter() -> None:
    assert SIGNATURE.schema() == {
        "type": "object",
        "properties": {
            "a": {"description": "the base of it all.", "type": "integer"},
            "b": {"description": "how many times.", "type": "integer"},
            "delay_seconds": {
                "description": "how long each multiplication takes: in seconds.",
                "type": "number",
                "default": 5,
            },
        },
        "required": ["a", "b"],
        "additionalProperties": False,
    }


def test_a_default_moment_stands_in_the_schema_as_it_is_given() -> None:
    noon = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)

    def remind(at: datetime.datetime = noon, every: datetime.timedelta | None = None) -> None: ...

    properties = Signature.of(remind, task="remind").schema()["properties"]

    assert properties["at"] == {
        "type": "string",
        "format": "date-time",
        "default": "2026-01-31T12:00:00Z",
    }


def test_the_schema_of_stars_and_context() -> None:
    def odd(ctx: Context, *urls: str, **options: int) -> None: ...

    assert Signature.of(odd, task="odd").schema() == {
        "type": "object",
        "properties": {"urls": {"type": "array", "items": {"type": "string"}}},
        "required": [],
        "additionalProperties": {"type": "integer"},
    }


def test_a_default_that_json_cannot_carry_is_left_out_of_the_schema() -> None:
    def odd(x: float = float("nan"), y: Any = object) -> None: ...

    properties = Signature.of(odd, task="odd").schema()["properties"]

    assert properties == {"x": {"type": "number"}, "y": {}}


def test_a_signature_never_changes() -> None:
    with pytest.raises(AttributeError):
        SIGNATURE.task = "other"  # type: ignore[misc]


# --- laws


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip


@pytest.mark.slow
@given(
    a=st.integers(),
    b=st.floats(allow_nan=False, allow_infinity=False),
    c=st.text(),
    d=st.booleans(),
    e=st.lists(st.integers()),
    f=st.dictionaries(st.text(), st.integers()),
    g=JSON_VALUES,
)
def test_what_is_stored_comes_back_equal(**values: Any) -> None:
    def echo(
        *, a: int, b: float, c: str, d: bool, e: list[int], f: dict[str, int], g: Any
    ) -> None: ...

    signature = Signature.of(echo, task="echo")

    args, kwargs = signature.call_arguments(signature.check(values))

    assert (args, kwargs) == ([], values)
    assert [type(kwargs[name]) for name in values] == [type(value) for value in values.values()]


@pytest.mark.slow
@given(params=st.dictionaries(st.sampled_from("abcdefgx"), JSON_VALUES))
def test_check_raises_nothing_but_invalid_parameters(params: dict[str, Any]) -> None:
    def echo(
        a: int, *, b: float = 0, c: str = "", e: tuple[int, ...] = (), f: dict[str, int], **g: bool
    ) -> None: ...

    signature = Signature.of(echo, task="echo")

    try:
        params_json = signature.check(params)
    except InvalidParameters:
        return

    assert signature.call_arguments(params_json)[1].keys() == params.keys()


def test_importing_it_starts_no_loop_and_no_web_framework() -> None:
    code = (
        "import sys, offload.registry\n"
        "own = set(sys.modules)\n"
        "sys.exit(any(name in own for name in ('asyncio', 'starlette', 'click', 'sqlite3')))"
    )

    process = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)

    assert process.returncode == 0
