"""The server: uvicorn, bound before anything else starts, stopped by whoever holds it."""

import asyncio
import contextlib
import errno
import ipaddress
import logging
import math
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import uvicorn

from offload import keyring
from offload.app import Offload
from offload.config import Config
from offload.errors import ConfigError
from offload.feed import EventFeed
from offload.http import page
from offload.http.access_log import Attended
from offload.http.access_log import log as access_log
from offload.http.boundary import Boundary
from offload.http.crowd import Crowd, Limits
from offload.http.door import Door
from offload.http.keeper import Keeper
from offload.http.live import Live, Places
from offload.http.metrics import Metrics
from offload.http.origins import Origins
from offload.http.protocol import protocol_of
from offload.http.routes import ROUTES
from offload.http.routing import router
from offload.http.security import Guard, Names
from offload.http.throttle import Throttle
from offload.units import Rate, rate
from offload.worker.pulse import Pulse

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 5
STREAMS = 0.75
"""The share of all connections that streams of events may take."""
LONGEST_GRACE_SECONDS = 3
"""Given to requests that are still being answered; the long ones among them end at once."""


class HttpServer:
    """Serves an Offload over HTTP.

    Args:
        app: the Offload, with its tasks.
        config: where to listen, and who may ask.
        served: what is served, for people: the module or file of the tasks.

    Raises:
        ConfigError: a setting of the door does not fit.

    Attributes:
        limits: how long a connection may take for what, and how many there may be.
    """

    def __init__(self, app: Offload, config: Config, *, served: str = "") -> None:
        self.limits = Limits()
        self._app = app
        self._config = config
        self._door = Door(app, served)
        self._origins = Origins(config.allow_origin.split(","))
        self._throttle = Throttle(rate_of_starts(config.start_rate))
        if config.access_log == "on":
            access_log.setLevel(logging.INFO)
        self._socket: socket.socket | None = None
        self._uvicorn: _Uvicorn | None = None

    @property
    def draining(self) -> bool:
        """Whether it starts nothing new and keeps nobody waiting; all else is still answered."""
        return self._door.draining

    @draining.setter
    def draining(self, draining: bool) -> None:
        self._door.draining = draining

    def bind(self) -> str:
        """Begin to listen; returns the address, `http://127.0.0.1:8080`.

        Requests are kept waiting until `run`.

        Raises:
            ConfigError: it cannot listen there, or may not without a token; says what to do.
        """
        if self._socket is None:
            config = self._config
            has_stored = partial(has_tokens, self._app)
            self._socket = listen(config.host, config.port, config.token, has_stored)
        return f"http://{self._name}:{self._port}"

    async def run(self) -> None:
        """Serve until `stop`, then finish what is being asked.

        Raises:
            ConfigError: as `bind`, if that was not called before.
        """
        self.bind()
        assert self._socket is not None
        crowd = Crowd(self.limits)
        feed = EventFeed(self._app)
        places = Places(int(crowd.most * STREAMS))
        live = Live(feed, places, crowd, Pulse(), Metrics(self._app))
        self._uvicorn = _Uvicorn(self._settings(live), live)
        if self._door.draining:
            self._uvicorn.stop()
        try:
            await self._uvicorn.serve(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Tell it to stop; returns at once. May be called from a signal handler or any thread."""
        self._door.draining = True
        if self._uvicorn is not None:
            self._uvicorn.stop()

    @property
    def _is_local(self) -> bool:
        """Whether only this machine can reach it."""
        assert self._socket is not None
        return _is_loopback(self._socket.getsockname()[0])

    @property
    def _name(self) -> str:
        """The host as it stands in a URL; this machine's own where it listens on every address."""
        host = self._config.host.lower()
        if host in _EVERY_ADDRESS:
            return "127.0.0.1"
        return f"[{host}]" if ":" in host else host

    @property
    def _port(self) -> int:
        assert self._socket is not None
        port: int = self._socket.getsockname()[1]
        return port

    def _settings(self, live: Live) -> uvicorn.Config:
        config = self._config
        allowed = [name for name in config.allow_host.split(",") if name.strip()]
        names = Names.of(self._name, self._port, allowed)
        routes = (*ROUTES, *page.routes())
        keeper = Keeper(self._app, config.token, is_local=self._is_local)
        guarded = Guard(
            router(self._door, routes),
            names,
            keeper,
            routes,
            origins=self._origins,
            throttle=self._throttle,
        )
        return uvicorn.Config(
            Attended(Boundary(guarded, self._door), live),
            http=protocol_of(live.crowd),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # query strings carry arguments
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=min(LONGEST_GRACE_SECONDS, math.ceil(config.grace)),
        )


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers, and asleep until there is something to do.

    Args:
        config: its settings.
        live: its feed is closed before it waits for what is being answered: streams never end.
    """

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the process."""
        yield

    async def main_loop(self) -> None:
        """Renew the Date header each second, until told to stop (uvicorn: ten looks a second)."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            self._live.pulse.expect(1.0)
            try:
                async with asyncio.timeout(1.0):
                    await self._stopped.wait()
            except TimeoutError:
                self._live.pulse.beat()
        self._live.feed.close()

    def stop(self) -> None:
        """End the main loop."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed: it has ended already
                self._loop.call_soon_threadsafe(self._stopped.set)


_HIGHEST_PORT = 65_535
_EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::"})


def rate_of_starts(text: str) -> Rate | None:
    """Read how many jobs one client may start in which time; None is no bound.

    Raises:
        ConfigError: it is no rate.
    """
    try:
        return rate(text) if text else None
    except ValueError as error:
        raise ConfigError(f"start_rate: {error}") from error


def has_tokens(app: Offload) -> bool:
    """Whether the database holds a token that was not revoked, if it is there at all."""
    return app.database.exists() and app.run(keyring.is_guarded(app.now()))


def listen(
    host: str, port: int, token: str, has_stored: Callable[[], bool] = lambda: False
) -> socket.socket:
    """Return a socket that listens at the address.

    Args:
        host: a name or an address of this machine.
        port: 0 takes a free one.
        token: what clients have to show; may be empty.
        has_stored: says whether there is another token that they may show; asked where it matters.

    Raises:
        ConfigError: it cannot, or may not without a token; says what to do.
    """
    family, address = _resolve(host, port)
    if not (token or _is_loopback(address[0]) or has_stored()):
        raise ConfigError(
            f"{host or 'every address'} can be reached from other machines, and whoever reaches it "
            "may start and cancel jobs: set a token with --token or OFFLOAD_TOKEN, make one with "
            "`offload token create`, or listen at 127.0.0.1"
        )
    # asyncio turns Nagle's delay off (40 ms an answer) only where it is said that this is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Listening at once: bound alone, the address could still be taken by somebody else.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(_why_not(host, port, error)) from error
    return listener


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """Find the address of a name; an IPv4 address where it has both."""
    if port > _HIGHEST_PORT:  # getaddrinfo would take what is left of it modulo 65,536
        raise ConfigError(f"there is no port {port}; choose one up to {_HIGHEST_PORT} with --port")
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise ConfigError(_why_not(host, port, error)) from error
    family, _, _, _, address = min(found, key=lambda entry: entry[0] is not socket.AF_INET)
    return family, address


def _why_not(host: str, port: int, error: Exception) -> str:
    """Say why nobody can listen there, and what to do."""
    where = f"{host}:{port}"
    match error:
        case OSError(errno=number) if number == errno.EADDRINUSE:
            return f"{where} is in use by another program; choose another port with --port"
        case PermissionError():
            return f"this user may not listen at {where}; choose a port from 1024 on with --port"
        case _:
            return f"cannot listen at {where}: {error}; choose another address with --host"
