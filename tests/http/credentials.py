"""Servers that have tokens, and what clients may show to them."""

from pathlib import Path
from typing import Any

from offload import keyring
from offload.access.scopes import Scope
from offload.app import Offload
from tests.http.site import Client, Site

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def new_token(
    app: Offload,
    name: str,
    *scopes: Scope,
    lasts: float | None = None,
    job: int | None = None,
    made: float = 0.0,
) -> str:
    """Make a token, so many seconds ago; returns its secret."""
    plan = keyring.create(name, scopes or (Scope.READ,), app.now() - made, lasts, job)
    return app.run(plan)[1]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def log_in(client: Client, token: str, **headers: str) -> str:
    """Log a browser in; returns the cookie that it is given, as it shows it."""
    answer = client.ask("POST", "/login", f"token={token}".encode(), FORM | headers)
    assert answer.status == 303, answer
    cookie: str = answer.headers["set-cookie"]
    return cookie.partition(";")[0]


class Guarded(Site):
    """A server whose database has a token for each scope, called like it, before it opens.

    Attributes:
        tokens: their secrets, by name.
    """

    def __init__(self, database: Path, **settings: Any) -> None:
        super().__init__(database, **{"work": False, **settings})
        self.tokens = {scope.value: new_token(self.app, scope.value, scope) for scope in Scope}
        self.open()

    def asks(self, token: str, target: str = "/v1/jobs", method: str = "GET") -> int:
        """Ask with a token; returns the status."""
        return self.ask(method, target, headers=bearer(token)).status
