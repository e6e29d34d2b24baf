"""How far a model in another number format is from the one it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affekt.evaluation.bootstrap import Interval


@dataclass(frozen=True)
class Parity:
    """One format against the model it was made of, on the same clips.

    `difference` is the largest of any score, `bound` what is allowed, `changed` how many labels differ;
    `uar_lost` is paired, None without labelled clips; `speed` how often as fast (median over clips) with so
    many threads.
    """

    name: str
    folder: Path
    bytes: int
    clips: int
    difference: float
    bound: float
    changed: int
    uar_lost: Interval | None
    speed: Mapping[int, float]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "format": self.name,
            "bytes": self.bytes,
            "clips": self.clips,
            "largest_score_difference": self.difference,
            "allowed_score_difference": self.bound,
            "labels_changed": self.changed,
            "uar_lost": self.uar_lost.to_json() if self.uar_lost else None,
            "times_as_fast": {str(threads): ratio for threads, ratio in self.speed.items()},
        }


@dataclass(frozen=True)
class Exported:
    """What exporting left: a model folder for each format, and how they compare."""

    model: Path
    source: str
    formats: tuple[Parity, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"measured_on": self.source, "formats": [one.to_json() for one in self.formats]}

    def to_markdown(self) -> str:
        """A row for each format."""
        head = (
            "| format | MB | largest score difference | labels changed | uar lost | times as fast, 1 thread "
        )
        rows = [
            f"| {one.name} | {one.bytes / 1e6:.2f} | {one.difference:.4f} | {one.changed} of {one.clips} | "
            f"{_lost(one.uar_lost)} | {one.speed[1]:.2f} | {one.speed[2]:.2f} |"
            for one in self.formats
        ]
        return "\n".join([f"Measured on {self.source}.", "", f"{head}| 2 threads |", "|---" * 7 + "|", *rows])


def _lost(interval: Interval | None) -> str:
    if interval is None or interval.value is None:
        return "–"
    if interval.low is None or interval.high is None:
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
