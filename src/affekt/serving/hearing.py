"""Recordings over time on a server: windows go to the scoring threads as whole recordings do."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.audio import Waveform
from affekt.recognizer import Recognizer
from affekt.timeline import Timeline, TimelineScorer
from affekt.together import Samples, Shared, Together


class GoneError(Exception):
    """Nobody waits for the scores any more."""


class Hearer(Shared):
    """A recogniser for `TimelineScorer` whose scores come from the scoring threads; for one other thread."""

    def __init__(self, scoring: Together, recognizer: Recognizer, *, urgent: bool = False) -> None:
        super().__init__(scoring, recognizer, urgent=urgent)
        self.gone = threading.Event()
        """Set once nobody waits any more: the next window ends the work."""

    def logits(self, waveforms: list[Samples]) -> NDArray[np.float32]:
        """As `Recognizer.logits`.

        Raises:
            GoneError: nobody waits for them.
        """
        if self.gone.is_set():
            raise GoneError
        return super().logits(waveforms)


def timeline(hearer: Hearer, waveform: Waveform, window: float, hop: float) -> Timeline:
    """The timeline of a loaded recording.

    Raises:
        UsageError: windows that leave gaps.
        GoneError: nobody waits for it.
    """
    scorer = TimelineScorer(hearer, window, hop, name=waveform.name)
    scorer.push(waveform.samples)
    return scorer.finish(waveform.warnings)


def as_json(found: Timeline) -> dict[str, Any]:
    """A timeline as answers hold it."""
    data = found.to_dict()
    return {
        "window": data["window"],
        "hop": data["hop"],
        "windows": [stretch(one) for one in data["windows"]],
        "segments": [stretch(one) for one in data["segments"]],
        "summary": data["summary"],
    }


def stretch(data: dict[str, Any]) -> dict[str, Any]:
    """A window or segment as answers hold it: the label is called `emotion`, as in tables."""
    return {
        "start": data["start"],
        "end": data["end"],
        "emotion": data["label"],
        "confidence": data["confidence"],
        "scores": data["scores"],
        "status": data["status"],
    }
