"""The verbs together with the tasks: what starts jobs must know what they take."""

from collections.abc import Mapping
from typing import Any

from offload.cli.local import Local
from offload.cli.settings import EXAMPLES, configured
from offload.cli.verbs import Verbs, goes_to_server, open_verbs
from offload.config import load_config
from offload.errors import ConfigError
from offload.loading import load


def open_with_tasks(arguments: Mapping[str, Any], app: str | None) -> Verbs:
    """Open the verbs; here with the module of the tasks, a server has its own.

    Raises:
        ConfigError: there is no such module, or `app` was given for a server.
    """
    config = load_config({**arguments, "app": app})
    if not goes_to_server(arguments, config):
        offload = load(config.app or EXAMPLES)
        configured(offload, arguments)
        return Local(offload)
    if app is not None:
        raise ConfigError("--app is for a database; a server has its own tasks (leave it out)")
    return open_verbs(arguments)
