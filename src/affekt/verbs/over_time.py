"""What `predict` says of a recording over time: rows of its windows, of its segments, or one of it all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from affekt.errors import UsageError
from affekt.inputs import spelled
from affekt.labels import NO_SPEECH, UNKNOWN
from affekt.prediction import DIGITS, status_of
from affekt.timeline import SMOOTHING, Timeline, check_windows

Row = dict[str, Any]
What = Literal["windows", "segments", "summary"]

WINDOW, HOP = 2.0, 1.0
"""Seconds; where a part of it is asked for and they are not."""

SUMMARY_COLUMNS = ("speech_share", "transitions")


@dataclass(frozen=True)
class OverTime:
    """What is asked for, as plain values.

    Attributes:
        what: a row for each window, for each segment, or one for all of a recording.
        window, hop, smoothing: seconds, as in `affekt.timeline.TimelineScorer`.
        speech: whether windows in which nobody speaks are `no_speech`.
    """

    what: What = "windows"
    window: float = WINDOW
    hop: float = HOP
    smoothing: float = SMOOTHING
    speech: bool = True

    @classmethod
    def asked(
        cls,
        window: float | None,
        hop: float | None,
        *,
        segments: bool,
        summary: bool,
        smoothing: float | None,
        speech: bool,
    ) -> OverTime | None:
        """What is meant; None where nothing over time is asked for.

        Raises:
            UsageError: windows that leave gaps, or both segments and a summary.
        """
        if segments and summary:
            raise UsageError("segments and summary: rows are one or the other; ask twice")
        if window is None and not (segments or summary):
            check_windows(window, hop)
            if smoothing is not None:
                raise UsageError("smoothing: is of windows; give --window too")
            return None
        length = WINDOW if window is None else window
        checked = check_windows(length, HOP if window is None and hop is None else hop)
        assert checked is not None
        what: What = "segments" if segments else "summary" if summary else "windows"
        return cls(what, length, checked, SMOOTHING if smoothing is None else smoothing, speech)

    def columns(self, labels: list[str]) -> list[str]:
        """The columns that are its own, for a model of these labels."""
        if self.what != "summary":
            return []
        return [*SUMMARY_COLUMNS, *(f"share_{label}" for label in (*labels, NO_SPEECH, UNKNOWN))]

    def rows(self, timeline: Timeline, *, scores: bool) -> list[Row]:
        """The rows of a timeline, without what they lack: `error` and `message`, and scores of silence."""
        if self.what == "summary":
            return [_summary(timeline, scores=scores)]
        rows = timeline.rows(scores=scores, segments=self.what == "segments")
        return [row | {"file": spelled(timeline.file)} for row in rows]


def _summary(timeline: Timeline, *, scores: bool) -> Row:
    told = timeline.summary
    mine = [one for one in timeline.segments if one.label == told.dominant and one.confidence is not None]
    seconds = sum(one.end - one.start for one in mine)
    sure = sum((one.end - one.start) * (one.confidence or 0) for one in mine)
    plain = told.to_dict()
    heard = [one for one in timeline.windows if one.scores]
    means = {
        f"score_{label}": round(sum(one.scores[label] for one in heard) / len(heard), DIGITS)
        for label in (heard[0].scores if heard and scores else ())
    }
    return {
        "file": spelled(timeline.file),
        "start": 0.0,
        "end": plain["duration"],
        "emotion": told.dominant,
        "confidence": round(sure / seconds, DIGITS) if seconds else None,
        "status": status_of(timeline.warnings),
        "speech_share": plain["speech_share"],
        "transitions": sum(told.transitions.values()),
        **{f"share_{label}": share for label, share in plain["shares"].items()},
        **means,
    }
