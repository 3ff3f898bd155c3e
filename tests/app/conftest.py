"""An Offload of one's own for each test, with a database in the test's folder."""

from collections.abc import Iterator

import pytest

from offload import Offload


@pytest.fixture
def app() -> Iterator[Offload]:
    """Make one with a worker that is embedded by the first start; closed at the end."""
    app = Offload()
    yield app
    app.close()
