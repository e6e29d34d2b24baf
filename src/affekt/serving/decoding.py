"""From the bytes of an upload to a waveform, away from the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from affekt import audio
from affekt.audio import Limits, Waveform


class Decoding:
    """Decodes in threads."""

    def __init__(self, workers: int, limits: Limits) -> None:
        self._limits = limits
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="affekt-decode")

    async def decode(self, content: bytes, name: str) -> Waveform:
        """The waveform.

        Raises:
            AudioError: it cannot be used.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, lambda: audio.load(content, limits=self._limits, name=name)
        )

    def stop(self) -> None:
        """Finishes what was taken."""
        self._pool.shutdown()
