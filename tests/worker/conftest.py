"""Rigs for the tests of the worker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.worker.rigs import ThreadRig, VirtualRig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[VirtualRig]:
    """A worker's surroundings on virtual time."""
    rig = VirtualRig(tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def threads(tmp_path: Path) -> Iterator[ThreadRig]:
    """A worker's surroundings in real threads."""
    rig = ThreadRig(tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[Callable[[int], VirtualRig]]:
    """Makes a rig of a seed, on a database of its own."""
    made: list[VirtualRig] = []

    def make(seed: int) -> VirtualRig:
        folder = tmp_path / str(seed)
        folder.mkdir()
        made.append(VirtualRig(folder, seed))
        return made[-1]

    yield make
    for rig in made:
        rig.close()
