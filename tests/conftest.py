"""What every test may use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _plain_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, with no setting in the environment."""
    for name in [name for name in os.environ if name.startswith("OFFLOAD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
