"""`offload demo`: a job of every kind, live, with a worker of its own; and a crash."""

import contextlib
import shutil
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from msgspec import UNSET
from msgspec.structs import replace

from offload.app import Offload
from offload.cli import exits, options, screen
from offload.cli.acts import ACTS, BOX, Act, cancellations, narrated, surprises
from offload.cli.crash.command import crash
from offload.cli.interrupting import ended_by_signals
from offload.cli.local import Local
from offload.cli.settings import EXAMPLES
from offload.cli.showing import shown
from offload.cli.telling import tell
from offload.cli.verbs import JobView
from offload.cli.watching import Named, follow
from offload.config import load_config
from offload.errors import AlreadyFinished
from offload.examples.boxes import PollingDouble
from offload.loading import load

Started = list[tuple[Act, Sequence[int]]]

WIDEST = 100
"""Columns of text; longer lines are hard to read."""


@click.group(invoke_without_command=True)
@click.option("--db", metavar="FILE", help="Keep the jobs there.  [default: they are thrown away]")
@options.as_json
@click.pass_context
def command(ctx: click.Context, *, db: str | None, as_json: bool) -> None:
    """See what offload does, in half a minute.

    Starts a job of every kind in a database of its own, runs them, and shows how they go on, here
    and in a browser. With --db that database stays, to be looked at with the other commands.

    `offload demo crash` kills a worker in the midst of its work, and shows what becomes of that.
    """
    if ctx.invoked_subcommand is None:
        _kinds(db, as_json=as_json)
    elif db is not None:
        raise click.UsageError("--db is for the demo without `crash`, which has --keep")
    ctx.obj = as_json


command.add_command(crash)


def _kinds(db: str | None, *, as_json: bool) -> None:
    """Show a job of every kind."""
    with ended_by_signals(), _database(db) as file:
        app = _opened(file)
        try:
            unexpected = _play(app, as_json=as_json)
        finally:
            app.close()
    for sentence in unexpected:
        tell(sentence)
    if not as_json:
        _tell_what_next(db)
    click.get_current_context().exit(exits.FAILED if unexpected else exits.OK)


@contextlib.contextmanager
def _database(db: str | None) -> Iterator[Path]:
    if db is not None:
        yield Path(db)
        return
    with tempfile.TemporaryDirectory(prefix="offload-demo-") as folder:
        yield Path(folder) / "offload.db"


def _opened(file: Path) -> Offload:
    """Return the example tasks with a worker of their own, whatever is set elsewhere."""
    app = load(EXAMPLES)
    limits = {"concurrency": UNSET, "capacity": UNSET, "keep": UNSET}
    app.configure(replace(load_config({"db": str(file)}), worker="auto", **limits))
    return app


def _play(app: Offload, *, as_json: bool) -> list[str]:
    """Start everything and show it to its end; returns what went otherwise than was told."""
    started = [(act, _start(app, act)) for act in ACTS if _executor(app, act)]
    if as_json:
        return _followed(app, started, as_json=True)
    with shown(app, served=EXAMPLES) as address:
        _narrate(app, started)
        click.echo(f"watch them, and pause or cancel one, on {address}\n")
        return _followed(app, started, as_json=False)


def _followed(app: Offload, started: Started, *, as_json: bool) -> list[str]:
    ids = [job_id for _, of_act in started for job_id in of_act]
    verbs = Local(app)
    look = _Directing(Named(verbs, ids), app, started)
    jobs = follow(verbs, look, screen.display(as_json=as_json))
    states = {job["id"]: str(job["state"]) for job in jobs}
    return list(surprises(started, states.__getitem__))


def _executor(app: Offload, act: Act) -> str:
    """Return how an act's code is run; "" where there is no such task."""
    if act.task == BOX:
        return "box"
    return app.find(act.task).registered.executor if act.task in app.registry else ""


def _start(app: Offload, act: Act) -> Sequence[int]:
    if act.task == BOX:
        return [_submit(app, PollingDouble(**call)) for call in act.calls]
    task = app.find(act.task).using(**act.options)
    if len(act.calls) == 1:
        return [task.start(**act.calls[0]).id]
    return [job.id for job in task.map(act.calls).jobs()]


def _submit(app: Offload, box: PollingDouble) -> int:
    return app.submit(box, name=BOX, kind="polling", interval=0.5).id


def _narrate(app: Offload, started: Started) -> None:
    width = min(shutil.get_terminal_size((WIDEST, 0)).columns, WIDEST) - 1
    told: set[str] = set()
    for act, ids in started:
        executor = _executor(app, act)
        sentences = narrated(act, ids, "" if executor in told else executor)
        told.add(executor)
        said = textwrap.wrap(sentences, width, subsequent_indent="  ")
        click.echo("\n".join(said))


class _Directing:
    """Looks at the jobs, and cancels those that are to be cancelled when their time has come."""

    def __init__(self, look: Named, app: Offload, started: Started) -> None:
        self._look = look
        self._app = app
        self._started = started
        self._begun_at = time.monotonic()
        self._cancelled: set[int] = set()

    def __call__(self) -> Sequence[JobView]:
        seconds = time.monotonic() - self._begun_at
        for job_id in set(cancellations(self._started, seconds)) - self._cancelled:
            self._cancelled.add(job_id)
            with contextlib.suppress(AlreadyFinished):
                self._app.cancel(job_id)
        return self._look()


def _tell_what_next(db: str | None) -> None:
    lines = ["", "that was it. Next:"]
    if db is not None:
        lines += [f"  offload list --db {db}", f"  offload status 1 --db {db}"]
    lines += [
        "  offload demo crash        a worker is killed in the midst of its work",
        "  offload serve             the same over HTTP, with a page on http://127.0.0.1:8080",
        "  offload serve tasks.py    your own tasks: `app = Offload()` and `@app.task` in a file",
    ]
    click.echo("\n".join(lines))
