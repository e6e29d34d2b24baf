"""From the bytes of an upload to a waveform, in processes that may die of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from affekt.audio import Limits, Waveform, whole
from affekt.errors import AudioCrashedError
from affekt.sandbox.pool import Decoders

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

    async def decode(self, content: bytes, name: str, channel: int | None = None) -> tuple[Waveform, int]:
        """The waveform of the mean of all channels, or of one counted from 0; and how many there are.

        Raises:
            AudioError: it cannot be used.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._decode, content, name, channel)

    def _decode(self, content: bytes, name: str, channel: int | None) -> tuple[Waveform, int]:
        try:
            return self._once(content, name, channel)
        except AudioCrashedError:
            # The one before it may have left its decoder damaged: this one crashes again, or is innocent.
            return self._once(content, name, channel)

    def _once(self, content: bytes, name: str, channel: int | None) -> tuple[Waveform, int]:
        with self._decoders.stream(content, limits=self._limits, name=name, channel=channel) as heard:
            return whole(heard), heard.channels

    def stop(self) -> None:
        """Finishes what was taken."""
        self._pool.shutdown()
        self._decoders.close()
