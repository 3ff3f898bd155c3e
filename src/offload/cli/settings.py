"""The settings of a command: what it was told, what the program says, the environment, a file.

The order is the library's, with the flags before it: a flag, then what `Offload(…)` was given in
the program, then the environment, then `offload.toml`, then the default. So `python tasks.py` and
`offload serve tasks.py` use the same database.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from offload.app import Offload
from offload.config import Config, load_config
from offload.errors import ConfigError, OffloadError
from offload.model import QueueSettings, merge

EXAMPLES = "offload.examples"
"""What is served when nothing was named."""


def configured(app: Offload, arguments: Mapping[str, Any]) -> tuple[Config, QueueSettings]:
    """Return the settings in force for an app that was named, and what was said of its queue.

    The app itself is told to embed no worker, and nothing about its queue: only `offload serve`
    writes that; a start must not change limits because a variable is set where it was typed.

    Args:
        app: not used yet.
        arguments: the settings from the command line; None is not given.

    Raises:
        ConfigError: a setting does not fit, or the app was used while it was imported.
    """
    told = load_config(arguments)
    flags = {name: getattr(told, name) for name in arguments if arguments[name] is not None}
    queue = merge(Config(**flags).queue, app.queue_settings)
    config = replace(app.config, **flags)
    try:
        app.configure(quiet(config))
    except OffloadError as error:
        raise ConfigError(
            "the module uses its Offload while it is imported; put what starts jobs or looks at "
            'them under `if __name__ == "__main__":`'
        ) from error
    return config, queue


def quiet(config: Config) -> Config:
    """Return the settings of an Offload that embeds no worker and writes no queue's row."""
    return replace(config, worker="off", concurrency=UNSET, capacity=UNSET, keep=UNSET)
