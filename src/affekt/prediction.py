"""What a recogniser says of one clip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from affekt.errors import MissingExtraError, UsageError
from affekt.labels import UNKNOWN

if TYPE_CHECKING:
    import pandas

LABEL_SEPARATOR = "+"
"""Between the labels of a set in a table's cell."""

DIGITS = 6
"""So many stand behind the point in rows and plain data; a sample is 0.0000625 s."""


def status_of(warnings: Iterable[str]) -> str:
    """A row's status: `ok`, or `warning:CODE+CODE`."""
    codes = "+".join(warnings)
    return f"warning:{codes}" if codes else "ok"


@dataclass(frozen=True)
class Prediction:
    """The emotion in one stretch of a recording.

    `start` and `end` are seconds in `file` (`array` or `bytes` for what has no name). `scores` maps every
    label to its probability, the likeliest first; they sum to 1. `confidence` is the score of `label`.
    `warnings` are codes of what makes the prediction less sure, such as `short`. `label` is `unknown` where
    that was asked for (`unless_below`), and `labels` a set that holds the emotion as often as asked
    (`Recognizer.with_labels`), likeliest first; None where none was asked for.
    """

    file: str
    start: float
    end: float
    label: str
    confidence: float
    scores: dict[str, float] = field(hash=False)
    warnings: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None

    def unless_below(self, confidence: float) -> Prediction:
        """The same with the label `unknown` where the confidence is below this, 0 to 1.

        Raises:
            UsageError: it is not from 0 to 1.
        """
        if not 0 <= confidence <= 1:
            raise UsageError(f"confidence {confidence}: give a share from 0 to 1, such as 0.6")
        return replace(self, label=UNKNOWN) if self.confidence < confidence else self

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
            **({} if self.labels is None else {"labels": list(self.labels)}),
        }

    def row(self) -> dict[str, Any]:
        """What tables and answers say of it, rounded: `file start end emotion confidence scores status`."""
        return {
            "file": self.file,
            "start": round(self.start, DIGITS),
            "end": round(self.end, DIGITS),
            "emotion": self.label,
            "confidence": round(self.confidence, DIGITS),
            "scores": {label: round(score, DIGITS) for label, score in self.scores.items()},
            "status": status_of(self.warnings),
        }

    def to_pandas(self) -> pandas.DataFrame:
        """One row, indexed by file, start and end (seconds) as audformat's segmented tables are.

        Columns: `emotion`, `confidence`, `labels` where there are some, and `score_LABEL` for every label.

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
        labels = {} if self.labels is None else {"labels": LABEL_SEPARATOR.join(self.labels)}
        columns = {"emotion": self.label, "confidence": self.confidence, **labels, **scores}
        return pandas.DataFrame(columns, index=index)
