"""A recording scored window by window while it comes: the same windows live and from a file."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from affekt.audio import Blocks
from affekt.config import ModelConfig
from affekt.errors import AudioEmptyError, UsageError
from affekt.geometry import SAMPLE_RATE
from affekt.labels import NO_SPEECH, UNKNOWN
from affekt.model_folder import probabilities
from affekt.timeline.result import Timeline, Window
from affekt.timeline.windows import check_windows, to_samples
from affekt.voice import FRAME, VoiceActivity

Samples = NDArray[np.float32]

SMOOTHING = 0.0
"""Seconds; see `TimelineScorer`."""

LEAST_SPEECH_SECONDS = 0.2
"""A window with less speech, and less than half of its own length, is `no_speech`."""

_LEAST_PROBABILITY = 1e-12
"""One window that rules a label out must not do so for all that follow."""


class Hearer(Protocol):
    """What a timeline needs of a recogniser."""

    config: ModelConfig

    def logits(self, waveforms: list[Samples]) -> NDArray[np.float32]: ...


class TimelineScorer:
    """Scores a recording that comes piece by piece; the windows do not depend on how it was cut.

        scorer = TimelineScorer(recognizer, window=2.0, hop=1.0)
        for piece in microphone:
            for window in scorer.push(piece):
                print(window.start, window.label)
        timeline = scorer.finish()

    Nothing looks ahead: a window is known as soon as its last sample is. Memory holds one window of samples
    and the windows found, about 1 kB each. One scorer is for one recording and one thread.

    Args:
        recognizer: an `affekt.Recognizer`.
        window: seconds of a window, at least 0.1.
        hop: seconds from one to the next, at most a window; half a window where None.
        smoothing: seconds. 0: windows do not know of each other, and a window's scores are those of the same
            stretch cut out and recognised alone. Otherwise log-scores are averaged with those before, whose
            weight falls by the factor e in so many seconds; it begins anew after a pause.
        speech: whether windows in which nobody speaks are `no_speech`; else all are scored.
        min_confidence: below it a window's label is `unknown`; scores stay.
        name: what the timeline calls the recording.

    Raises:
        UsageError: windows that leave gaps, or a number out of its range.
    """

    def __init__(
        self,
        recognizer: Hearer,
        window: float = 2.0,
        hop: float | None = 1.0,
        *,
        smoothing: float = SMOOTHING,
        speech: bool = True,
        min_confidence: float = 0.0,
        name: str = "stream",
    ) -> None:
        checked = check_windows(window, hop)
        assert checked is not None
        if not 0 <= smoothing < math.inf:
            raise UsageError(f"smoothing: {smoothing:g} s; give 0 for none, or seconds")
        if not 0 <= min_confidence <= 1:
            raise UsageError(f"min_confidence {min_confidence}: give a share from 0 to 1, such as 0.6")
        self._recognizer = recognizer
        self._asked = window, checked
        self._size, self._step = to_samples(window), to_samples(checked)
        self._smoother = _Smoother(smoothing)
        self._smoothing = smoothing
        self._min_confidence = min_confidence
        self._name = name
        self._voice = _Speech() if speech else None
        self._windows: list[Window] = []
        self._held = np.zeros(0, np.float32)
        self._offset = 0
        """The place in the recording of the first sample held."""
        self._count = 0

    @property
    def seconds(self) -> float:
        """How much has come so far."""
        return self._count / SAMPLE_RATE

    @property
    def windows(self) -> int:
        """How many windows are known so far."""
        return len(self._windows)

    def push(self, samples: Samples) -> list[Window]:
        """Takes in the next samples, float32 [samples] at 16 kHz: the windows that they complete."""
        found = []
        # In pieces of a hop at most, so that a long piece is never held twice.
        for at in range(0, len(samples), self._step):
            found += self._push(samples[at : at + self._step])
        return found

    def finish(self, warnings: tuple[str, ...] = ()) -> Timeline:
        """The whole timeline, with a last window that ends where the recording does.

        Args:
            warnings: codes of the recording, which are known at its end.

        Raises:
            AudioEmptyError: nothing has come.
        """
        if not self._count:
            raise AudioEmptyError(self._name, "no samples", "give at least one")
        if self._voice is not None:
            self._voice.finish()
        if self._end() < self._count:
            start = max(0, self._count - self._size)
            self._windows.append(self._window(start, self._count, last=True))
        return Timeline(
            file=self._name,
            duration=self._count / SAMPLE_RATE,
            window=self._asked[0],
            hop=self._asked[1],
            smoothing=self._smoothing,
            windows=tuple(self._windows),
            speech=None if self._voice is None else min(self._voice.seconds, self.seconds),
            warnings=warnings,
        )

    def _push(self, samples: Samples) -> list[Window]:
        self._held = np.concatenate([self._held, samples])
        self._count += len(samples)
        if self._voice is not None:
            self._voice.push(samples)
        found = []
        while (start := len(self._windows) * self._step) + self._size <= self._count:
            found.append(self._window(start, start + self._size))
            self._windows.append(found[-1])
            # The last window of all begins after this one, and nobody knows yet where.
            self._held = self._held[start - self._offset :]
            self._offset = start
        return found

    def _end(self) -> int:
        """Where the last window ends, in samples."""
        return (len(self._windows) - 1) * self._step + self._size if self._windows else 0

    def _window(self, start: int, end: int, *, last: bool = False) -> Window:
        """The window of these samples, all of which are held."""
        times = start / SAMPLE_RATE, end / SAMPLE_RATE
        if self._voice is not None and not self._voice.speaks(start, end, last=last):
            self._smoother.pause()
            return Window(*times, NO_SPEECH, None, {}, NO_SPEECH)
        config = self._recognizer.config
        samples = self._held[start - self._offset : end - self._offset]
        alone = probabilities(self._recognizer.logits([samples])[0], config.temperature)
        values = self._smoother(alone, (start + end) / 2 / SAMPLE_RATE)
        order = np.argsort(-values, kind="stable")
        scores = {config.labels[index]: float(values[index]) for index in order}
        label, confidence = next(iter(scores.items()))
        return Window(
            *times,
            label if confidence >= self._min_confidence else UNKNOWN,
            confidence,
            scores,
            "warning:short" if end - start < config.min_samples else "ok",
        )


def timeline_of(
    recognizer: Hearer,
    heard: Blocks,
    window: float = 2.0,
    hop: float | None = 1.0,
    *,
    smoothing: float = SMOOTHING,
    speech: bool = True,
    min_confidence: float = 0.0,
    progress: Callable[[float, float | None], None] | None = None,
) -> Timeline:
    """The timeline of a recording that is being decoded, wherever that is; see `TimelineScorer`.

    `progress` is called with the seconds done and those expected, None if not known.
    """
    scorer = TimelineScorer(
        recognizer,
        window,
        hop,
        smoothing=smoothing,
        speech=speech,
        min_confidence=min_confidence,
        name=heard.name,
    )
    for block in heard:
        scorer.push(block)
        if progress is not None:
            progress(scorer.seconds, getattr(heard, "expected", None))
    return scorer.finish(heard.warnings)


class _Speech:
    """Voice activity with the frames that windows may still ask for."""

    def __init__(self) -> None:
        self._voice = VoiceActivity()
        self._frames: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._first = 0
        """The number of the first frame kept."""
        self._spoken = 0

    @property
    def seconds(self) -> float:
        """How much speech there was so far."""
        return self._spoken * FRAME / SAMPLE_RATE

    def push(self, samples: Samples) -> None:
        self._add(self._voice.push(samples))

    def finish(self) -> None:
        self._add(self._voice.finish())

    def _add(self, frames: NDArray[np.bool_]) -> None:
        self._spoken += int(frames.sum())
        self._frames = np.concatenate([self._frames, frames])

    def speaks(self, start: int, end: int, *, last: bool) -> bool:
        """Whether there is enough speech between two samples; windows ask in order.

        Frames count that lie within, whole: they are known as soon as the window's last sample is. The
        frame that silence completed counts for the last window.
        """
        first = -(-start // FRAME)
        self._frames, self._first = self._frames[first - self._first :], first
        stop = -(-end // FRAME) if last else end // FRAME
        spoken = int(self._frames[: stop - first].sum()) * FRAME
        return spoken >= min(to_samples(LEAST_SPEECH_SECONDS), (end - start) / 2)


class _Smoother:
    """Averages log-probabilities over time, with weights that fall exponentially into the past."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._mean: NDArray[np.float64] | None = None
        self._at = 0.0

    def pause(self) -> None:
        """Forgets what was before: after a pause somebody else may speak."""
        self._mean = None

    def __call__(self, values: NDArray[np.float64], at: float) -> NDArray[np.float64]:
        """The smoothed probabilities [classes] of the window whose middle is `at` seconds."""
        if not self._seconds:
            return values
        logs = np.log(np.maximum(values, _LEAST_PROBABILITY))
        if self._mean is not None:
            kept = math.exp((self._at - at) / self._seconds)
            logs = kept * self._mean + (1 - kept) * logs
        self._mean, self._at = logs, at
        return probabilities(logs, 1.0)
