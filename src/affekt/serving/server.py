"""uvicorn, set up not to trust anybody, and stopped gently."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import FrameType

# Bodies are read with it once there is one; that it is not there has to be known at the start.
import python_multipart  # noqa: F401
import uvicorn

from affekt.serving.app import build
from affekt.serving.service import Service
from affekt.serving.settings import Settings

_GENTLE_STREAM_BYTES = 2**20


class Server(uvicorn.Server):
    """A server of models, not yet running."""

    def __init__(
        self, models: Mapping[str, str | os.PathLike[str]], settings: Settings, *, threads: int | None
    ) -> None:
        self.service = Service(models, settings.limits, threads=threads)
        super().__init__(
            uvicorn.Config(
                build(self.service, settings),
                http="h11",
                ws="websockets-sansio",
                ws_max_size=_GENTLE_STREAM_BYTES,
                ws_per_message_deflate=False,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="on",
                timeout_graceful_shutdown=round(settings.limits.stop_seconds),
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops gently at the first signal, and at once at the second."""
        if self.should_exit:
            self.force_exit = True
        self.service.stopping = True
        super().handle_exit(sig, frame)
