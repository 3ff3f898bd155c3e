"""The registry leads from a name to its task, and refuses what it cannot keep apart."""

import functools
import types
from typing import Any

import pytest

from offload.errors import InvalidTask, UnknownTask
from offload.options import TaskOptions
from offload.registry import RegisteredTask, Registry


def render(frames: int) -> str:
    """Render a film.

    Slowly.
    """
    return "film" * frames


async def fetch(url: str) -> str:
    return url


class Machine:
    def run(self, x: int) -> int:
        return x


def made_from(source: str, module: str = "tasks") -> Any:
    """The function `task` as a module of this name would hold it after it was loaded."""
    space: dict[str, Any] = {"__name__": module}
    exec(source, space)
    return space["task"]


def refusal(function: Any = render, **options: Any) -> str:
    """What the registry says when it refuses; it must be unchanged then."""
    registry = Registry()
    with pytest.raises(InvalidTask) as invalid:
        registry.add(function, **options)
    assert len(registry) == 0
    return str(invalid.value)


# --- adding and finding


def test_a_function_is_registered_under_its_own_name() -> None:
    registry = Registry()

    task = registry.add(render)

    assert registry.find("render") is task
    assert isinstance(task, RegisteredTask)
    assert (task.name, task.function, task.aliases) == ("render", render, ())
    assert (task.kind, task.executor) == ("blocking", "process")
    assert (task.module, task.doc) == (__name__, "Render a film.\n\nSlowly.")
    assert task.signature.text == "render(frames: int)"
    assert task.options == TaskOptions()


def test_a_coroutine_function_is_async() -> None:
    task = Registry().add(fetch)

    assert (task.kind, task.executor) == ("async", "async")


def test_partials_and_objects_of_coroutine_functions_are_async() -> None:
    class Fetcher:
        async def __call__(self, url: str) -> str:
            return url

    registry = Registry()

    assert registry.add(functools.partial(fetch, "u"), name="a").kind == "async"
    assert registry.add(Fetcher(), name="b").kind == "async"
    assert registry.add(Machine().run).kind == "blocking"


def test_a_name_of_its_own_and_options_are_kept() -> None:
    task = Registry().add(
        render, name="film.render-1", queue="films", priority=-7, tags=["a", "b", "a"], encode=str
    )

    assert task.name == "film.render-1"
    assert task.options == TaskOptions(queue="films", priority=-7, tags=("a", "b"), encode=str)
    assert task.signature.text == "film.render-1(frames: int)"


def test_an_alias_leads_to_the_task() -> None:
    registry = Registry()

    task = registry.add(render, aliases=["draw", "render", "draw"])

    assert task.aliases == ("draw",)
    assert registry.find("draw") is task
    assert "draw" in registry


def test_names_are_sorted_and_without_aliases() -> None:
    registry = Registry()
    registry.add(render, aliases=["a"])
    registry.add(fetch)

    assert registry.names() == ("fetch", "render")
    assert list(registry) == ["fetch", "render"]
    assert len(registry) == 2
    assert "fetch" in registry
    assert "other" not in registry


def test_an_unknown_name_is_told_with_the_nearest_ones() -> None:
    registry = Registry()
    registry.add(render, aliases=["renderer"])
    registry.add(fetch)

    with pytest.raises(UnknownTask) as unknown:
        registry.find("rendr")

    assert unknown.value.nearest == ("render", "renderer")
    assert unknown.value.name == "rendr"


@pytest.mark.parametrize("name", ["", "x" * 100_000, "\ud800", "rend\0r"])
def test_any_text_may_be_looked_up(name: str) -> None:
    registry = Registry()
    registry.add(render)

    with pytest.raises(UnknownTask):
        registry.find(name)


# --- names


@pytest.mark.parametrize("name", ["a", "_", "A.b-c_9", "x" * 100])
def test_good_names(name: str) -> None:
    assert Registry().add(render, name=name).name == name


