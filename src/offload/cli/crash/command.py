"""`offload demo crash`: plays it, tells what was found, and ends with 1 if a promise is broken."""

import time

import click

from offload.cli import exits, options
from offload.cli.crash.plan import FEW_SLICES, LEAST_SLICES, SLICES, Plan
from offload.cli.crash.play import Play, Surprise
from offload.cli.crash.receipt import Facts, promises
from offload.cli.crash.screens import Screen, screen
from offload.cli.crash.stage import Stage, staged
from offload.cli.crash.telling import page
from offload.cli.telling import print_json, tell


@click.command("crash")
@click.option("--fast", is_flag=True, help="A simulation of twelve seconds instead of a minute.")
@click.option("--keep", is_flag=True, help="Keep the folder, to look at its jobs.")
@click.option("--slices", type=click.IntRange(LEAST_SLICES), hidden=True)
@options.as_json
@click.pass_context
def crash(ctx: click.Context, *, fast: bool, keep: bool, slices: int | None, as_json: bool) -> None:
    """Kill a worker in the midst of its work, and see what that costs.

    Starts a server with a simulation of a minute and with work on a remote service; pauses the
    simulation and resumes it; kills the worker (SIGKILL); lets another one go on. Then come the
    books: what was done, what was done twice, what is left. The exit code is 1 if a promise is
    broken; then, or with --keep, the database stays. Ctrl-C ends it, and leaves nothing.
    """
    plan = Plan(slices or (FEW_SLICES if fast else SLICES))
    with staged(keep=keep) as stage:
        is_kept = _told(stage, plan, as_json=as_json or bool(ctx.obj))
        stage.keep |= not is_kept
    if stage.keep:
        tell(
            f"look at it with `offload status 2 --db {stage.database}`; it stays until you remove "
            f"{stage.folder}"
        )
    ctx.exit(exits.OK if is_kept else exits.FAILED)


def _told(stage: Stage, plan: Plan, *, as_json: bool) -> bool:
    """Play it and tell what was found; returns whether all promises are kept."""
    try:
        facts = perform(stage, plan, screen(as_json=as_json))
    except Surprise as surprise:
        if as_json:
            print_json({"surprise": str(surprise)})
        tell(f"this is not what had to come: {surprise}")
        return False
    found = tuple(promises(facts))
    if as_json:
        print_json({"promises": found, "attempts": facts.attempts, "receipts": facts.receipts})
    else:
        click.echo(page(facts, found, time.time()))
    return all(promise.is_kept for promise in found)


def perform(stage: Stage, plan: Plan, shown: Screen) -> Facts:
    """Play it, close the stage, and return what was found then.

    Raises:
        Surprise: something did not come true.
    """
    try:
        facts = Play(stage, plan, shown).run()
    finally:
        shown.close()
    stage.close()
    return facts()
