"""The emotion in many recordings: one row for each, whatever is in them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from affekt.errors import AffektError, AudioError, UsageError
from affekt.inputs import expand, spelled
from affekt.model_folder import default_threads
from affekt.prediction import LABEL_SEPARATOR, Prediction
from affekt.recognizer import Recognizer

Row = dict[str, Any]

COLUMNS = ("file", "start", "end", "emotion", "confidence", "status", "error", "message")
"""The columns of every row; `file`, `start` and `end` are the index of a segmented table."""

_DIGITS = 6


def predict(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    model: str | os.PathLike[str] | Recognizer = "default",
    *,
    scores: bool = False,
    min_confidence: float = 0.0,
    coverage: float | None = None,
    threads: int | None = None,
) -> Iterator[Row]:
    """Recognises the emotion in files, folders, patterns, or `-` for a list on standard input.

    Gives exactly one row for each recording, in order, as soon as it is known, also for one that cannot be
    read or does not exist. A row has the keys of `COLUMNS`: `start` and `end` in seconds, `confidence` in
    0..1, `status` `ok`, `warning:CODE+CODE` or `error:CODE`, and for an error `error` (the code) and
    `message`, with `end`, `emotion` and `confidence` None. Memory does not grow with the number of rows.

    Args:
        paths: one or many.
        model: a known name, the path of a model folder, or a recogniser that is already loaded.
        scores: adds a column `score_LABEL` for each label, in 0..1.
        min_confidence: below it `emotion` is `unknown`; `confidence` and scores stay.
        coverage: adds a column `labels`: a set such as `anger+fear`, likeliest first, that holds the emotion
            in this share of clips of new speakers; the model must be calibrated.
        threads: processor threads; the usable cores, at most four, if not given.

    Raises:
        UsageError: there is no such model, or it holds no threshold for this coverage.
        ModelFolderError: the model folder is damaged or not to be trusted.
    """
    recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model, threads=threads)
    if not 0 <= min_confidence <= 1:
        raise UsageError(f"min_confidence {min_confidence}: give a share from 0 to 1, such as 0.6")
    if coverage is not None:
        recognizer.least_score(coverage)
    names = [paths] if isinstance(paths, str | os.PathLike) else paths
    asked = _Asked(recognizer, scores, min_confidence, coverage)
    return _rows(asked, names, threads or default_threads())


def columns(recognizer: Recognizer, *, scores: bool = False, coverage: float | None = None) -> list[str]:
    """The keys of the rows that `predict` gives, in order."""
    sets = [] if coverage is None else ["labels"]
    return [*COLUMNS, *sets, *(f"score_{label}" for label in recognizer.config.labels if scores)]


@dataclass(frozen=True)
class _Asked:
    """What a row is to hold."""

    recognizer: Recognizer
    scores: bool
    min_confidence: float
    coverage: float | None

    def recognize(self, item: str) -> Prediction:
        prediction = self.recognizer(item)
        if self.coverage is not None:
            prediction = self.recognizer.with_labels(prediction, self.coverage)
        return prediction.unless_below(self.min_confidence)

    def empty_row(self) -> Row:
        return dict.fromkeys(columns(self.recognizer, scores=self.scores, coverage=self.coverage))


def _rows(asked: _Asked, names: Iterable[str | os.PathLike[str]], workers: int) -> Iterator[Row]:
    pending: deque[Future[Row]] = deque()
    executor = ThreadPoolExecutor(workers, thread_name_prefix="affekt-predict")
    try:
        for item in expand(names):
            pending.append(executor.submit(_row, asked, item))
            if len(pending) > 4 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        executor.shutdown(cancel_futures=True)


def _row(asked: _Asked, item: str | AudioError) -> Row:
    try:
        if isinstance(item, AudioError):
            raise item
        return _good(asked, asked.recognize(item))
    except AffektError as error:
        return _bad(asked, item, error.code, str(error))
    except MemoryError:
        return _bad(asked, item, "memory", f"{item}: no memory left; cut it into shorter pieces")
    except Exception as error:
        # A fault of ours in one recording must not cost the others their rows.
        return _bad(asked, item, "internal", f"{item}: {type(error).__name__}: {error}")


def _good(asked: _Asked, prediction: Prediction) -> Row:
    return asked.empty_row() | {
        "file": spelled(prediction.file),
        "start": round(prediction.start, _DIGITS),
        "end": round(prediction.end, _DIGITS),
        "emotion": prediction.label,
        "confidence": round(prediction.confidence, _DIGITS),
        "status": f"warning:{'+'.join(prediction.warnings)}" if prediction.warnings else "ok",
        **({} if prediction.labels is None else {"labels": LABEL_SEPARATOR.join(prediction.labels)}),
        **{
            f"score_{label}": round(score, _DIGITS)
            for label, score in prediction.scores.items()
            if asked.scores
        },
    }


def _bad(asked: _Asked, item: str | AudioError, code: str, message: str) -> Row:
    name = item.name if isinstance(item, AudioError) else item
    return asked.empty_row() | {
        "file": spelled(name),
        "start": 0.0,
        "status": f"error:{code}",
        "error": code,
        "message": " ".join(spelled(message).split()),
    }
