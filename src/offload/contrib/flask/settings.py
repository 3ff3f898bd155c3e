"""The settings of a Flask app: `OFFLOAD_DB` and the like in `app.config`, before all others.

Read once, by `init_app`. The first of these that says something counts: `app.config`, what
`FlaskOffload(…)` was given, the environment, `offload.toml`, the default. `app.config` goes first
because it is what differs from one app to the next: a factory gives each test its own database,
whatever the module says.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from msgspec.structs import replace

from offload.config import Config, load_config
from offload.errors import ConfigError

PREFIX = "OFFLOAD_"

_ROUTES = "url_prefix"
_OF_OTHER_DOORS = {"app", "server", "workers", "host", "port", "token", "allow_host"}
_NAMES = [name for name in Config.__struct_fields__ if name not in _OF_OTHER_DOORS]


def read_config(app: Flask, said: Mapping[str, Any]) -> Config:
    """Return the settings in force for an app, with the database's absolute path.

    A relative path lies in the app's instance folder.

    Args:
        app: whose `config` is read.
        said: what `FlaskOffload` was given; None is not given.

    Raises:
        ConfigError: a key of `app.config` is unknown, or a value does not fit.
    """
    given = {name: value for name, value in _in_app_config(app).items() if name != _ROUTES}
    arguments = {**said, **given}
    if arguments.get("db") is not None:
        arguments["db"] = str(arguments["db"])
    config = load_config(arguments, spelled="the Flask setting {}")
    return replace(config, db=str(Path(app.instance_path) / config.db))


def read_prefix(app: Flask, said: str | None) -> str | None:
    """Return under which path the routes are; None is nowhere.

    Raises:
        ConfigError: it is no path.
    """
    prefix = app.config.get(PREFIX + _ROUTES.upper(), said)
    if prefix is None:
        return None
    if not isinstance(prefix, str) or (prefix and not prefix.startswith("/")):
        raise ConfigError(f"{PREFIX}URL_PREFIX must be a path such as '/offload', not {prefix!r}")
    return prefix.rstrip("/")


def _in_app_config(app: Flask) -> dict[str, Any]:
    """Return what `app.config` says of offload, by the names of the settings."""
    found = {}
    for key, value in app.config.items():
        if not key.startswith(PREFIX):
            continue
        name = key.removeprefix(PREFIX).lower()
        if name not in (*_NAMES, _ROUTES):
            raise ConfigError(f"app.config: {_unknown(key)}")
        if value is not None:
            found[name] = value
    return found


def _unknown(key: str) -> str:
    known = [PREFIX + name.upper() for name in (*_NAMES, _ROUTES)]
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no setting {key}; {hint}"
