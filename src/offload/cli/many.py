"""One verb for many jobs: those that are named, or all that a filter leaves.

Where a filter says which jobs, they are counted first and a person is asked; then they are gone
through, and what came of it is said as numbers.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import click
from msgspec import Struct
from msgspec.structs import replace

from offload.cli import exits
from offload.cli.narrowing import narrowed, taken_from
from offload.cli.telling import print_json, tell, tell_error
from offload.cli.verbs import JobView, VerbOfMany, Verbs
from offload.errors import JobError, OffloadError, Refused

F = TypeVar("F", bound=Callable[..., Any])

_SAYS: Mapping[str, tuple[str, str]] = {
    "cancel": ("would be cancelled", "cancelled or cancelling"),
    "pause": ("would be paused", "paused or pausing"),
    "resume": ("would go on", "resumed"),
    "retry": ("would be run again", "run again"),
}
"""Of a job that is changed: what a preview says, and what is so afterwards."""

_OVERTAKEN = frozenset({"already-finished", "not-finished", "evicted", "unknown-job"})
"""Refusals of jobs that have ended, or begun anew, meanwhile: nothing is wrong with that."""


class Meant(Struct, frozen=True):
    """Which jobs a command line means, and how they are to be asked.

    Attributes:
        ids: these; or else all that the filter leaves.
        narrowed: the filter, by the names that HTTP has.
        preview: only count.
        yes: without asking a person first.
    """

    ids: tuple[int, ...]
    narrowed: Mapping[str, str]
    preview: bool
    yes: bool


def of_many(function: F) -> F:
    """Add the options of a verb that many jobs can be asked for; see `meant`."""
    for option in (
        click.option("--yes", "-y", is_flag=True, help="Do not ask first."),
        click.option("--preview", is_flag=True, help="Change nothing; say how many it would be."),
        narrowed,
    ):
        function = option(function)
    return function


def meant(job_ids: tuple[int, ...], arguments: dict[str, Any]) -> Meant:
    """Take what is meant out of a command's arguments.

    Raises:
        click.UsageError: nothing is named, or jobs in two ways; says what there is to be named.
    """
    found = Meant(
        job_ids,
        taken_from(arguments),
        preview=arguments.pop("preview"),
        yes=arguments.pop("yes"),
    )
    if not (found.ids or found.narrowed):
        raise click.UsageError(
            "say which jobs: by their numbers, or by --state, --task, --queue, --tag, --group, "
            "--since, --worker or --search"
        )
    if found.ids and found.narrowed:
        raise click.UsageError("name jobs by their numbers or by a filter, not in both ways")
    if found.ids and found.preview:
        raise click.UsageError("--preview counts the jobs of a filter; `offload status` shows one")
    return found


def how_it_is(job: JobView) -> str:
    """Say what a job is now, and whether it was so already."""
    already = "" if job["changed"] else " already"
    return f"job {job['id']} is {job['state']}{already}"


def ask_each(
    job_ids: Iterable[int],
    ask: Callable[[int], JobView],
    *,
    as_json: bool,
    say: Callable[[JobView], str] = how_it_is,
) -> int:
    """Ask one job after the other; returns the exit code of the first that refused."""
    codes: list[int] = []
    for job_id in dict.fromkeys(job_ids):
        try:
            job = ask(job_id)
        except (JobError, Refused) as error:
            tell_error(error)
            codes.append(exits.of_error(error))
            continue
        if as_json:
            print_json(job)
        else:
            click.echo(say(job))
    return codes[0] if codes else exits.OK


def ask_all(
    verbs: Verbs, verb: VerbOfMany, which: Meant, *, as_json: bool, reason: str | None = None
) -> int:
    """Ask all that the filter leaves, if a person agrees; returns the exit code.

    Raises:
        click.UsageError: nobody can be asked, and nobody has said --yes.
    """
    if not (which.preview or which.yes):
        _check_somebody_is_there()
        expected = _gone_through(verbs, verb, replace(which, preview=True))
        if expected["changed"] and not _agreed(verb, expected):
            tell("nothing was changed")
            return exits.INTERRUPTED
    done = _gone_through(verbs, verb, which, reason)
    if as_json:
        print_json(done)
    else:
        click.echo(_sentence(verb, done))
    return exits.REFUSED if done["refused"].keys() - _OVERTAKEN else exits.OK


def _check_somebody_is_there() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(
            "a filter may mean many jobs, and there is no terminal to ask on; look with --preview "
            "what it would change, then say --yes"
        )


def _agreed(verb: str, expected: Mapping[str, Any]) -> bool:
    click.echo(f"{_sentence(verb, expected)}.", err=True)
    try:
        return click.confirm(f"{verb.capitalize()} them?", err=True)
    except click.Abort:  # Ctrl-C, or the end of the input
        click.echo(err=True)
        return False


def _gone_through(
    verbs: Verbs, verb: VerbOfMany, which: Meant, reason: str | None = None
) -> dict[str, Any]:
    """Ask them, and tell how far it is where that takes long."""
    asked = verbs.of_many(verb, which.narrowed, preview=which.preview, reason=reason)
    done: dict[str, Any] = _added_up(())
    try:
        for view in asked:
            done = _added_up((done, view))
            if view["next_cursor"] is not None:
                tell(f"{done['matched']} jobs looked at; {_sentence(verb, done)} …")
    except (KeyboardInterrupt, OffloadError):
        if done["matched"] and not which.preview:
            tell(
                f"broken off after {_sentence(verb, done)}; the same command goes on with the rest"
            )
        raise
    return done | {"preview": which.preview}


def _added_up(views: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the counts of several requests as those of one."""
    counts: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    is_preview = False
    for view in views:
        counts.update({name: view[name] for name in ("matched", "changed", "unchanged")})
        refused.update(view["refused"])
        is_preview = is_preview or view["preview"]
    numbers = {name: counts[name] for name in ("matched", "changed", "unchanged")}
    return {"preview": is_preview, **numbers, "refused": dict(refused)}


def _sentence(verb: str, done: Mapping[str, Any]) -> str:
    """Say what came of it: `12 jobs would be cancelled; 2 refuse (already-finished)`."""
    expected, so = _SAYS[verb]
    words = [f"{_jobs(done['changed'])} {expected if done['preview'] else so}"]
    if done["unchanged"]:
        words.append(f"{done['unchanged']} so already")
    words += _refusals(done["refused"])
    return "; ".join(words)


def _refusals(refused: Mapping[str, int]) -> Iterator[str]:
    for name, count in sorted(refused.items()):
        yield f"{count} refused ({name})"


def _jobs(count: int) -> str:
    return f"{count} job{'' if count == 1 else 's'}"
