"""What a child process can import, and what it makes of what it finds."""

import asyncio
import functools
import math
import types
from pathlib import Path
from typing import Any

import pytest

from offload.importable import Place, place_of, why_not_found, why_not_importable
from offload.model import Failed, Outcome, Succeeded
from offload.worker.executors.process import ProcessExecutor
from tests.worker.children import plain, tasks
from tests.worker.children.running import executing, soon

TASKS = """
from offload import Offload

app = Offload("of-the-child.db")

@app.task(name="paints", encode=lambda value: "encoded in the module")
def paint() -> object:
    return object()
"""


class Callable:
    def __call__(self) -> None:
        return None

    def method(self) -> None:
        return None

    @classmethod
    def of_the_class(cls) -> None:
        return None


def _inner() -> Any:
    def inner() -> None:
        return None

    return inner


def _by_hand() -> Any:
    module = types.ModuleType("made_by_hand")
    exec("def function(): pass", vars(module))
    return vars(module)["function"]


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (_inner(), "it was made inside another function"),
        (lambda: None, "a lambda has no name"),
        (Callable(), "it is an object"),
        (Callable().method, "it is the method of an object"),
        (functools.partial(_inner), "it is an object"),
        (_by_hand(), "there is no module 'made_by_hand'"),
    ],
)
def test_what_no_other_process_can_import_is_told_with_its_reason(function: Any, why: str) -> None:
    assert why in str(why_not_importable(function))


@pytest.mark.parametrize(
    "function",
    [tasks.add, plain.Places.double, plain.wrapped, Callable.of_the_class, math.sqrt],
)
def test_a_function_of_a_module_can_be_imported(function: Any) -> None:
    assert why_not_importable(function) is None
    assert why_not_found(function) is None


def test_a_name_that_leads_to_another_function_is_told() -> None:
    assert why_not_importable(plain.first) is None
    assert "leads to something else" in str(why_not_found(plain.first))


def test_a_function_is_found_by_its_module_its_name_and_its_file() -> None:
    place = place_of(plain.Places.double)

    assert place == Place("tests.worker.children.plain", "Places.double", plain.__file__)


def test_what_was_wrapped_or_stands_in_a_class_runs_in_a_child() -> None:
    async def scenario() -> list[Any]:
        async with executing(1) as children:
            values = [await children.value(plain.Places.double, x=4)]
            values.append(await children.value(plain.wrapped, x=4))
            values.append(await children.value(plain.first))
            return values

    assert asyncio.run(scenario()) == [8, 5, "the first one"]


def test_options_that_only_the_program_knows_go_along() -> None:
    async def scenario() -> list[Outcome]:
        async with executing(1) as children:
            children.register(plain.point, encode=plain.as_list)
            children.register(plain.hopes, retry_on=(plain.Hopeful,))
            return [
                await children.run(plain.point, x=3),
                await children.run(plain.hopes, much=True),
                await children.run(plain.hopes, much=False),
            ]

    encoded, hopeful, hopeless = asyncio.run(scenario())

    assert encoded == Succeeded(b"[3]")
    assert isinstance(hopeful, Failed)
    assert isinstance(hopeless, Failed)
    assert (hopeful.again, hopeless.again) == (True, False)


def test_an_option_that_no_child_can_have_keeps_the_task_in_a_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> Outcome:
        async with executing(1) as children:
            children.register(plain.point, encode=lambda value: "encoded in the program")
            return await children.run(plain.point, x=3)

    assert asyncio.run(scenario()) == Succeeded(b'"encoded in the program"')
    assert "its encode= cannot be imported by a child process: a lambda" in caplog.text


def test_a_module_that_registers_the_task_itself_is_asked_for_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "registers_itself.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    registers_itself = __import__("registers_itself")
    task = registers_itself.paint.registered

    async def scenario() -> Outcome:
        async with executing(1) as children:
            children.adopt(task)
            return await children.run(task.function)

    assert asyncio.run(scenario()) == Succeeded(b'"encoded in the module"')


def test_a_module_that_is_found_by_its_file_only_is_imported_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lies_elsewhere.py").write_text("def where() -> str: return __file__")
    with monkeypatch.context() as patched:
        patched.syspath_prepend(tmp_path)
        lies_elsewhere = __import__("lies_elsewhere")

    async def scenario() -> Any:
        async with executing(1) as children:
            return await children.value(lies_elsewhere.where)

    assert asyncio.run(scenario()) == str(tmp_path / "lies_elsewhere.py")


@pytest.mark.slow
def test_jobs_are_told_when_no_fork_server_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")

    async def scenario() -> Outcome:
        async with executing(1) as children:
            return await children.run(tasks.add, a=1, b=2)

    outcome = asyncio.run(scenario())

    assert isinstance(outcome, Failed)
    assert outcome.error.code == "killed"
    assert "the fork server does not start" in outcome.error.message


def test_children_are_started_ahead_of_the_first_job() -> None:
    async def scenario() -> int:
        async with executing(2) as children:
            children.executor.warm()
            await soon(lambda: len(children.everything()) == 2)
            await children.value(tasks.add, a=1, b=2)
            await soon(lambda: len(children.everything()) == 3)
            return len(children.everything())

    assert asyncio.run(scenario()) == 3


def test_an_executor_that_was_never_used_starts_nothing() -> None:
    async def scenario() -> None:
        executor = ProcessExecutor(2, 1.0, "never-used.lock")
        await executor.close()
        assert executor.server_pid is None

    asyncio.run(scenario())
