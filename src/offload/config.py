"""One frozen `Config`: arguments first, then the environment, then a TOML file, then defaults.

Every setting has one name: the flag `--keep`, the variable `OFFLOAD_KEEP` and the TOML key `keep`.
The TOML file is `offload.toml` in the working directory, or the one that `OFFLOAD_CONFIG` names.
"""

import difflib
import math
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from msgspec import UNSET, Struct, UnsetType

from offload.errors import ConfigError
from offload.model import QueueSettings


class Config(Struct, frozen=True):
    """Settings, each with its default for the library; `offload serve` has defaults of its own.

    Attributes:
        app: the tasks: a file or a module, with `:name` of the Offload in it if there are several.
        db: the database file.
        server: the address of a server that has the jobs.
        worker: whether a program may embed a worker: `auto`, or `off`.
        concurrency: jobs of the queue running at once; UNSET leaves the queue as it is.
        capacity: jobs admitted and not yet begun.
        keep: finished jobs retained.
        slots: jobs that one worker runs at once.
        processes: blocking jobs that one worker runs at once, each in a process of its own; as many
            as there are processors by default.
        max_frozen: paused jobs that one worker holds with all their memory.
        workers: worker processes under `offload serve`.
        grace: seconds that running jobs are given at shutdown.
        lease: seconds for which a worker owns a job without a sign of life.
        host: where the server listens.
        port: where the server listens; 0 takes a free one.
        token: what clients must present, as `Authorization: Bearer …`.
        allow_host: further names under which the server may be addressed, separated by commas.
        allow_origin: from which other sites' pages scripts may ask, separated by commas.
        start_rate: how many jobs one client may start over HTTP in which time, `100/s`; empty is no
            bound.
        access_log: whether the server's log has a line for each request: `on`, or `off`.
    """

    app: str = ""
    db: str = "offload.db"
    server: str = ""
    worker: Literal["auto", "off"] = "auto"
    concurrency: int | UnsetType = UNSET
    capacity: int | UnsetType = UNSET
    keep: int | UnsetType = UNSET
    slots: int = 100
    processes: int = os.cpu_count() or 1
    max_frozen: int = 1000
    workers: int = 1
    grace: float = 5.0
    lease: float = 30.0
    host: str = "127.0.0.1"
    port: int = 8080
    token: str = ""
    allow_host: str = ""
    allow_origin: str = ""
    start_rate: str = ""
    access_log: Literal["on", "off"] = "off"

    @property
    def queue(self) -> QueueSettings:
        """What was said explicitly about the queue."""
        return QueueSettings(limit=self.concurrency, capacity=self.capacity, keep=self.keep)


_TYPES = {field.name: field.type for field in msgspec.structs.fields(Config)}

_BOUNDS: dict[str, tuple[float, float]] = {
    "concurrency": (0, math.inf),
    "capacity": (0, math.inf),
    "keep": (0, math.inf),
    "slots": (1, math.inf),
    "processes": (1, 10_000),
    "max_frozen": (0, math.inf),
    "workers": (0, math.inf),
    "grace": (0, 86_400 * 365),
    "lease": (3, 86_400 * 365),
    "port": (0, 65_535),
}
"""The least and the most of each setting that is a number."""


def load_config(
    arguments: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
    *,
    spelled: str = "--{}",
) -> Config:
    """Gather the settings; an argument that is None counts as not given.

    Args:
        arguments: settings by name, as flags or as a program gave them.
        environment: where the variables stand.
        folder: where `offload.toml` may stand; the working directory by default.
        spelled: how an argument is called in an error, with its name for the braces.

    Raises:
        ConfigError: a setting is unknown or has a value that does not fit; says where it stands.
    """
    settings: dict[str, Any] = {}
    for name, (value, source) in _gathered(arguments, environment, folder or Path.cwd()).items():
        settings[name] = _read(name, value, source or spelled.format(name.replace("_", "-")))
    return Config(**settings)


def _gathered(
    arguments: Mapping[str, Any], environment: Mapping[str, str], folder: Path
) -> dict[str, tuple[Any, str]]:
    """Return each given setting and where it stands, "" for an argument; the last one wins."""
    gathered = _from_toml(environment, folder)
    for name in Config.__struct_fields__:
        variable = f"OFFLOAD_{name.upper()}"
        if environment.get(variable, "") != "":
            gathered[name] = (environment[variable], f"the variable {variable}")
        if arguments.get(name) is not None:
            gathered[name] = (arguments[name], "")
    return gathered


def _from_toml(environment: Mapping[str, str], folder: Path) -> dict[str, tuple[Any, str]]:
    named = environment.get("OFFLOAD_CONFIG", "")
    file = Path(named) if named else folder / "offload.toml"
    if not file.exists():
        if named:
            raise ConfigError(f"there is no file {file}, which OFFLOAD_CONFIG names")
        return {}
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    for name in content:
        if name not in Config.__struct_fields__:
            raise ConfigError(f"{file}: there is no setting {name!r}{_nearest(name)}")
    return {name: (value, str(file)) for name, value in content.items()}


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, Config.__struct_fields__, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _wanted(name: str) -> str:
    """Say in words what a setting takes."""
    choices = get_args(_TYPES[name])
    if all(isinstance(choice, str) for choice in choices) and choices:
        return " or ".join(map(repr, choices))
    default = getattr(Config(), name)
    return {int: "a whole number", float: "a number", str: "text"}.get(
        type(default), "a whole number"
    )


def _read(name: str, value: Any, source: str) -> Any:
    try:
        read = msgspec.convert(value, _TYPES[name], strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{source}: {name} must be {_wanted(name)}, not {value!r}") from error
    least, most = _BOUNDS.get(name, (-math.inf, math.inf))
    if not isinstance(read, str) and not least <= read <= most:  # NaN lies between nothing
        bound = f"at most {most:.0f}" if read > most else f"at least {least:g}"
        raise ConfigError(f"{source}: {name} must be {bound}, not {value!r}")
    return read
