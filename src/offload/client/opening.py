"""Opening: how an Offload whose jobs are at a server is opened and closed, and what it refuses."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from offload.app import Offload
from offload.client.address import address_of
from offload.client.house import FarHouse
from offload.client.verbs import Client
from offload.config import Config
from offload.errors import ConfigError
from offload.importable import refuse_while_importing
from offload.model import QueueSettings

T = TypeVar("T")


class Opening(Offload):
    """Opens the way to a server with the first verb; has no database and runs no job.

    Args:
        db: there is none.
        server: the server's address.
        token: what it wants to see.
        **others: of an Offload with a database; none fits here but `clock`.

    Attributes:
        url: the server's address.

    Raises:
        ConfigError: a setting does not fit, or is one of a database.
    """

    def __init__(
        self,
        db: str | Path | None = None,
        *,
        server: str | None = None,
        token: str | None = None,
        **others: Any,
    ) -> None:
        super().__init__(db, **others)
        said = {**self._arguments, "server": server, "token": token}
        self._arguments = {name: value for name, value in said.items() if value is not None}
        self._check_settings()
        self.url = self.config.server
        address_of(self.url)
        self._far: FarHouse | None = None

    def _check_settings(self) -> None:
        here = sorted(self._arguments.keys() - {"server", "token"})
        if self._said_of_queue != QueueSettings():
            here += ["concurrency or capacity"]
        if here:
            raise ConfigError(
                f"Offload({here[0]}=…) is for a database; the jobs of this one are at the server "
                f"{self.config.server}, which has its own settings. Leave it out"
            )

    # --- opening and closing

    def open(self) -> Any:
        """Return what is open, opening it if need be; nothing is asked by that.

        Raises:
            ConfigError: a child process imports the program only to find a task in it.
        """
        refuse_while_importing()
        if self._far is None:
            with self._opening:
                if self._far is None:
                    self._far = FarHouse(Client(self.url, self.config.token))
        return self._far

    @property
    def _client(self) -> Client:
        house: FarHouse = self.open()
        return house.client

    def close(self, patience: float = 0.0) -> int:
        """Let go of the server; the next verb opens it again. The jobs there go on."""
        with self._opening:
            far, self._far = self._far, None
        if far is not None:
            far.close()
        return 0

    def forking(self) -> AbstractContextManager[None]:
        """Nothing need be held: the child opens connections of its own."""
        return nullcontext()

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone."""
        super().after_fork()
        far, self._far = self._far, None
        if far is not None:
            far.client.after_fork()

    def end(self) -> str | None:
        """At the program's end there is nothing to stop."""
        return None

    async def _soon(self, verb: Callable[..., T], *args: Any) -> T:
        """Carry a blocking verb out without blocking the loop."""
        house: FarHouse = self.open()
        return await asyncio.get_running_loop().run_in_executor(house.threads, verb, *args)

    # --- what is for programs that have the database

    def _refuse(self, what: str) -> NoReturn:
        raise ConfigError(
            f"{what}: the jobs of this Offload are at the server {self.url}. Leave `server` out "
            "(or unset OFFLOAD_SERVER) in the program that runs them"
        )

    def configure(self, config: Config) -> None:
        """Refuse to be given a database."""
        self._refuse("this program can serve nothing and run nothing")

    def make_worker(self, settings: Any) -> NoReturn:
        """Refuse to run jobs."""
        self._refuse("this program runs no jobs")

    def staffed_house(self) -> NoReturn:
        """Refuse black boxes: only the program that holds one can run it."""
        raise ConfigError(
            "a black box can run only in the program that holds it, and this one starts its jobs "
            f"at the server {self.url}; register its class there with app.register() and start "
            "it by name"
        )

    def complete(self, job_id: int, token: str, value: Any = None) -> NoReturn:
        """Refuse: there is no route for it."""
        self._refuse("jobs cannot be completed from here")

    async def acomplete(self, job_id: int, token: str, value: Any = None) -> NoReturn:
        """The same for a loop."""
        self._refuse("jobs cannot be completed from here")

    def hire(self, wanted: set[tuple[str, str]]) -> None:
        """Leave it to the server."""

    async def ahire(self, wanted: set[tuple[str, str]]) -> None:
        """Leave it to the server."""
