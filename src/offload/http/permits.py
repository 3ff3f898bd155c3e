"""Permits: what a route needs, and whether who asks has it.

The guard finds out who asks, before anything looks at a request; here it is judged, where the route
is known. A request that came past no guard's judgement is let in nowhere.
"""

from typing import cast

from msgspec import Struct
from starlette.requests import Request
from starlette.types import Scope

from offload.access import scopes
from offload.access.ring import Visitor
from offload.http.keeper import Keeper
from offload.http.throttle import Throttle
from offload.wire.problems import Problem

EVERYBODY = "everybody"

_KEY = "offload.entry"

_SUBMIT = scopes.Scope.SUBMIT.value

_KEEPER = "offload.keeper"

_OF_A_JOB = "/v1/jobs/{id}"

CHALLENGE = 'Bearer realm="offload"'


class Entry(Struct, frozen=True):
    """How a request came in.

    Attributes:
        throttle: counts what they start.
        visitor: who asks; None where nobody has to say.
    """

    throttle: Throttle
    visitor: Visitor | None


def put(entry: Entry, scope: Scope) -> None:
    """Note how a request came in."""
    scope[_KEY] = entry


def show_keeper(keeper: Keeper, scope: Scope) -> None:
    """Let whoever logs somebody in or out see who knows of it."""
    scope[_KEEPER] = keeper


def keeper_of(scope: Scope) -> Keeper:
    """Return who knows who may come in."""
    return cast(Keeper, scope[_KEEPER])


def entry_of(scope: Scope) -> Entry | None:
    """Return how a request came in; None on a route that is everybody's."""
    found: Entry | None = scope.get(_KEY)
    return found


def visitor_of(scope: Scope) -> Visitor | None:
    """Return who asks; None where nobody has said so."""
    entry = entry_of(scope)
    return None if entry is None else entry.visitor


def check(scope: Scope, access: str, path: str) -> None:
    """Let a request reach a route, or refuse it.

    Args:
        scope: the request's.
        access: what the route needs: `everybody`, or a scope.
        path: the route's, with names in braces.

    Raises:
        Problem: unauthorized, insufficient-scope, too-many-starts.
    """
    if access == EVERYBODY:
        return
    entry = entry_of(scope)
    if entry is None:
        raise unauthorized("this server does not know who asks")
    visitor = entry.visitor
    if visitor is not None:
        if access not in visitor.opens:
            raise _too_little(visitor, access)
        if visitor.job is not None:
            _check_job(scope, visitor, path)
    if access == _SUBMIT and entry.throttle.is_bounded:
        entry.throttle.spend(client_of(scope))


def spend(request: Request, starts: int) -> None:
    """Count further starts that one request asks for, besides its first.

    Raises:
        Problem: too-many-starts.
    """
    entry = entry_of(request.scope)
    if entry is not None and starts > 0:
        entry.throttle.spend(client_of(request.scope), starts)


def client_of(scope: Scope) -> bytes:
    """Tell one client from another: by its token, else by where it comes from."""
    visitor = visitor_of(scope)
    if visitor is not None:
        return visitor.digest
    client = scope.get("client")
    return client[0].encode() if client else b""


def unauthorized(detail: str, error: str = "") -> Problem:
    """Return the refusal of somebody who has shown nothing, or nothing that is valid."""
    challenge = f'{CHALLENGE}, error="{error}"' if error else CHALLENGE
    return Problem("unauthorized", detail, headers={"www-authenticate": challenge})


def _too_little(visitor: Visitor, access: str) -> Problem:
    return _insufficient(
        f"this needs the scope {access}, and {visitor.name} has "
        f"{scopes.scopes_text(visitor.opens) or 'none'}; "
        f"make a token that has it: `offload token create NAME --scope {access}`",
        access,
    )


def _check_job(scope: Scope, visitor: Visitor, path: str) -> None:
    """Let a token for one job look at that one, and at nothing else."""
    is_look = scope["method"] in ("GET", "HEAD")
    is_of_a_job = path == _OF_A_JOB or path.startswith(f"{_OF_A_JOB}/")
    if is_look and is_of_a_job and scope["path_params"]["id"] == str(visitor.job):
        return
    raise _insufficient(
        f"this token shows job {visitor.job} at /v1/jobs/{visitor.job} and below, and nothing else",
        scopes.Scope.READ,
    )


def _insufficient(detail: str, access: str) -> Problem:
    challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{access}"'
    return Problem("insufficient-scope", detail, headers={"www-authenticate": challenge})
