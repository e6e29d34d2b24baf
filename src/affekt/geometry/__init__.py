"""Where what a network looks at lies in a recording: plain numbers from its settings, quick to import."""

from __future__ import annotations

SAMPLE_RATE = 16_000
"""Hz; the rate of every waveform in Affekt, and the only one that models hear."""
