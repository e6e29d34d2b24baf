"""Recordings decoded in processes of their own, which may crash, hang or run out of memory without harm.

with Decoders(2) as pool:
    waveform = pool.decode("call.wav")
"""

from __future__ import annotations

from affekt.sandbox.pool import DecodedStream, Decoders

__all__ = ["DecodedStream", "Decoders"]
