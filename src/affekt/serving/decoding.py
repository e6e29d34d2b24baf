"""From the bytes of an upload to a waveform, in processes that may die of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from affekt.audio import Limits, Waveform
from affekt.sandbox import Decoders

SECONDS = 10.0
"""For decoding one recording, beside a quarter of its length."""

MEMORY_BYTES = 256 * 2**20
"""What decoding one may take; the samples come out block by block."""


class Decoding:
    """Decodes in processes of their own; used from the event loop."""

    def __init__(self, workers: int, limits: Limits) -> None:
        self._limits = limits
        self._decoders = Decoders(workers, seconds=SECONDS, memory=MEMORY_BYTES)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="affekt-decode")

    async def decode(self, content: bytes, name: str) -> Waveform:
        """The waveform.

        Raises:
            AudioError: it cannot be used.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, lambda: self._decoders.decode(content, limits=self._limits, name=name)
        )

    def stop(self) -> None:
        """Finishes what was taken."""
        self._pool.shutdown()
        self._decoders.close()