BAD_NAMES = ["9a", "-a", ".a", "a b", "a/b", "é", "a\n", "x" * 101]
BAD_NAMES += ["a\N{ARABIC-INDIC DIGIT SEVEN}", "\N{FULLWIDTH LATIN SMALL LETTER A}"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_refused(name: str) -> None:
    assert "cannot have the name" in refusal(name=name)
    assert "cannot have the alias" in refusal(aliases=[name])
    assert "cannot have the queue" in refusal(queue=name)


@pytest.mark.parametrize("name", ["", 5, b"a", True])
def test_a_name_that_is_no_text_or_empty_is_refused(name: Any) -> None:
    assert "cannot have the name" in refusal(name=name)
    assert "cannot have the queue" in refusal(queue=name)


def test_a_lambda_and_an_object_need_a_name() -> None:
    assert refusal(lambda x: x) == "a lambda has no name to be started by; give it one with name="
    assert "has no name to be started by" in refusal(functools.partial(render, 1))
    assert Registry().add(lambda x: x, name="same").name == "same"


def test_what_cannot_be_called_is_refused() -> None:
    assert refusal(5) == "5 cannot be called; give a function"
    assert "it is a class" in refusal(Machine)


@pytest.mark.parametrize("texts", ["ab", 5, [5], [""]])
def test_aliases_and_tags_must_be_lists_of_texts(texts: Any) -> None:
    assert "aliases must be a list of texts" in refusal(aliases=texts)
    assert "tags must be a list of texts" in refusal(tags=texts)


# --- a name that is taken


def test_two_functions_cannot_share_a_name() -> None:
    registry = Registry()
    first = registry.add(render)

    with pytest.raises(InvalidTask) as invalid:
        registry.add(fetch, name="render")

    assert str(invalid.value) == (
        f"the name 'render' is taken by {__name__}.render, so {__name__}.fetch cannot have it; "
        'give one of them another, as in @app.task(name="render_2")'
    )
    assert registry.find("render") is first


@pytest.mark.parametrize(
    "options", [{"name": "draw"}, {"aliases": ["x", "draw"]}, {"aliases": ["render"]}]
)
def test_aliases_live_among_the_names(options: dict[str, Any]) -> None:
    registry = Registry()
    registry.add(render, aliases=["draw"])

    with pytest.raises(InvalidTask, match="is taken by"):
        registry.add(fetch, **options)

    assert registry.names() == ("render",)
    assert "x" not in registry


def test_a_reloaded_module_replaces_its_tasks() -> None:
    registry = Registry()
    registry.add(made_from("def task(a): ..."), aliases=["old", "both"])

    task = registry.add(made_from("def task(a, b): ..."), aliases=["new", "both"])

    assert registry.find("task") is task
    assert registry.find("both") is task
    assert registry.find("new") is task
    assert "old" not in registry
    assert len(registry) == 1


def test_the_same_function_of_another_module_replaces_nothing() -> None:
    registry = Registry()
    registry.add(made_from("def task(a): ...", "one"))

    with pytest.raises(InvalidTask, match=r"taken by one\.task, so two\.task"):
        registry.add(made_from("def task(a): ...", "two"))


def test_one_function_may_have_two_names() -> None:
    registry = Registry()

    registry.add(render, name="one")
    registry.add(render, name="two")

    assert registry.names() == ("one", "two")


def test_closures_made_by_one_function_are_not_the_same() -> None:
    def made(factor: int) -> Any:
        def scale(x: int) -> int:
            return x * factor

        return scale

    registry = Registry()
    registry.add(made(2))

    with pytest.raises(InvalidTask, match="is taken by"):
        registry.add(made(3))


def test_methods_of_two_objects_are_not_the_same() -> None:
    registry = Registry()
    machine = Machine()
    registry.add(machine.run)
    registry.add(machine.run)

    with pytest.raises(InvalidTask, match="is taken by"):
        registry.add(Machine().run)


def test_a_decorated_function_is_replaced_after_a_reload() -> None:
    def loaded() -> Any:
        function = types.FunctionType(render.__code__, {}, "render")
        function.__module__ = __name__

        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        wrapper.__qualname__ = "render"
        return wrapper

    registry = Registry()
    registry.add(loaded())

    task = registry.add(loaded())

    assert registry.find("render") is task


# --- options


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    assert refusal(priorty=5) == "the task 'render' has no option 'priorty'; did you mean priority?"
    assert "there are name, aliases, queue, priority" in refusal(zzz=5)


@pytest.mark.parametrize("priority", [-32_768, 0, 32_767])
def test_priorities_in_range(priority: int) -> None:
    assert Registry().add(render, priority=priority).options.priority == priority


@pytest.mark.parametrize("priority", [-32_769, 32_768, 2**70, 1.0, True, "1"])
def test_a_priority_out_of_range_is_refused(priority: Any) -> None:
    assert "it must be an integer from -32768 to 32767" in refusal(priority=priority)


def test_encode_must_be_a_function() -> None:
    assert "encode: it must be a function" in refusal(encode="json")


def test_a_return_annotation_is_judged_unless_there_is_an_encoder() -> None:
    def tags() -> set[str]: ...  # type: ignore[empty-body]

    assert "it returns set[str], which JSON cannot carry" in refusal(tags)
    assert Registry().add(tags, encode=sorted).name == "tags"


# --- executors


@pytest.mark.parametrize(
    ("function", "executor", "why"),
    [
        (fetch, "thread", 'is a coroutine function, which runs as "async" only'),
        (render, "async", "is not a coroutine function"),
        (render, "rocket", 'it can be "async" or "thread"'),
        (render, 5, 'it can be "async" or "thread"'),
        (render, ["thread"], 'it can be "async" or "thread"'),
    ],
)
def test_an_executor_that_cannot_run_it_is_refused(function: Any, executor: Any, why: str) -> None:
    assert why in refusal(function, executor=executor)


def test_an_executor_that_can_run_it_is_taken() -> None:
    assert Registry().add(fetch, executor="async").executor == "async"
    assert Registry().add(render, executor="thread").executor == "thread"
