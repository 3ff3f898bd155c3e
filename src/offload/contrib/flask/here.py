"""The Offload of the Flask app at hand, under a name that can be imported.

`offload worker` and `offload start` are told by name whose tasks they are for. A Flask app made by
a factory has no such name, so `flask offload worker` names this module, and the app's name in it.
"""

from flask import current_app, has_app_context

from offload.contrib.flask.desk import AppOffload


def __getattr__(name: str) -> AppOffload:
    desk = current_app.extensions.get("offload") if has_app_context() else None
    if not isinstance(desk, AppOffload) or name != spelled(desk):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return desk


def spelled(desk: AppOffload) -> str:
    """Return the app's name as it stands behind the colon."""
    return desk.flask_app.name.rpartition(".")[2]
