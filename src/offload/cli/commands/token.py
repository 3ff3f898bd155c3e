"""`offload token`: make, list and revoke what clients show to a server.

It works on the database itself, not through a server: whoever may write that file may do anything
already. A server that runs hears of it within a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from offload import keyring
from offload.access.credentials import Token
from offload.access.scopes import Scope, scopes_text
from offload.app import Offload
from offload.cli import options
from offload.cli.settings import quiet
from offload.cli.table import columns
from offload.cli.telling import print_json, tell, visible
from offload.cli.times import duration, local
from offload.config import load_config
from offload.errors import ConfigError, StoreUnreadable
from offload.shapes import instant, maybe_instant

HEADINGS = ("id", "name", "scopes", "state", "expires", "last used", "made")

GIVES_WAY = ("made", "last used", "expires")

LONGEST_NAME = 100


@click.group
def command() -> None:
    """Make, list and revoke the tokens that clients show to a server.

    They are kept in the database, as hashes. As soon as there is one, a server of this database
    wants to see one in every request.
    """


@command.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    help="What it opens; may be repeated. submit and control contain read, admin all.  "
    "[default: read]",
)
@click.option("--expires", metavar="TIME", callback=options.read_time, help="After 12h, 90d, ….")
@click.option(
    "--job", metavar="ID", type=click.IntRange(1), help="It shows this one job, nothing else."
)
@options.db
@options.as_json
def create(
    *,
    name: str,
    scopes: tuple[str, ...],
    expires: float | None,
    job: int | None,
    as_json: bool,
    **arguments: Any,
) -> None:
    """Make a token called NAME. It is shown now, and never again."""
    given = tuple(map(Scope, scopes)) or (Scope.READ,)
    _check(name, given, expires, job)
    with _opened(arguments) as app:
        plan = keyring.create(name, given, app.now(), expires, job)
        made, secret = app.run(plan)
    if as_json:
        print_json(_view(made) | {"token": secret})
        return
    click.echo(secret)
    until = "" if made.expires_at is None else f" until {local(instant(made.expires_at))}"
    only = "" if job is None else f" of job {job} only"
    tell(
        f"token {made.id}, {name}: {scopes_text(given)}{only}{until}. It is not shown again; "
        "clients take it from OFFLOAD_TOKEN"
    )


@command.command("list")
@options.db
@options.as_json
def listing(*, as_json: bool, **arguments: Any) -> None:
    """List all tokens, oldest first, the revoked ones too."""
    with _opened(arguments, make=False) as app:
        tokens = app.run(keyring.tokens())
        now = app.now()
    if as_json:
        print_json([_view(token) | {"state": token.state(now)} for token in tokens])
    elif tokens:
        rows = [_row(token, now) for token in tokens]
        click.echo("\n".join(columns(HEADINGS, rows, gives_way=GIVES_WAY)))
    else:
        click.echo("no tokens; `offload token create NAME --scope read` makes one")


@command.command("revoke")
@click.argument("which", metavar="NAME_OR_ID", required=False)
@click.option("--sessions", is_flag=True, help="Log all browsers out instead.")
@options.db
@options.as_json
def revoke(*, which: str | None, sessions: bool, as_json: bool, **arguments: Any) -> None:
    """Take a token out of force, for good. Browsers that logged in with it are logged out."""
    if (which is None) is not sessions:
        raise click.UsageError("say which token, by name or number; or --sessions")
    with _opened(arguments, make=False) as app:
        if which is None:
            app.run(keyring.log_out(None))
            told: Any = {"sessions": 0}
            sentence = "all browsers are logged out"
        else:
            revoked = app.run(keyring.revoke(which, app.now()))
            told, sentence = _view(revoked) | {"state": "revoked"}, f"{revoked.name} is revoked"
            if not app.run(keyring.is_guarded(app.now())):
                sentence += (
                    "; no token is left: a server at 127.0.0.1 without --token is open to this "
                    "machine again"
                )
    if as_json:
        print_json(told)
    else:
        click.echo(sentence)


def _check(name: str, scopes: tuple[Scope, ...], expires: float | None, job: int | None) -> None:
    """Refuse what would be no use, or could be misread in a log."""
    if not name.isprintable() or not 0 < len(name.strip()) <= LONGEST_NAME:
        raise ConfigError(f"a token's name has 1 to {LONGEST_NAME} printable characters")
    if expires == 0:
        raise ConfigError("--expires: a token that is over at once opens nothing")
    if job is not None and scopes != (Scope.READ,):
        raise ConfigError("a token for one job can only read; leave --scope away")


@contextmanager
def _opened(arguments: dict[str, Any], *, make: bool = True) -> Iterator[Offload]:
    """Open the database.

    Args:
        arguments: `db`, if it was given.
        make: whether a database that is not there is made.
    """
    config = load_config(arguments)
    app = Offload(config.db)
    app.configure(quiet(config))
    if not make and not app.database.exists():
        raise StoreUnreadable(
            f"there is no database {app.database}; name another one with --db or OFFLOAD_DB"
        )
    try:
        yield app
    finally:
        app.close()


def _view(token: Token) -> dict[str, Any]:
    """Return a token as JSON has it; its hash stays where it is."""
    return {
        "id": token.id,
        "name": token.name,
        "scopes": [scope.value for scope in token.scopes],
        "job": token.job,
        "created_at": instant(token.created_at),
        "expires_at": maybe_instant(token.expires_at),
        "last_used_at": maybe_instant(token.last_used_at),
        "revoked_at": maybe_instant(token.revoked_at),
    }


def _row(token: Token, now: float) -> tuple[str, ...]:
    scopes = scopes_text(token.scopes) + ("" if token.job is None else f" (job {token.job})")
    used = "never" if token.last_used_at is None else f"{duration(now - token.last_used_at)} ago"
    return (
        str(token.id),
        visible(token.name),
        scopes,
        token.state(now),
        "never" if token.expires_at is None else local(instant(token.expires_at)),
        used,
        local(instant(token.created_at)),
    )
