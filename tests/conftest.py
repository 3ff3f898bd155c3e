"""What every test may use."""

import os
import signal
from pathlib import Path

import pytest

# What a shell runs in the background begins with SIGINT ignored, and so do all programs that it
# starts; the tests that press Ctrl-C mean programs that were started in a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Three processes of tests for two processors: two of them stood idle 42 % of the time, since
    many tests wait for other processes."""
    return max(2, 3 * len(os.sched_getaffinity(0)) // 2)


@pytest.fixture(autouse=True)
def _plain_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, with no setting in the environment."""
    for name in [name for name in os.environ if name.startswith("OFFLOAD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
