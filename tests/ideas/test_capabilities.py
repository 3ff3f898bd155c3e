"""What can be done with a running job, by the way in which its code is run."""

from collections.abc import Callable
from typing import Any

import pytest

from offload.capabilities import Cancelling, Capabilities, Pausing, capabilities_of
from offload.registry import Registry
from offload.worker.context import Context


async def fetch() -> None: ...


def render() -> None: ...


def simulate(ctx: Context) -> None: ...


@pytest.mark.parametrize(
    ("function", "options", "expected"),
    [
        (fetch, {}, Capabilities(Cancelling.AT_AWAIT, Pausing.AT_AWAIT, memory=False)),
        (render, {}, Capabilities(Cancelling.KILLED, Pausing.STOPPED, memory=True)),
        (render, {"executor": "thread"}, Capabilities(Cancelling.ASKED, Pausing.NO, memory=False)),
        (
            render,
            {"executor": "thread", "checkpoints": True},
            Capabilities(Cancelling.ASKED, Pausing.AT_CHECKPOINT, memory=False),
        ),
        (
            simulate,
            {"executor": "thread"},
            Capabilities(Cancelling.ASKED, Pausing.AT_CHECKPOINT, memory=False),
        ),
    ],
)
def test_each_way_to_run_code_has_its_own(
    function: Callable[..., Any], options: dict[str, Any], expected: Capabilities
) -> None:
    assert capabilities_of(Registry().add(function, **options)) == expected


def test_a_function_that_no_child_can_import_says_why_it_runs_in_a_thread() -> None:
    def made_here() -> None: ...

    found = capabilities_of(Registry().add(made_here))

    assert found == Capabilities(
        Cancelling.ASKED, Pausing.NO, memory=False, reason="it was made inside another function"
    )
