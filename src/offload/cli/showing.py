"""A dashboard of what a command does in this very process, for as long as it does it."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from msgspec.structs import replace

from offload.app import Offload
from offload.http.server import HttpServer


@contextlib.contextmanager
def shown(app: Offload, *, served: str) -> Iterator[str]:
    """Serve an Offload on a free port of this machine, whatever it is set to; gives the address.

    Args:
        app: the Offload.
        served: what is served, for people.
    """
    here = replace(app.config, host="127.0.0.1", port=0, token="", grace=1.0)
    server = HttpServer(app, here, served=served)
    address = server.bind()
    serving = threading.Thread(target=lambda: asyncio.run(server.run()), name="offload dashboard")
    serving.start()
    try:
        yield address
    finally:
        server.stop()
        serving.join()
