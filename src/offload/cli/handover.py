"""One server after another at the same address, and no request is lost between them.

All of them listen with copies of one socket, which somebody above them holds: the next one already
listens when the one before stops. A connection that the one before has accepted it serves to its
end; its answers say that it is the last one on this connection, so that the client comes back to
the next server.
"""

import asyncio
import socket

from offload.http.server import HttpServer

SILENT_SECONDS = 1.0
"""How long a client that has connected may take to ask, before its connection is closed."""

_LAST_ANSWER = (b"connection", b"close")


class SuccessiveServer(HttpServer):
    """An HTTP server that takes over an address and can pass it on."""

    def take_over(self, descriptor: int) -> None:
        """Listen with a socket that was inherited, instead of binding one."""
        listener = socket.socket(fileno=descriptor)
        listener.set_inheritable(False)
        self._socket = listener

    async def retire(self) -> None:
        """Accept no connection any more, answer what is being asked, starts too, then stop."""
        server = self._uvicorn
        if server is not None:
            for listening in server.servers:
                listening.close()
            server.config.encoded_headers.append(_LAST_ANSWER)
            server.server_state.default_headers.append(_LAST_ANSWER)
            await asyncio.sleep(SILENT_SECONDS)
        self.stop()
