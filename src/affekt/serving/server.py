"""uvicorn, set up not to trust anybody, and stopped gently."""

from __future__ import annotations

import math
import os
import resource
import socket
from collections.abc import Mapping
from types import FrameType

# Bodies are read with it once there is one; that it is not there has to be known at the start.
import python_multipart  # noqa: F401
import uvicorn

from affekt.errors import UsageError
from affekt.serving.app import build
from affekt.serving.protocol import Connections, Streaming, protocol
from affekt.serving.service import Service
from affekt.serving.settings import Settings

_MESSAGE_BYTES = 2**20
"""Of one message of a stream."""

_OTHER_FILES = 200
"""What a server holds open beside connections and streams: libraries, decoders, pipes."""


class Server(uvicorn.Server):
    """A server of models, not yet running."""

    def __init__(
        self, models: Mapping[str, str | os.PathLike[str]], settings: Settings, *, threads: int | None
    ) -> None:
        _allow_files(settings.limits.connections + settings.limits.streams + _OTHER_FILES)
        self.service = Service(models, settings.limits, threads=threads)
        self.connections = Connections(settings.limits, self.service.metrics.cut)
        self.service.metrics.gauge(
            "affekt_connections", "Open HTTP connections.", lambda: len(self.connections.open)
        )
        super().__init__(
            uvicorn.Config(
                build(self.service, settings),
                http=protocol(self.connections),
                ws=Streaming,
                ws_max_size=_MESSAGE_BYTES,
                ws_per_message_deflate=False,
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="on",
                timeout_keep_alive=math.ceil(settings.limits.idle_seconds) + 1,
                timeout_graceful_shutdown=round(settings.limits.stop_seconds),
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops gently at the first signal, and at once at the second."""
        if self.should_exit:
            self.force_exit = True
        self.service.stopping = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets streams say what they heard, and requests be answered."""
        self.service.ending.set()
        await super().shutdown(sockets)


def _allow_files(count: int) -> None:
    """Raises this process's limit on open files, where the system allows it.

    Raises:
        UsageError: it does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise UsageError(
                f"connections: {count} open files are needed and {hard} allowed; raise `ulimit -n`, or lower "
                "Limits(connections=...)"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
