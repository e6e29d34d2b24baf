"""What a recording says over time: windows, segments of one label, and a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from affekt.labels import NO_SPEECH, UNKNOWN
from affekt.prediction import DIGITS, status_of


@dataclass(frozen=True)
class _Stretch:
    """What is told of `start` to `end` seconds of a recording."""

    start: float
    end: float
    label: str
    confidence: float | None
    scores: dict[str, float] = field(hash=False)
    status: str = "ok"

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain data that JSON can hold."""
        return _rounded(asdict(self))


class Window(_Stretch):
    """The emotion in one window, `start` to `end` seconds.

    `scores` maps every label to its probability, the likeliest first; they sum to 1, and are empty where
    nobody speaks. `confidence` is the score of the likeliest label, and None there. `label` is an emotion,
    `unknown` below the least confidence asked for, or `no_speech`; `status` is `ok`, `warning:short` or
    `no_speech`.
    """


class Segment(_Stretch):
    """Adjoining windows of one label as one stretch, `start` to `end` seconds.

    `confidence` and `scores` are means over its windows; None and empty where nobody speaks.
    """


@dataclass(frozen=True)
class Summary:
    """A recording in a few numbers.

    Attributes:
        dominant: the emotion that takes most of the time; `no_speech` where there is none.
        shares: label -> its share of the recording, 0 to 1, the largest first, `no_speech` and `unknown`
            included; they sum to 1.
        transitions: (from, to) -> how often one emotion is followed by another, pauses and unknown left out.
        duration: seconds.
        speech_share: the share of the recording in which somebody speaks, 0 to 1, in frames of 32 ms; None
            where it was not asked for.
    """

    dominant: str
    shares: dict[str, float] = field(hash=False)
    transitions: dict[tuple[str, str], int] = field(hash=False)
    duration: float
    speech_share: float | None

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain data that JSON can hold; a transition is `{"from", "to", "count"}`."""
        return _rounded(
            asdict(self)
            | {
                "transitions": [
                    {"from": one, "to": other, "count": count}
                    for (one, other), count in self.transitions.items()
                ]
            }
        )


@dataclass(frozen=True)
class Timeline:
    """The emotion in a recording over time.

    Attributes:
        file: the recording, or a label.
        duration: seconds.
        window: seconds of a window, as asked for.
        hop: seconds from window to window; the last one may follow sooner, as it ends with the recording.
        smoothing: seconds, as asked for; 0 where windows do not know of each other.
        windows: in order; they cover every second, and overlap where the hop is shorter than the window.
        speech: seconds in which somebody speaks; None where it was not asked for.
        warnings: codes of the recording, as in `Prediction`.
    """

    file: str
    duration: float
    window: float
    hop: float
    smoothing: float
    windows: tuple[Window, ...]
    speech: float | None = None
    warnings: tuple[str, ...] = ()

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The recording parted without gaps or overlaps: each moment has the label of the nearest window.

        Nearest is whose middle is: the border between two windows lies halfway between their middles.
        """
        return tuple(_merged(self.windows, self.borders))

    @property
    def borders(self) -> list[float]:
        """Seconds where the time of one window ends and that of the next begins; one more than windows."""
        middles = [(one.start + one.end) / 2 for one in self.windows]
        return [0.0, *((one + other) / 2 for one, other in pairwise(middles)), self.duration]

    @cached_property
    def summary(self) -> Summary:
        """The recording in a few numbers."""
        seconds: Counter[str] = Counter()
        for segment in self.segments:
            seconds[segment.label] += segment.end - segment.start  # type: ignore[assignment]
        shares = {label: time / self.duration for label, time in seconds.most_common()}
        named = [label for label in shares if label not in (NO_SPEECH, UNKNOWN)]
        told = [one.label for one in self.segments if one.label not in (NO_SPEECH, UNKNOWN)]
        return Summary(
            dominant=(named or list(shares))[0],
            shares=shares,
            transitions=dict(
                Counter((one, other) for one, other in pairwise(told) if one != other).most_common()
            ),
            duration=self.duration,
            speech_share=None if self.speech is None else self.speech / self.duration,
        )

    def rows(self, *, scores: bool = False, segments: bool = False) -> list[dict[str, Any]]:
        """A row for each window, or for each segment: `file start end emotion confidence status`.

        With `scores` a column `score_LABEL` for each label follows, None where nobody speaks.
        """
        labels = next((sorted(one.scores) for one in self.windows if one.scores), [])
        return [
            {
                "file": self.file,
                "start": round(one.start, DIGITS),
                "end": round(one.end, DIGITS),
                "emotion": one.label,
                "confidence": None if one.confidence is None else round(one.confidence, DIGITS),
                "status": self._status(one.status),
                **({f"score_{label}": _score(one.scores.get(label)) for label in labels} if scores else {}),
            }
            for one in (self.segments if segments else self.windows)
        ]

    def to_dict(self, *, windows: bool = True) -> dict[str, Any]:
        """All of it as plain data that JSON can hold; without `windows`, segments and summary alone."""
        return {
            "file": self.file,
            **_rounded(
                {
                    "duration": self.duration,
                    "window": self.window,
                    "hop": self.hop,
                    "smoothing": self.smoothing,
                    "speech": self.speech,
                }
            ),
            "warnings": list(self.warnings),
            "summary": self.summary.to_dict(),
            "segments": [one.to_dict() for one in self.segments],
            **({"windows": [one.to_dict() for one in self.windows]} if windows else {}),
        }

    def _status(self, status: str) -> str:
        """A window's status with the recording's warnings."""
        if not self.warnings or status == NO_SPEECH:
            return status
        own = status.removeprefix("warning:").split("+") if status.startswith("warning:") else []
        return status_of(dict.fromkeys((*self.warnings, *own)))


def _merged(windows: tuple[Window, ...], borders: list[float]) -> Iterator[Segment]:
    first = 0
    for at in range(1, len(windows) + 1):
        if at == len(windows) or windows[at].label != windows[first].label:
            yield _segment(windows[first:at], borders[first : at + 1])
            first = at


def _segment(windows: tuple[Window, ...], borders: list[float]) -> Segment:
    """One segment of windows of one label; `borders` are theirs, one more than windows."""
    start, end, label = borders[0], borders[-1], windows[0].label
    if label == NO_SPEECH:
        return Segment(start, end, label, None, {}, NO_SPEECH)
    means = {name: sum(one.scores[name] for one in windows) / len(windows) for name in windows[0].scores}
    scores = dict(sorted(means.items(), key=lambda item: -item[1]))
    sure = [one.confidence for one in windows if one.confidence is not None]
    warned = next((one.status for one in windows if one.status != "ok"), "ok")
    return Segment(start, end, label, sum(sure) / len(sure), scores, warned)


def _score(score: float | None) -> float | None:
    return None if score is None else round(score, DIGITS)


def _rounded(value: dict[str, Any]) -> dict[str, Any]:
    """Plain data with its numbers rounded."""
    return {key: _round(one) for key, one in value.items()}


def _round(value: Any) -> Any:
    if isinstance(value, dict):
        return _rounded(value)
    if isinstance(value, list | tuple):
        return [_round(one) for one in value]
    return round(value, DIGITS) if isinstance(value, float) else value
