"""Where the segments of a recording lie, from a network's settings alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from affekt.geometry import SAMPLE_RATE

Picture = Literal["spectrogram", "waveform"]
Level = Literal["segment", "utterance", "none"]


@dataclass(frozen=True)
class SegmentGrid:
    """Segments of `size` frames, one every `step` frames; the last one ends where the recording ends.

    A recording shorter than a segment is filled up with silence. Nothing is dropped: what is left behind the
    last regular segment is heard in a further one, which overlaps its neighbour by more than the others.

    Attributes:
        window, hop: of a frame, in samples at 16 kHz; in a waveform's picture, a frame is a column.
        size, step: in frames.
        local: whether a segment's scores depend on the segment alone, and not on the whole recording.
    """

    window: int
    hop: int
    size: int
    step: int
    local: bool

    def samples(self, segments: int) -> int:
        """What so many regular segments hear."""
        return ((segments - 1) * self.step + self.size - 1) * self.hop + self.window

    def count(self, samples: int) -> int:
        """Segments of a recording of so many samples."""
        frames = 1 - min(0, self.window - samples) // self.hop
        return 1 - min(0, self.size - frames) // self.step


def segment_grid(
    *,
    picture: Picture,
    size: int,
    segment_seconds: float,
    overlap: float,
    window_ms: float,
    hop_ms: float,
    normalisation: Level,
) -> SegmentGrid:
    """The segments of `facenet`, from its settings (`FacenetNetworkRecipe`).

    A waveform's picture has a column for each pixel of its width, of as many samples each and one more, which
    is the next one's first: the line has no gaps.
    """
    if picture == "waveform":
        hop = round(segment_seconds * SAMPLE_RATE / size)
        window, frames = hop + 1, size
    else:
        window, hop = (round(part * SAMPLE_RATE / 1000) for part in (window_ms, hop_ms))
        # So many windows as fit into a segment: it hears its own length, and no more.
        frames = max(1, 1 + round((segment_seconds * SAMPLE_RATE - window) / hop))
    step = min(frames, max(1, round(segment_seconds * SAMPLE_RATE * (1 - overlap) / hop)))
    return SegmentGrid(window, hop, frames, step, local=normalisation != "utterance")
