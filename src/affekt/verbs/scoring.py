"""What is asked of a recording, and the rows that answer it."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypedDict, TypeVar

from affekt import __version__, audio, batch, files
from affekt.batch import Here, Item
from affekt.errors import AffektError, AudioCrashedError, AudioError, UsageError
from affekt.inputs import spelled
from affekt.model_folder.manifest import MANIFEST
from affekt.prediction import DIGITS, LABEL_SEPARATOR, Prediction
from affekt.recognizer import ANY_LENGTH, Recognizer, resolve
from affekt.sandbox.pool import SECONDS, Decoders
from affekt.span_tables import Span
from affekt.timeline import timeline_of
from affekt.together import Shared, Together
from affekt.verbs.over_time import OverTime

Row = dict[str, Any]

COLUMNS = ("file", "start", "end", "emotion", "confidence", "status", "error", "message")
"""The columns of every row; `file`, `start` and `end` are the index of a segmented table."""

BATCH_CLIPS = 32
"""Together on an accelerator."""

PADDING = 0.25
"""How much longer or shorter than the first of a batch the others may be, as a share."""

Result = TypeVar("Result")


class AskedOverTime(TypedDict, total=False):
    """The arguments of `predict` that ask for more than a row for each recording."""

    window: float | None
    hop: float | None
    segments: bool
    summary: bool
    smoothing: float | None
    speech: bool
    split: bool


def columns(
    recognizer: Recognizer,
    *,
    scores: bool = False,
    coverage: float | None = None,
    over_time: OverTime | None = None,
    split: bool = False,
) -> list[str]:
    """The keys of the rows that `predict` gives, in order."""
    labels = recognizer.config.labels
    first, rest = COLUMNS[:3], COLUMNS[3:]
    return [
        *first,
        *(["channel"] if split else []),
        *rest,
        *([] if coverage is None else ["labels"]),
        *([] if over_time is None else over_time.columns(labels)),
        *(f"score_{label}" for label in labels if scores),
    ]


@dataclass(frozen=True)
class Options:
    """What rows are to hold: with the model and a recording, all that they depend on."""

    scores: bool = False
    min_confidence: float = 0.0
    coverage: float | None = None
    over_time: OverTime | None = None
    split: bool = False

    @classmethod
    def asked(
        cls, scores: bool, min_confidence: float, coverage: float | None, over_time: AskedOverTime
    ) -> Options:
        """What is meant.

        Raises:
            UsageError: a number is out of its range, or things that do not go together.
        """
        if not 0 <= min_confidence <= 1:
            raise UsageError(f"min_confidence {min_confidence}: give a share from 0 to 1, such as 0.6")
        windows = OverTime.asked(
            over_time.get("window"),
            over_time.get("hop"),
            segments=over_time.get("segments", False),
            summary=over_time.get("summary", False),
            smoothing=over_time.get("smoothing"),
            speech=over_time.get("speech", True),
        )
        if coverage is not None and windows is not None:
            raise UsageError("coverage: holds for whole recordings, and not for windows of them; ask for one")
        return cls(scores, min_confidence, coverage, windows, over_time.get("split", False))


@dataclass(frozen=True)
class Job:
    """What is asked of every recording, as plain values: another machine can be asked too."""

    model: str | os.PathLike[str] | Recognizer
    options: Options
    file_seconds: float
    device: str = "cpu"

    @classmethod
    def checked(
        cls,
        model: str | os.PathLike[str] | Recognizer,
        options: Options,
        file_seconds: float,
        device: str = "cpu",
    ) -> Job:
        """The job, if it makes sense.

        Raises:
            UsageError: there is no such model, or no time.
        """
        if not isinstance(model, Recognizer):
            resolve(model)
        if file_seconds <= 0:
            raise UsageError(f"file_seconds {file_seconds}: give some seconds, such as {SECONDS:g}")
        return cls(model, options, file_seconds, device)

    def open(self, threads: int) -> Scoring:
        """Loads the model and starts the decoders; close what comes, or use it in a `with`."""
        # First: it starts while the model is loaded.
        decoders = Decoders(threads, seconds=self.file_seconds)
        try:
            model = self.model
            # One thread for each clip, many clips at once: sums come out the same for any number of them.
            recognizer = (
                model
                if isinstance(model, Recognizer)
                else Recognizer.load(model, threads=1, device=self.device)
            )
            if self.options.coverage is not None:
                recognizer.least_score(self.options.coverage)
        except BaseException:
            decoders.close()
            raise
        return Scoring(self, recognizer, decoders, threads, together=self.device != "cpu")


class Scoring(contextlib.AbstractContextManager["Scoring"]):
    """Gives the rows of one recording; safe to call from `ahead` threads at once.

    Half of them decode while the other half, at most `threads`, run the network, each on a recording of its
    own. With `together` those of like lengths are batches of one thread: what an accelerator wants.
    """

    def __init__(
        self, job: Job, recognizer: Recognizer, decoders: Decoders, threads: int, *, together: bool = False
    ) -> None:
        options = job.options
        self.job = job
        self.recognizer = recognizer
        self.columns = columns(
            recognizer,
            scores=options.scores,
            coverage=options.coverage,
            over_time=options.over_time,
            split=options.split,
        )
        self._together = Together(1, padding=PADDING, most_clips=BATCH_CLIPS) if together else None
        self._heard = Shared(self._together, recognizer) if self._together else recognizer
        running = threads if self._together is None else BATCH_CLIPS
        self.ahead = threads + running
        self.labels: Counter[str] = Counter()
        """How many recordings got which label, before any was called `unknown`."""
        self._counting = threading.Lock()
        self.timed = options.over_time is not None and options.over_time.what != "summary"
        self._options = options
        self._decoders = decoders
        self._network = threading.Semaphore(running)

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the decoders, and the thread of batches."""
        self._decoders.close()
        if self._together is not None:
            self._together.stop()

    def here(self) -> Here:
        """The engine of this process."""
        return Here(self, self.ahead)

    @property
    def origin(self) -> batch.Origin:
        """What its rows depend on beside the recording."""
        digest = files.sha256(self.recognizer.path / MANIFEST)
        return batch.Origin(
            digest,
            {
                **asdict(self._options),
                "device": self.job.device,
                "precision": self.recognizer.config.precision,
            },
            self.columns,
            __version__,
        )

    def __call__(self, item: Item) -> list[Row]:
        """The rows of one recording; at least one, whatever is in it."""
        rows: list[Row] = []
        channel = None
        try:
            if isinstance(item, AudioError):
                raise item
            channels = self._twice(item, self._channels) if self._options.split else 1
            for at in range(channels):
                channel = at if self._options.split else None
                rows += self._twice(item, functools.partial(self._rows, channel=channel))
        except AffektError as error:
            rows.append(self._bad(item, channel, error.code, str(error)))
        except MemoryError:
            message = f"{item}: no memory left; cut it into shorter pieces"
            rows.append(self._bad(item, channel, "memory", message))
        except Exception as error:
            # A fault of ours in one recording must not cost the others their rows.
            message = f"{item}: {type(error).__name__}: {error}"
            rows.append(self._bad(item, channel, "internal", message))
        return rows

    @staticmethod
    def _twice(item: str, work: Callable[[str], Result]) -> Result:
        try:
            return work(item)
        except AudioCrashedError:
            # The one before it may have left its decoder damaged: this one crashes again, or is innocent.
            return work(item)

    def _channels(self, item: str) -> int:
        with self._decoders.stream(item, limits=ANY_LENGTH) as heard:
            return heard.channels

    def _rows(self, item: str, *, channel: int | None) -> list[Row]:
        span = item if isinstance(item, Span) else None
        offset = 0.0 if span is None else span.start
        found = self._timed(item, channel) if self._options.over_time else [self._whole(item, channel)]
        known = dict.fromkeys(self.columns) | ({} if channel is None else {"channel": channel + 1})
        return [
            known
            | row
            | {"start": round(row["start"] + offset, DIGITS), "end": round(row["end"] + offset, DIGITS)}
            for row in found
        ]

    def _timed(self, item: str, channel: int | None) -> list[Row]:
        asked = self._options.over_time
        assert asked is not None
        with self._network, self._stream(item, ANY_LENGTH, channel) as heard:
            timeline = timeline_of(
                self._heard,
                heard,
                asked.window,
                asked.hop,
                smoothing=asked.smoothing,
                speech=asked.speech,
                min_confidence=self._options.min_confidence,
            )
        self._count(timeline.summary.dominant)
        return asked.rows(timeline, scores=self._options.scores)

    def _whole(self, item: str, channel: int | None) -> Row:
        recognizer = self.recognizer
        with self._stream(item, recognizer.limits, channel) as heard:
            if recognizer.any_length:
                prediction = recognizer.hear(heard)
            else:
                waveform = audio.whole(heard)
        if not recognizer.any_length:
            with self._network:
                logits = self._heard.logits([waveform.samples])[0]
            prediction = recognizer.told(waveform, logits)
        self._count(prediction.label)
        if self._options.coverage is not None:
            prediction = recognizer.with_labels(prediction, self._options.coverage)
        return self._good(prediction.unless_below(self._options.min_confidence))

    def _stream(self, item: str, limits: audio.Limits, channel: int | None) -> audio.Blocks:
        if not isinstance(item, Span):
            return self._decoders.stream(item, limits=limits, channel=channel)
        heard = self._decoders.stream(item, limits=ANY_LENGTH, channel=channel)
        return audio.Stretch(heard, item.start, item.end, limits)

    def _count(self, label: str) -> None:
        with self._counting:
            self.labels[label] += 1

    def _good(self, prediction: Prediction) -> Row:
        row = prediction.row()
        scores = row.pop("scores") if self._options.scores else {}
        return {
            **{key: row[key] for key in COLUMNS if key in row},
            "file": spelled(prediction.file),
            **({} if prediction.labels is None else {"labels": LABEL_SEPARATOR.join(prediction.labels)}),
            **{f"score_{label}": score for label, score in scores.items()},
        }

    def _bad(self, item: Item, channel: int | None, code: str, message: str) -> Row:
        name = item.name if isinstance(item, AudioError) else item
        return (
            dict.fromkeys(self.columns)
            | ({} if channel is None else {"channel": channel + 1})
            | {
                "file": spelled(name),
                "start": item.start if isinstance(item, Span) else 0.0,
                "status": f"error:{code}",
                "error": code,
                "message": " ".join(spelled(message).split()),
            }
        )
