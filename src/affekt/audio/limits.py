"""How much of a recording is accepted, checked before memory is taken for it."""

from __future__ import annotations

from dataclasses import dataclass

from affekt.errors import AudioTooLargeError
from affekt.geometry import SAMPLE_RATE


@dataclass(frozen=True)
class Limits:
    """The budget of one recording; what a header claims counts, and so does what decoding yields."""

    channels: int = 8
    """The most channels that are mixed down; ask for more where they are meant."""
    min_rate: int = 4_000
    """Hz."""
    max_rate: int = 384_000
    """Hz."""
    seconds: float | None = 600.0
    """The longest recording; None = any length."""
    input_bytes: int | None = None
    """The largest file; None = any size, but at most 1 GiB from a pipe, which has to be held in memory."""
    decoded_bytes: int | None = 4 * 2**30
    """The most float32 bytes that decoding may yield in total, over all channels; None = any number."""
    resample_ratio: float = 32.0
    """The largest ratio between the recording's rate and 16 kHz, either way. It bounds the resampler's
    filters, to less than 8 MiB as it stands, however `min_rate` and `max_rate` are moved."""

    def check_size(self, name: str, size: int) -> None:
        """Refuses a file of `size` bytes that is over `input_bytes`."""
        if self.input_bytes is not None and size > self.input_bytes:
            raise AudioTooLargeError(
                name,
                f"{size} bytes, over the limit of {self.input_bytes}",
                "cut it, or raise Limits(input_bytes=...)",
            )

    def check_format(self, name: str, rate: int, channels: int) -> None:
        """Refuses a sample rate (Hz) or a number of channels that is out of bounds."""
        if not self.min_rate <= rate <= self.max_rate:
            raise AudioTooLargeError(
                name,
                f"a sample rate of {rate} Hz, outside {self.min_rate} to {self.max_rate} Hz",
                "convert it, or move Limits(min_rate=..., max_rate=...)",
            )
        if max(rate / SAMPLE_RATE, SAMPLE_RATE / rate) > self.resample_ratio:
            raise AudioTooLargeError(
                name,
                f"{rate} Hz is more than {self.resample_ratio:g} times away from {SAMPLE_RATE} Hz",
                "convert it, or raise Limits(resample_ratio=...)",
            )
        if channels > self.channels:
            raise AudioTooLargeError(
                name,
                f"{channels} channels, over the limit of {self.channels}",
                "mix it down, or raise Limits(channels=...)",
            )

    def check_length(self, name: str, frames: int, rate: int, channels: int) -> None:
        """Refuses `frames` samples per channel that are over `seconds` or `decoded_bytes`."""
        if self.seconds is not None and frames > self.seconds * rate:
            raise AudioTooLargeError(
                name,
                f"{frames / rate:.1f} s or more, over the limit of {self.seconds:g} s",
                "cut it, score it over time (affekt predict --window 2), or raise Limits(seconds=...)",
            )
        size = 4 * frames * channels
        if self.decoded_bytes is not None and size > self.decoded_bytes:
            raise AudioTooLargeError(
                name,
                f"{size} bytes or more once decoded, over the limit of {self.decoded_bytes}",
                "cut it, or raise Limits(decoded_bytes=...)",
            )
