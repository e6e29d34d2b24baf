"""The emotion in many recordings: one row for each, whatever is in them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

from affekt import __version__, audio, batch, files, writers
from affekt.batch import FailureLimit, Item, Scored
from affekt.errors import AffektError, AudioCrashedError, AudioError, UsageError
from affekt.inputs import expand, spelled
from affekt.model_folder import default_threads
from affekt.model_folder.manifest import MANIFEST
from affekt.prediction import LABEL_SEPARATOR, Prediction
from affekt.recognizer import Recognizer, resolve
from affekt.sandbox import Decoders
from affekt.sandbox.pool import SECONDS

Row = dict[str, Any]
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

COLUMNS = ("file", "start", "end", "emotion", "confidence", "status", "error", "message")
"""The columns of every row; `file`, `start` and `end` are the index of a segmented table."""

_DIGITS = 6


def predict(
    paths: Paths,
    model: str | os.PathLike[str] | Recognizer = "default",
    *,
    scores: bool = False,
    min_confidence: float = 0.0,
    coverage: float | None = None,
    threads: int | None = None,
    file_seconds: float = SECONDS,
    max_failures: int | str | None = None,
) -> Rows:
    """Recognises the emotion in files, folders, patterns, or `-` for a list on standard input.

    Iterates over exactly one row for each recording, in order, as soon as it is known, also for one that
    cannot be read or does not exist, or that crashes or hangs its decoder, a process of its own. A row has
    the keys of `COLUMNS`: `start` and `end` in seconds, `confidence` in 0..1, `status` `ok`,
    `warning:CODE+CODE` or `error:CODE`, and for an error `error` (the code) and `message`, with `end`,
    `emotion` and `confidence` None. Memory does not grow with the number of rows.

    Args:
        paths: one or many.
        model: a known name, the path of a model folder, or a recogniser that is already loaded.
        scores: adds a column `score_LABEL` for each label, in 0..1.
        min_confidence: below it `emotion` is `unknown`; `confidence` and scores stay.
        coverage: adds a column `labels`: a set such as `anger+fear`, likeliest first, that holds the emotion
            in this share of clips of new speakers; the model must be calibrated.
        threads: processor threads; the usable cores, at most four, if not given.
        file_seconds: what decoding one recording may take, beside a quarter of its length.
        max_failures: how many recordings may fail, as a number or a share such as `5%`; any if not given.

    Raises:
        UsageError: there is no such model, or it holds no threshold for this coverage.
        ModelFolderError: the model folder is damaged or not to be trusted.
        TooManyFailuresError: while walking the rows: more failed than `max_failures`.
    """
    limit = FailureLimit.parse(max_failures)
    job = Job.checked(model, scores, min_confidence, coverage, file_seconds)
    return Rows(job.open(threads or default_threads()), _names(paths), limit)


class Asked(TypedDict, total=False):
    """The arguments of `predict` beside recordings and model."""

    scores: bool
    min_confidence: float
    coverage: float | None
    threads: int | None
    file_seconds: float
    max_failures: int | str | None


def predict_to(
    output: str | os.PathLike[str],
    paths: Paths,
    model: str | os.PathLike[str] | Recognizer = "default",
    *,
    form: str | None = None,
    resume: bool = False,
    watch: Callable[[int], None] | None = None,
    **asked: Unpack[Asked],
) -> Scored:
    """Writes the rows of `predict` into a table, which stands, whole, once all recordings are done.

    Until then they are kept in `OUTPUT.parts`: after a kill, a full disk or a loss of power `resume` goes on
    from there, and the table is to the byte that of a run that was let be.

    Args:
        output: a .csv, .json, .jsonl or .parquet file.
        paths, model, asked: as of `predict`.
        form: csv, json, jsonl or parquet, whatever the suffix.
        resume: goes on with a run that was not finished.
        watch: called with the number of recordings done.

    Raises:
        UsageError: as `predict`; or an unfinished run is there and `resume` is not asked for, or it is one of
            another model, other options or other recordings.
        LockedError: another process writes this table.
        TooManyFailuresError: more failed than `max_failures`; what is done is kept.
        WriteError: the disk refuses; what is done is kept.
    """
    path = Path(output)
    form = writers.format_of(path) if form is None else form
    writers.check(form)
    with predict(paths, model, **asked) as rows:
        return batch.to_file(
            path,
            rows.items(),
            rows.scoring,
            rows.scoring.origin,
            form=form,
            threads=rows.scoring.ahead,
            resume=resume,
            limit=rows.limit,
            watch=watch,
        )


def columns(recognizer: Recognizer, *, scores: bool = False, coverage: float | None = None) -> list[str]:
    """The keys of the rows that `predict` gives, in order."""
    sets = [] if coverage is None else ["labels"]
    return [*COLUMNS, *sets, *(f"score_{label}" for label in recognizer.config.labels if scores)]


@dataclass(frozen=True)
class Options:
    """What rows are to hold: with the model and a recording, all that they depend on."""

    scores: bool
    min_confidence: float
    coverage: float | None


@dataclass(frozen=True)
class Job:
    """What is asked of every recording, as plain values: another machine can be asked too."""

    model: str | os.PathLike[str] | Recognizer
    options: Options
    file_seconds: float

    @classmethod
    def checked(
        cls,
        model: str | os.PathLike[str] | Recognizer,
        scores: bool,
        min_confidence: float,
        coverage: float | None,
        file_seconds: float,
    ) -> Job:
        """The job, if it makes sense.

        Raises:
            UsageError: there is no such model, or a number is out of its range.
        """
        if not isinstance(model, Recognizer):
            resolve(model)
        if not 0 <= min_confidence <= 1:
            raise UsageError(f"min_confidence {min_confidence}: give a share from 0 to 1, such as 0.6")
        if file_seconds <= 0:
            raise UsageError(f"file_seconds {file_seconds}: give some seconds, such as {SECONDS:g}")
        return cls(model, Options(scores, min_confidence, coverage), file_seconds)

    def open(self, threads: int) -> Scoring:
        """Loads the model and starts the decoders; close what comes, or use it in a `with`."""
        # First: it starts while the model is loaded.
        decoders = Decoders(threads, seconds=self.file_seconds)
        try:
            model = self.model
            recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model, threads=threads)
            if self.options.coverage is not None:
                recognizer.least_score(self.options.coverage)
        except BaseException:
            decoders.close()
            raise
        return Scoring(recognizer, self.options, decoders, threads)


class Scoring(contextlib.AbstractContextManager["Scoring"]):
    """Gives the rows of one recording; safe to call from `ahead` threads at once.

    Half of them decode while the other half, at most `threads`, run the network.
    """

    def __init__(self, recognizer: Recognizer, options: Options, decoders: Decoders, threads: int) -> None:
        self.recognizer = recognizer
        self.columns = columns(recognizer, scores=options.scores, coverage=options.coverage)
        self.ahead = 2 * threads
        self._options = options
        self._decoders = decoders
        self._network = threading.Semaphore(threads)

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the decoders."""
        self._decoders.close()

    @property
    def origin(self) -> batch.Origin:
        """What its rows depend on beside the recording."""
        digest = files.sha256(self.recognizer.path / MANIFEST)
        return batch.Origin(digest, asdict(self._options), self.columns, __version__)

    def __call__(self, item: Item) -> list[Row]:
        try:
            if isinstance(item, AudioError):
                raise item
            return [self._good(self._recognize(item))]
        except AffektError as error:
            return [self._bad(item, error.code, str(error))]
        except MemoryError:
            return [self._bad(item, "memory", f"{item}: no memory left; cut it into shorter pieces")]
        except Exception as error:
            # A fault of ours in one recording must not cost the others their rows.
            return [self._bad(item, "internal", f"{item}: {type(error).__name__}: {error}")]

    def _recognize(self, item: str) -> Prediction:
        try:
            prediction = self._hear(item)
        except AudioCrashedError:
            # The one before it may have left its decoder damaged: this one crashes again, or is innocent.
            prediction = self._hear(item)
        if self._options.coverage is not None:
            prediction = self.recognizer.with_labels(prediction, self._options.coverage)
        return prediction.unless_below(self._options.min_confidence)

    def _hear(self, item: str) -> Prediction:
        recognizer = self.recognizer
        with self._decoders.stream(item, limits=recognizer.limits) as heard:
            if recognizer.any_length:
                return recognizer.hear(heard)
            waveform = audio.whole(heard)
        with self._network:
            return recognizer.recognize(waveform)

    def _good(self, prediction: Prediction) -> Row:
        return dict.fromkeys(self.columns) | {
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
                if self._options.scores
            },
        }

    def _bad(self, item: Item, code: str, message: str) -> Row:
        name = item.name if isinstance(item, AudioError) else item
        return dict.fromkeys(self.columns) | {
            "file": spelled(name),
            "start": 0.0,
            "status": f"error:{code}",
            "error": code,
            "message": " ".join(spelled(message).split()),
        }


class Rows(Iterator[Row]):
    """The rows of recordings, in order; to be walked once, and closed where the walk may stop early.

    `columns` are the keys of each row.
    """

    def __init__(
        self, scoring: Scoring, paths: Iterable[str | os.PathLike[str]], limit: FailureLimit
    ) -> None:
        self.scoring = scoring
        self.columns = scoring.columns
        self.limit = limit
        self._paths = paths
        self._rows = self._walk()

    def __next__(self) -> Row:
        return next(self._rows)

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the decoders; what is under way is not waited for."""
        self._rows.close()
        self.scoring.close()

    def items(self) -> Iterator[Item]:
        """What is scored, in order."""
        return expand(self._paths)

    def _walk(self) -> Generator[Row]:
        done = failed = 0
        with self.scoring:
            for rows in batch.in_order(self.items(), self.scoring, self.scoring.ahead):
                yield from rows
                done += 1
                messages = (row["message"] for row in rows if row["error"] is not None)
                if (message := next(messages, None)) is not None:
                    failed += 1
                    self.limit.check(failed, done, message)


def _names(paths: Paths) -> Iterable[str | os.PathLike[str]]:
    return [paths] if isinstance(paths, str | os.PathLike) else paths
