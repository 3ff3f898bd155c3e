"""`offload worker`: claims jobs and runs them until it is told to end."""

import asyncio
import contextlib
import gc
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from offload.app import Offload
from offload.cli import options
from offload.cli.ending import Ending, leave
from offload.cli.loop import run
from offload.cli.parent import Parent
from offload.cli.settings import EXAMPLES, configured
from offload.cli.telling import log_to_stderr, print_json
from offload.config import load_config
from offload.loading import load
from offload.worker.worker import Worker, WorkerSettings

TOO_LATE_SECONDS = 0.85
"""After the grace period: stopped code has had its time (`STOPPING_SECONDS`)."""

WITHOUT_LIMIT_SECONDS = 86_400.0 * 365
"""What a retired worker's jobs are given."""


@click.command
@options.app
@options.db
@options.slots
@options.max_frozen
@options.processes
@options.grace
@options.lease
@click.option(
    "--queue",
    "queues",
    metavar="NAME",
    multiple=True,
    help="Serve only this queue; may be repeated.",
)
@options.as_json
@click.option("--with-parent", is_flag=True, hidden=True)
def command(
    *, app: str | None, queues: tuple[str, ...], as_json: bool, with_parent: bool, **arguments: Any
) -> None:
    """Run jobs, without a server.

    Takes jobs of the tasks in FILE_OR_MODULE (tasks.py, pkg.module, tasks.py:app) from the
    database, beside other workers on this machine. SIGTERM and Ctrl-C end it: it takes nothing
    more, gives running jobs the grace period and then gives them back. A second signal ends it at
    once.
    """
    parent = Parent() if with_parent else None
    log_to_stderr()
    named = app or load_config(arguments).app or EXAMPLES
    offload = load(named)
    config, _ = configured(offload, arguments)
    settings = WorkerSettings(
        config.slots, config.processes, config.lease, queues, config.max_frozen
    )
    introduce = partial(_introduce, named, offload, settings, as_json)
    left = run(_work(offload, settings, config.grace, parent, introduce))
    offload.close()
    if left:
        leave(0)  # a thread that does not stop is not waited for


async def _work(
    offload: Offload,
    settings: WorkerSettings,
    grace: float,
    parent: Parent | None,
    introduce: Callable[[], None],
) -> int:
    """Work until told to end; returns how many jobs' code could not be stopped.

    What it introduces itself with means that it can be told; a server speaks for its workers.
    """
    ending = Ending(grace + TOO_LATE_SECONDS)
    ending.listen()
    worker = offload.make_worker(settings)
    if parent is None:
        introduce()
    else:
        parent.then(ending.begin)
        parent.when_retired(partial(_retire, worker, asyncio.get_running_loop()))
    gc.collect()
    gc.freeze()  # what was imported stays: 50 ms of full collections less in 10,000 jobs
    working = asyncio.create_task(worker.run())
    asked = asyncio.create_task(ending.asked.wait())
    await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        await worker.drain(grace)
    asked.cancel()
    await working
    return worker.running


def _retire(worker: Worker, loop: asyncio.AbstractEventLoop) -> None:
    """Have a worker take nothing more, and end when its jobs have ended; from any thread."""
    with contextlib.suppress(RuntimeError):  # its loop has ended already
        asyncio.run_coroutine_threadsafe(worker.drain(WITHOUT_LIMIT_SECONDS), loop)


def _introduce(named: str, offload: Offload, settings: WorkerSettings, as_json: bool) -> None:
    """Say what this worker does; the first line is for programs too."""
    tasks = offload.registry.names()
    if as_json:
        print_json(
            {
                "works_for": named,
                "tasks": tasks,
                "database": str(offload.database),
                "queues": settings.queues,
                "slots": settings.slots,
                "processes": settings.processes,
            }
        )
        return
    click.echo(f"offload works for {named}")
    click.echo(f"  tasks     {', '.join(tasks)}")
    click.echo(f"  database  {offload.database}")
    click.echo(f"  queues    {', '.join(settings.queues) or 'all'}")
    click.echo(f"  slots     {settings.slots}")
    click.echo(f"  processes {settings.processes}")
    click.echo("  stop      Ctrl-C")
