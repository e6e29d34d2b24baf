"""What a recogniser says of one clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from affekt.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Prediction:
    """The emotion in one stretch of a recording.

    `start` and `end` are seconds in `file` (`array` or `bytes` for what has no name). `scores` maps every
    label to its probability, the likeliest first; they sum to 1. `confidence` is the score of `label`.
    `warnings` are codes of what makes the prediction less sure, such as `short`.
    """

    file: str
    start: float
    end: float
    label: str
    confidence: float
    scores: dict[str, float] = field(hash=False)
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain data that JSON can hold."""
        return {
            "file": self.file,
            "start": self.start,
            "end": self.end,
            "label": self.label,
            "confidence": self.confidence,
            "scores": dict(self.scores),
            "warnings": list(self.warnings),
        }

    def to_pandas(self) -> pandas.DataFrame:
        """One row, indexed by file, start and end (seconds) as audformat's segmented tables are.

        Columns: `emotion`, `confidence`, and `score_LABEL` for every label.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("Prediction.to_pandas", "train") from error
        index = pandas.MultiIndex.from_tuples(
            [(self.file, self.start, self.end)], names=["file", "start", "end"]
        )
        scores = {f"score_{label}": score for label, score in self.scores.items()}
        return pandas.DataFrame({"emotion": self.label, "confidence": self.confidence, **scores}, index=index)
