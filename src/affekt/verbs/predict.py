"""The emotion in many recordings: one row for each, whatever is in them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from affekt.errors import AffektError, AudioError
from affekt.inputs import expand, spelled
from affekt.model_folder import default_threads
from affekt.prediction import Prediction
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
        threads: processor threads; the usable cores, at most four, if not given.

    Raises:
        UsageError: there is no such model.
        ModelFolderError: the model folder is damaged or not to be trusted.
    """
    recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model, threads=threads)
    names = [paths] if isinstance(paths, str | os.PathLike) else paths
    return _rows(recognizer, names, scores, threads or default_threads())


def columns(recognizer: Recognizer, *, scores: bool = False) -> list[str]:
    """The keys of the rows that `predict` gives, in order."""
    return [*COLUMNS, *(f"score_{label}" for label in recognizer.config.labels if scores)]


def _rows(
    recognizer: Recognizer, names: Iterable[str | os.PathLike[str]], scores: bool, workers: int
) -> Iterator[Row]:
    pending: deque[Future[Row]] = deque()
    executor = ThreadPoolExecutor(workers, thread_name_prefix="affekt-predict")
    try:
        for item in expand(names):
            pending.append(executor.submit(_row, recognizer, item, scores))
            if len(pending) > 4 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        executor.shutdown(cancel_futures=True)


def _row(recognizer: Recognizer, item: str | AudioError, scores: bool) -> Row:
    try:
        if isinstance(item, AudioError):
            raise item
        return _good(recognizer, recognizer(item), scores)
    except AffektError as error:
        return _bad(recognizer, item, error.code, str(error), scores)
    except MemoryError:
        return _bad(recognizer, item, "memory", f"{item}: no memory left; cut it into shorter pieces", scores)
    except Exception as error:
        # A fault of ours in one recording must not cost the others their rows.
        return _bad(recognizer, item, "internal", f"{item}: {type(error).__name__}: {error}", scores)


def _good(recognizer: Recognizer, prediction: Prediction, scores: bool) -> Row:
    row = dict.fromkeys(columns(recognizer, scores=scores))
    return row | {
        "file": spelled(prediction.file),
        "start": round(prediction.start, _DIGITS),
        "end": round(prediction.end, _DIGITS),
        "emotion": prediction.label,
        "confidence": round(prediction.confidence, _DIGITS),
        "status": f"warning:{'+'.join(prediction.warnings)}" if prediction.warnings else "ok",
        **{f"score_{label}": round(score, _DIGITS) for label, score in prediction.scores.items() if scores},
    }


def _bad(recognizer: Recognizer, item: str | AudioError, code: str, message: str, scores: bool) -> Row:
    name = item.name if isinstance(item, AudioError) else item
    row = dict.fromkeys(columns(recognizer, scores=scores))
    return row | {
        "file": spelled(name),
        "start": 0.0,
        "status": f"error:{code}",
        "error": code,
        "message": " ".join(spelled(message).split()),
    }
