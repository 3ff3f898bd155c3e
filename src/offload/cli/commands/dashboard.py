"""`offload dashboard`: the dashboard of a server elsewhere, at an address of this machine."""

import asyncio
import contextlib
import socket
from typing import Any

import click

from offload.cli import options
from offload.cli.ending import Ending
from offload.cli.front import Front, Server
from offload.cli.loop import run
from offload.cli.relay import Relay
from offload.cli.telling import print_json
from offload.client import Client
from offload.client.address import address_of
from offload.client.connections import Connections
from offload.config import Config, load_config
from offload.errors import ConfigError
from offload.http.security import Names
from offload.http.server import listen

HOST = "127.0.0.1"
PORT = "8081"
GRACE_SECONDS = 3.0


@click.command
@options.server
@options.token
@click.option("--port", metavar="N", help="Where to listen; 0 takes a free one.  [default: 8081]")
@options.as_json
def command(*, server: str | None, token: str | None, port: str | None, as_json: bool) -> None:
    """Show the dashboard of a server elsewhere.

    It listens at 127.0.0.1 only, and hands on to the server what the dashboard asks, with the
    token; the browser never has that. Whoever can use this machine can use what the token opens.

    SIGTERM and Ctrl-C end it.
    """
    given = {"server": server, "token": token, "port": port or PORT}
    config = load_config(given)
    if not config.server:
        raise ConfigError(
            "say whose dashboard: --server http://…, or OFFLOAD_SERVER; `offload serve` has its "
            "own at its address"
        )
    _look(config)
    listener = listen(HOST, config.port, "")
    run(_serve(config, listener, as_json))


def _look(config: Config) -> None:
    """Ask the server for something, so that a wrong address or token is told now.

    Raises:
        OffloadError: it does not answer, or does not take the token.
    """
    with contextlib.closing(Client(config.server, config.token)) as client:
        client.tasks()


async def _serve(config: Config, listener: socket.socket, as_json: bool) -> None:
    port = listener.getsockname()[1]
    relay = Relay(Connections(address_of(config.server), timeout=10.0), config.token)
    serving = Server(Front(relay, Names.of(HOST, port)), relay, listener)
    ending = Ending(GRACE_SECONDS)
    ending.listen()
    _introduce(config, f"http://{HOST}:{port}", as_json)
    over = asyncio.create_task(serving.run_to_end())
    asked = asyncio.create_task(ending.asked.wait())
    await asyncio.wait({over, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    serving.stop()
    await over


def _introduce(config: Config, address: str, as_json: bool) -> None:
    """Say where it is; the first line is for programs too."""
    introduction: dict[str, Any] = {"address": address, "server": config.server}
    if as_json:
        print_json(introduction)
        return
    click.echo(f"offload shows {config.server} on {address}")
    click.echo("  stop      Ctrl-C")
