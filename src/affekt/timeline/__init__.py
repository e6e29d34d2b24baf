"""The emotion in a recording over time: windows, segments and a summary, from a file or live.

    timeline = Recognizer.load().over_time("call.wav", window=2.0, hop=1.0)
    timeline.segments, timeline.summary

`TimelineScorer` gives the same windows of a recording that comes piece by piece.
"""

from __future__ import annotations

from affekt.timeline.result import Segment, Summary, Timeline, Window
from affekt.timeline.scoring import LEAST_SPEECH_SECONDS, SMOOTHING, TimelineScorer, timeline_of
from affekt.timeline.windows import LEAST_SECONDS, check_windows, grid

__all__ = [
    "LEAST_SECONDS",
    "LEAST_SPEECH_SECONDS",
    "SMOOTHING",
    "Segment",
    "Summary",
    "Timeline",
    "TimelineScorer",
    "Window",
    "check_windows",
    "grid",
    "timeline_of",
]
