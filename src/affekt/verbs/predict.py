"""The emotion in many recordings: one row for each, or for each part of them, whatever is in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Unpack

from affekt import batch, writers
from affekt.batch import FailureLimit, Item, OnRay, Scored, Shard
from affekt.errors import UsageError
from affekt.inputs import expand
from affekt.labels import nearest
from affekt.provenance import usable_cores
from affekt.recognizer import Recognizer
from affekt.sandbox.pool import SECONDS
from affekt.verbs.scoring import COLUMNS, AskedOverTime, Job, Options, Row, Scoring, columns

__all__ = ["COLUMNS", "Asked", "Rows", "columns", "lopsided", "merge", "predict", "predict_to"]

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

ENGINES = ("local", "ray")

LOPSIDED_RECORDINGS, LOPSIDED_SHARE = 50, 0.9
"""From so many recordings on, more than this share of one label is remarkable."""


def predict(
    paths: Paths,
    model: str | os.PathLike[str] | Recognizer = "default",
    *,
    scores: bool = False,
    min_confidence: float = 0.0,
    coverage: float | None = None,
    threads: int | None = None,
    device: str = "cpu",
    file_seconds: float = SECONDS,
    max_failures: int | str | None = None,
    **over_time: Unpack[AskedOverTime],
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
        threads: processor threads; the usable cores if not given.
        device: where the network runs: `cpu`, or `cuda` with onnxruntime-gpu.
        file_seconds: what decoding one recording may take, beside a quarter of its length.
        max_failures: how many recordings may fail, as a number or a share such as `5%`; any if not given.
        over_time: `window` and `hop` in seconds give a row for each window of a recording; `segments=True`
            one for each stretch of one label, `summary=True` one with shares of time for the whole
            recording (windows of 2 s, 1 s apart, if not given); `smoothing` in seconds, and `speech`, as in
            `Recognizer.over_time`. `split=True` scores each channel by itself: a column `channel`, from 1.

    Raises:
        UsageError: there is no such model, it holds no threshold for this coverage, or windows that leave
            gaps.
        ModelFolderError: the model folder is damaged or not to be trusted.
        TooManyFailuresError: while walking the rows: more failed than `max_failures`.
    """
    limit = FailureLimit.parse(max_failures)
    options = Options.asked(scores, min_confidence, coverage, over_time)
    job = Job.checked(model, options, file_seconds, device)
    return Rows(job.open(threads or usable_cores()), _names(paths), limit)


class Asked(AskedOverTime, total=False):
    """The arguments of `predict` beside recordings and model."""

    scores: bool
    min_confidence: float
    coverage: float | None
    threads: int | None
    device: str
    file_seconds: float
    max_failures: int | str | None


