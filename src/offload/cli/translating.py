"""What commands and HTTP say, in the words of a database here: filters, counts, amendments."""

from collections.abc import Mapping
from typing import Any

from offload.amending import amendment
from offload.bulk import Done
from offload.cli.verbs import VerbOfMany
from offload.desk.looking import Narrowing
from offload.errors import ConfigError
from offload.filters import terms_of
from offload.lifecycle import Amendment
from offload.model import Wish
from offload.problems import problem_name
from offload.units import instant, since

WISHES: Mapping[VerbOfMany, Wish | None] = {
    "cancel": Wish.CANCEL,
    "pause": Wish.PAUSE,
    "resume": Wish.RESUME,
    "retry": None,
}

_NAMES = {"state": "states", "q": "text"}
"""What a filter's names are in Python, where they differ."""


def narrowing_of(narrowed: Mapping[str, str], now: float) -> Narrowing:
    """Read a filter by the names that it has over HTTP.

    Raises:
        ConfigError: a value does not fit.
    """
    said: Any = {_NAMES.get(name, name): value for name, value in narrowed.items()}
    for name in said.keys() & {"group", "worker"}:
        said[name] = int(said[name])
    if "states" in said:
        said["states"] = said["states"].split(",")
    try:
        terms_of(said.get("text", ""))
        if "since" in said:
            said["since"] = since(said["since"], now)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    narrowing: Narrowing = said
    return narrowing


def amendment_of(otherwise: Mapping[str, Any]) -> Amendment:
    """Read what is to be otherwise with a job.

    Raises:
        ConfigError: a value does not fit.
    """
    said: Any = dict(otherwise)
    try:
        if said.get("run_at") is not None:
            said["run_at"] = instant(said["run_at"])
        return amendment(**said)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def counts(done: Done, *, preview: bool) -> Mapping[str, Any]:
    """Return what came of it as HTTP answers it."""
    return {
        "preview": preview,
        "matched": done.matched,
        "changed": done.changed,
        "unchanged": done.unchanged,
        "refused": {problem_name(kind): count for kind, count in done.refused.items()},
        "next_cursor": None if done.before is None else str(done.before),
    }
