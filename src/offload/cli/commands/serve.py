"""`offload serve`: the server process, and its worker processes.

    offload serve            HTTP; imports the tasks for their schemas and never calls one
     └─ offload worker …     claims jobs and runs them; so many as --workers says

When it is told to end, new starts are refused (503) while everything else is still answered; the
workers are told, and have the grace period; then all is over.

With --reload such a tree stands below a process that only looks at the files (`reloading`).
"""

import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import Any

import click

from offload import keyring
from offload.app import Offload
from offload.cli import options
from offload.cli.banner import Entrance, Serving
from offload.cli.generation import Inherited
from offload.cli.handover import SuccessiveServer
from offload.cli.loop import run
from offload.cli.parent import Parent
from offload.cli.reloading import Reloading
from offload.cli.settings import EXAMPLES, configured, quiet
from offload.cli.silent_workers import SilentWorkers
from offload.cli.supervisor import Supervisor
from offload.cli.telling import log_to_stderr, print_json
from offload.cli.tree import Tree
from offload.config import Config, load_config
from offload.http.server import has_tokens, listen
from offload.loading import load
from offload.model import QueueSettings

DEFAULTS = QueueSettings(limit=3, capacity=10, keep=1000)
"""With which the queue is created where nothing else is said."""


def _with_commas(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> str | None:
    return ",".join(value) or None


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
@options.max_frozen
@options.processes
@options.grace
@options.lease
@click.option("--token", metavar="TEXT", help="What clients must present, as a bearer token.")
@click.option("--allow-host", metavar="NAMES", help="Further names of this server, with commas.")
@click.option(
    "--allow-origin",
    metavar="URL",
    multiple=True,
    callback=_with_commas,
    help="Another site whose pages may ask; may be repeated.",
)
@click.option("--start-rate", metavar="N/TIME", help="Jobs one client may start, as 100/s.")
@click.option(
    "--access-log",
    metavar="on|off",
    help="Whether to log a line for each request, without its query.  [default: off]",
)
@click.option("--reload", is_flag=True, help="Serve each change of the code; for development.")
@options.as_json
@click.option("--inherited", metavar="NUMBERS", hidden=True)
@click.option("--with-parent", is_flag=True, hidden=True)
def command(
    *,
    app: str | None,
    as_json: bool,
    reload: bool,
    inherited: str | None,
    with_parent: bool,
    **arguments: Any,
) -> None:
    """Serve tasks over HTTP, and run their jobs.

    Serves the tasks in FILE_OR_MODULE (tasks.py, pkg.module, tasks.py:app); without it, the
    example tasks. --concurrency, --capacity and --keep are written into the database when they are
    given; else they only apply to a new one.

    Each setting may also stand in a variable (OFFLOAD_PORT) or in offload.toml (port = 8080).

    SIGTERM and Ctrl-C end it: nothing more is started, running jobs have the grace period and then
    go back to the queue. A second signal ends it at once.
    """
    heritage = None if inherited is None else Inherited.read(inherited)
    parent = Parent() if with_parent or heritage is not None else None
    log_to_stderr()
    named = app or load_config(arguments).app
    if reload and heritage is None:
        _reload(named or EXAMPLES, arguments, as_json)
        return
    served = named or EXAMPLES
    offload = load(served)
    config, queue_settings = configured(offload, arguments)
    server = SuccessiveServer(offload, config, served=served)
    if heritage is not None:
        server.take_over(heritage.listener)
    address = server.bind()
    queue = offload.set_queue(explicit=queue_settings, defaults=DEFAULTS)
    serving = Serving(named, address, offload, config, queue, _entrance(offload, config))
    workers = Supervisor(_worker_command(served, offload, config), config.workers)
    tree = Tree(server, workers, SilentWorkers(offload, workers, config.lease), parent)
    run(tree.run(config.grace, partial(_introduce, serving, as_json, heritage)))
    offload.close()


def _reload(served: str, arguments: Mapping[str, Any], as_json: bool) -> None:
    """Serve each change of the code, by one server after another."""
    config = load_config(arguments)
    listener = listen(config.host, config.port, config.token, partial(_has_tokens, config))
    given = {name: value for name, value in arguments.items() if value is not None}
    flags = [part for name, value in given.items() for part in (_flag(name), str(value))]
    # Bytecode is not kept: it is told from its source by whole seconds and the size, which is too
    # coarse for code that has changed just now.
    command = [sys.executable, "-B", *_offload()[1:], "serve", served, *flags]
    first = ["--json"] if as_json else []
    code = run(Reloading(command, first, served, listener).run(config.grace))
    click.get_current_context().exit(code)


def _has_tokens(config: Config) -> bool:
    """Whether the database of the settings holds a token; what a program says is not known yet."""
    with closing(Offload(config.db)) as looking:
        looking.configure(quiet(config))
        return has_tokens(looking)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _offload() -> list[str]:
    """Return what starts `offload` once more.

    `-P`: the working directory is not put first on the path, as it is not for `offload` itself.
    """
    options = ["-B"] if sys.flags.dont_write_bytecode else []
    return [sys.executable, *options, "-P", "-m", "offload"]


def _entrance(offload: Offload, config: Config) -> Entrance:
    """Say who may come in, and make a link that logs a person in where one can see it."""
    if not config.token and not has_tokens(offload):
        return Entrance(is_guarded=False)
    link = offload.run(keyring.offer_link(offload.now())) if sys.stdout.isatty() else ""
    return Entrance(is_guarded=True, link=link)


def _introduce(serving: Serving, as_json: bool, heritage: Inherited | None) -> None:
    """Say what is served; a later generation of a server that reloads says so only to that."""
    if heritage is None or heritage.number == 1:
        if as_json:
            print_json(serving.as_json())
        else:
            click.echo(serving.as_text())
    if heritage is not None:
        heritage.tell()


def _worker_command(named: str, offload: Offload, config: Config) -> list[str]:
    """Return what starts a worker with the very settings of this process."""
    settings = {
        "--db": str(offload.database),
        "--slots": str(config.slots),
        "--max-frozen": str(config.max_frozen),
        "--processes": str(config.processes),
        "--grace": str(config.grace),
        "--lease": str(config.lease),
    }
    flags = [part for setting in settings.items() for part in setting]
    return [*_offload(), "worker", named, *flags, "--with-parent"]
