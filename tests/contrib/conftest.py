"""Flask apps of a test's own, closed behind it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from offload.contrib.flask import FlaskOffload

MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[MakeApp]:
    """Makes an app, with an instance folder of its own, and gives it to an extension."""
    made: list[Flask] = []

    def make(offload: FlaskOffload, *, name: str = "shop", **config: Any) -> Flask:
        app = Flask(name, instance_path=str(tmp_path / f"instance {len(made)}"))
        app.config.update({"TESTING": True} | config)
        offload.init_app(app)
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["offload"].close()