def predict_to(
    output: str | os.PathLike[str],
    paths: Paths,
    model: str | os.PathLike[str] | Recognizer = "default",
    *,
    form: str | None = None,
    resume: bool = False,
    shard: str | None = None,
    engine: str = "local",
    ray_address: str | None = None,
    watch: Callable[[int], None] | None = None,
    warn: Callable[[str], None] | None = None,
    **asked: Unpack[Asked],
) -> Scored:
    """Writes the rows of `predict` into a table, which stands, whole, once all recordings are done.

    Until then they are kept in `OUTPUT.parts`: after a kill, a full disk or a loss of power `resume` goes on
    from there, and the table is to the byte that of a run that was let be.

    Args:
        output: a .csv, .json, .jsonl or .parquet file; for files of annotations a folder. For partitions a
            folder that is there, or a name with a slash at its end: it is replaced as a whole.
        paths, model, asked: as of `predict`.
        form: csv, json, jsonl or parquet, whatever the suffix, and parquet makes partitions in a folder; or
            audacity, eaf, textgrid or vtt, which make a file for each recording, of its segments.
        resume: goes on with a run that was not finished.
        shard: `I/N`, I from 0 to N - 1: every N-th recording alone, in `OUTPUT.shards`, for `merge`.
        engine: `local`, or `ray`: `threads` actors, of one core each, that share this folder.
        ray_address: of a running cluster, such as `auto`; with `ray` alone, which starts here if not given.
        watch: called with the number of recordings done.
        warn: called with `lopsided`'s line where there is one.

    Raises:
        UsageError: as `predict`; or an unfinished run is there and `resume` is not asked for, or it is one of
            another model, other options or other recordings.
        LockedError: another process writes this table.
        TooManyFailuresError: more failed than `max_failures`; what is done is kept.
        WriteError: the disk refuses; what is done is kept.
    """
    path, form = writers.target(output, form)
    if form in writers.ANNOTATIONS:
        asked["segments"] = True
    part = Shard.parse(shard) if shard is not None else None
    if engine not in ENGINES:
        raise UsageError(f"engine {engine}: unknown{nearest(engine, ENGINES)}; give {' or '.join(ENGINES)}")
    if ray_address is not None and engine != "ray":
        raise UsageError("ray_address: is of the engine ray; give --engine ray too")
    with predict(paths, model, **asked) as rows:
        scoring = rows.scoring
        maker = _on_ray(scoring.job, ray_address, asked) if engine == "ray" else scoring.here()
        settings: batch.Settings = {"resume": resume, "limit": rows.limit, "watch": watch}
        if part is not None:
            done = batch.to_shard(path, rows.items(), maker, scoring.origin, part, **settings)
        else:
            done = batch.to_file(path, rows.items(), maker, scoring.origin, form=form, **settings)
    if warn is not None and (line := lopsided(scoring.labels)):
        warn(line)
    return done


def merge(shards: Paths, output: str | os.PathLike[str], *, form: str | None = None) -> Scored:
    """One table of the shards of a run, to the byte that of a run in one piece; the shards stay.

    Args:
        shards: folders of shards, or folders that hold some, such as `OUTPUT.shards`.
        output: a .csv, .json, .jsonl or .parquet file, or a folder of partitions.
        form: csv, json, jsonl or parquet, whatever the suffix.

    Raises:
        UsageError: a shard is missing, unfinished, there twice, or of another model, options or recordings.
        WriteError: the disk refuses.
    """
    path, form = writers.target(output, form)
    return batch.merge([os.fspath(one) for one in _names(shards)], path, form=form)


def _on_ray(job: Job, address: str | None, asked: Asked) -> OnRay:
    if isinstance(job.model, Recognizer):
        job = replace(job, model=job.model.path)
    return OnRay(partial(job.open, 1), address, asked.get("threads"))


def lopsided(labels: Mapping[str, int]) -> str:
    """One line where nearly all of many recordings got one label, which hints at a mistake; else nothing.

    `labels` says how many recordings got which.
    """
    count = sum(labels.values())
    label, most = max(labels.items(), key=lambda item: item[1], default=("", 0))
    if count < LOPSIDED_RECORDINGS or most <= LOPSIDED_SHARE * count:
        return ""
    return (
        f"{most} of {count} recordings are {label}: that may be so, or they are unlike those that the model "
        "learnt from (telephone, noise, another language, a wrong channel); docs/predict.md says how to tell"
    )


class Rows(Iterator[Row]):
    """The rows of recordings, in order; to be walked once, and closed where the walk may stop early.

    `columns` are the keys of each row, and `timed` says whether a recording may have several; `done`
    counts the recordings whose rows are out.
    """

    def __init__(
        self, scoring: Scoring, paths: Iterable[str | os.PathLike[str]], limit: FailureLimit
    ) -> None:
        self.scoring = scoring
        self.columns = scoring.columns
        self.limit = limit
        self.timed = scoring.timed
        self.done = 0
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
        return expand(self._paths, tables=True)

    def _walk(self) -> Generator[Row]:
        failed = 0
        with self.scoring:
            for rows in batch.in_order(self.items(), self.scoring, self.scoring.ahead):
                self.done += 1
                yield from rows
                messages = (row["message"] for row in rows if row["error"] is not None)
                if (message := next(messages, None)) is not None:
                    failed += 1
                    self.limit.check(failed, self.done, message)


def _names(paths: Paths) -> Iterable[str | os.PathLike[str]]:
    return [paths] if isinstance(paths, str | os.PathLike) else paths
