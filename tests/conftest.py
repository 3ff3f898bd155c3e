"""What every test may use."""

import os
import signal
from pathlib import Path

import pytest

# What a shell runs in the background begins with SIGINT ignored, and so do all programs that it
# starts; the tests that press Ctrl-C mean programs that were started in a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Two processes of tests for each processor, since many tests wait for other processes: with
    one for each the processors stood idle 42 % of the time."""
    return 2 * len(os.sched_getaffinity(0))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with slow tests first: the quick ones fill what is left over at the end.

    Otherwise a file with two tests of a minute is begun last, and is waited for alone.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _plain_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, with no setting in the environment."""
    for name in [name for name in os.environ if name.startswith("OFFLOAD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
