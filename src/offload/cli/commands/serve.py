"""`offload serve`: the server process, and its worker processes.

    offload serve            HTTP; imports the tasks for their schemas and never calls one
     └─ offload worker …     claims jobs and runs them; so many as --workers says

When it is told to end, new starts are refused (503) while everything else is still answered; the
workers are told, and have the grace period; then all is over.
"""

import asyncio
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from offload.app import Offload
from offload.cli import options
from offload.cli.banner import Serving
from offload.cli.ending import Ending
from offload.cli.loop import run
from offload.cli.settings import EXAMPLES, configured
from offload.cli.supervisor import Supervisor
from offload.cli.telling import log_to_stderr, print_json
from offload.config import Config, load_config
from offload.http.server import HttpServer
from offload.loading import load
from offload.model import QueueSettings

DEFAULTS = QueueSettings(limit=3, capacity=10, keep=1000)
"""With which the queue is created where nothing else is said."""

WORKERS_TOO_LATE_SECONDS = 0.7
"""After the grace period: code that has not stopped by now will not, and its worker is killed."""

TOO_LATE_SECONDS = 0.85
"""After the grace period: the server ends, whatever it still does."""


@click.command
@options.app
@click.option("--host", metavar="NAME", help="Where to listen.  [default: 127.0.0.1]")
@click.option("--port", metavar="N", help="Where to listen; 0 takes a free one.  [default: 8080]")
@options.db
@click.option(
    "--concurrency", metavar="N", help="Jobs running at once, over all workers.  [default: 3]"
)
@click.option(
    "--capacity", metavar="N", help="Jobs waiting; further starts are refused.  [default: 10]"
)
@click.option("--keep", metavar="N", help="Finished jobs retained.  [default: 1000]")
@click.option("--workers", metavar="N", help="Worker processes.  [default: 1]")
@options.slots
@options.grace
@options.lease
@click.option("--token", metavar="TEXT", help="What clients must present, as a bearer token.")
@click.option("--allow-host", metavar="NAMES", help="Further names of this server, with commas.")
@options.as_json
def command(*, app: str | None, as_json: bool, **arguments: Any) -> None:
    """Serve tasks over HTTP, and run their jobs.

    Serves the tasks in FILE_OR_MODULE (tasks.py, pkg.module, tasks.py:app); without it, two
    example tasks. --concurrency, --capacity and --keep are written into the database when they are
    given; else they only apply to a new one.

    Each setting may also stand in a variable (OFFLOAD_PORT) or in offload.toml (port = 8080).

    SIGTERM and Ctrl-C end it: nothing more is started, running jobs have the grace period and then
    go back to the queue. A second signal ends it at once.
    """
    log_to_stderr()
    named = app or load_config(arguments).app
    served = named or EXAMPLES
    offload = load(served)
    config, queue_settings = configured(offload, arguments)
    server = HttpServer(offload, config, served=served)
    address = server.bind()
    queue = offload.set_queue(explicit=queue_settings, defaults=DEFAULTS)
    serving = Serving(named, address, offload, config, queue)
    workers = Supervisor(_worker_command(served, offload, config), config.workers)
    run(_serve(server, workers, config.grace, partial(_introduce, serving, as_json)))
    offload.close()


async def _serve(
    server: HttpServer, workers: Supervisor, grace: float, introduce: Callable[[], None]
) -> None:
    """Serve until told to end; what is printed first means that it can be told."""
    ending = Ending(grace + TOO_LATE_SECONDS, lambda: workers.signal(signal.SIGKILL))
    ending.listen()
    introduce()
    workers.start()
    serving = asyncio.create_task(server.run())
    asked = asyncio.create_task(ending.asked.wait())
    await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
    server.draining = True
    await workers.stop(grace + WORKERS_TOO_LATE_SECONDS)
    server.stop()
    asked.cancel()
    await serving


def _introduce(serving: Serving, as_json: bool) -> None:
    if as_json:
        print_json(serving.as_json())
    else:
        click.echo(serving.as_text())


def _worker_command(named: str, offload: Offload, config: Config) -> list[str]:
    """Return what starts a worker with the very settings of this process.

    `-P`: the working directory is not put first on the path, as it is not for `offload` itself.
    """
    settings = {
        "--db": str(offload.database),
        "--slots": str(config.slots),
        "--grace": str(config.grace),
        "--lease": str(config.lease),
    }
    flags = [part for setting in settings.items() for part in setting]
    return [sys.executable, "-P", "-m", "offload", "worker", named, *flags, "--with-parent"]
