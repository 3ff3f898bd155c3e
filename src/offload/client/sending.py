"""Sending: what every verb over HTTP is made of: a route, what is asked of it, and its answer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from msgspec.structs import replace

from offload.client.asking import PATIENCE_SECONDS, TIMEOUT_SECONDS, Asking
from offload.client.connections import Request
from offload.values import encode

JobView = dict[str, Any]
"""A job as JSON has it."""

TaskView = dict[str, Any]
"""A task as JSON has it."""

View = Mapping[str, Any]
"""Anything else, as JSON has it."""

Views = Sequence[View]


class Sending:
    """Asks one server, route by route; see `Client`."""

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        timeout: float = TIMEOUT_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.url = url
        self._asking = Asking(url, token, timeout, patience)

    def close(self) -> None:
        """Close the connections; the next verb opens them again."""
        self._asking.close()

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone. Not to be used there."""
        self._asking.after_fork()

    def _get(self, path: str, asked: View | None = None, seconds: float = 0.0) -> Any:
        path = with_query(path, (asked or {}).items())
        return self._asking.ask(Request("GET", path, seconds=seconds, is_repeatable=True))

    def _items(self, path: str) -> Views:
        found: Views = self._get(path)["items"]
        return found

    def _send(self, method: str, path: str, said: View | None = None) -> Any:
        """Ask for what is not the same when it is done twice."""
        return self._asking.ask(Request(method, path, _body(said)))

    def _wish(self, method: str, path: str, said: View | None = None) -> Any:
        """Ask for what is then so, be it asked once or twice."""
        return self._asking.ask(replace(Request(method, path, _body(said)), is_repeatable=True))


def quoted(name: str) -> str:
    """Return a name as it stands in a path."""
    return quote(name, safe="")


def with_query(path: str, asked: Iterable[tuple[str, Any]]) -> str:
    """Return a path with what was asked; None is not asked."""
    said = [(name, value) for name, value in asked if value is not None]
    return f"{path}?{urlencode(said)}" if said else path


def given(**said: Any) -> View:
    """Return what was given; None is not."""
    return {name: value for name, value in said.items() if value is not None}


def _body(said: View | None) -> bytes:
    return encode(dict(said)) if said else b""
