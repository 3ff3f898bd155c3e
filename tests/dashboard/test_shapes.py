"""The shapes that the dashboard's types are checked against are those that the API answers with."""

import re
from importlib.resources import files

import msgspec
import pytest

from offload.app import Offload
from offload.capabilities import Capabilities
from offload.catalogue import task_shape
from offload.http.queues import QueueShape
from offload.http.stats import WorkerShape
from offload.shapes import parts
from offload.shapes.job import JobShape

STATIC = files("offload.dashboard") / "static"
TYPES = (STATIC / "shapes.d.ts").read_text("utf-8")
OF_THE_BRIEF = {"task_id", "status", "changed"}
"""Only at the brief's routes, or in an answer to a wish."""


def known(name: str) -> set[str]:
    """Return the fields that the dashboard knows of a shape."""
    found = re.search(rf"^interface {name} {{\n(.*?)^}}", TYPES, re.M | re.S)
    assert found, name
    return set(re.findall(r"^  (\w+)\??:", found[1], re.M))


@pytest.mark.parametrize(
    "shape",
    [
        parts.BarShape,
        parts.ErrorShape,
        parts.EventShape,
        parts.PauseShape,
        parts.ProgressShape,
        parts.UsageShape,
        QueueShape,
        WorkerShape,
        JobShape,
    ],
)
def test_a_shape_has_the_fields_that_the_api_gives(shape: type[msgspec.Struct]) -> None:
    assert known(shape.__name__) == set(shape.__struct_fields__) - OF_THE_BRIEF


def test_a_task_has_the_fields_that_the_api_gives() -> None:
    app = Offload()

    @app.task
    async def add(a: int) -> int:
        return a

    shape = task_shape(app.registry.find("add"), None)

    assert known("TaskShape") == set(shape)
    assert set(re.findall(r"capabilities: {(.*?)}", TYPES)[0].replace(" ", "").split(";")) == {
        "cancel:string",
        "pause:string",
        "memory:boolean",
        "reason:string|null",
    }
    assert set(shape["capabilities"]) == set(Capabilities.__struct_fields__)


def test_no_browser_is_sent_them() -> None:
    modules = [each for folder in STATIC.iterdir() if folder.is_dir() for each in folder.iterdir()]

    assert modules
    assert [each.name for each in modules if each.name.endswith(".ts")] == []
