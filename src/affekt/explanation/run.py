"""Which time-frequency regions decided: one map, its regions and its sanity scores for each recording."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from affekt import audio
from affekt.audio import SAMPLE_RATE
from affekt.errors import AffektError, AudioError, UsageError
from affekt.explanation import maps, overview, sanity
from affekt.explanation.maps import Map
from affekt.explanation.methods import Method, choose, judge
from affekt.explanation.overview import Overview
from affekt.explanation.recording import Recording, open_recording
from affekt.explanation.regions import outlined, regions
from affekt.explanation.result import Explanation, Failure
from affekt.explanation.sanity import Deletion, Likeness, Sanity
from affekt.explanation.silence import Samples
from affekt.inputs import expand
from affekt.labels import nearest
from affekt.model_folder import probabilities
from affekt.prediction import Prediction
from affekt.recognizer import Recognizer

MOST_COLUMNS = 600
"""The most columns of a map that is given away; more are averaged."""

MOST_PATCH_COLUMNS = 240
"""The most columns that occlusion looks at in a recording of several pieces, at least one in each."""

MOST_CHECKED = 8
"""The sanity scores of a recording of many pieces rest on so many, evenly spread."""

SCORED_SECONDS = 30.0
"""A recording too long to be scored whole is scored in pieces of at most so long."""

Tick = Callable[[int, int], None]


def explain(
    source: audio.Source,
    model: str | os.PathLike[str] | Recognizer = "default",
    *,
    method: str | None = None,
    emotion: str | None = None,
    sampling_rate: int | None = None,
    check: bool = True,
    seed: int = 0,
    threads: int | None = None,
    tick: Tick | None = None,
) -> Explanation:
    """Finds which regions of time and frequency speak for the emotion that a model hears in a recording.

    A recording of any length; a long one is explained in consecutive pieces, in bounded memory.

    Args:
        source: what a `Recognizer` takes: a path, bytes, a file object, an array, or a mapping.
        model: a known name, the path of a model folder, or a recogniser that is already loaded.
        method: of `METHODS`; the first that there is if not given.
        emotion: the label to explain; the predicted one if not given.
        sampling_rate: the rate of an array in Hz.
        check: also measure how far the map is to be trusted.
        seed: of the random regions that the check silences.
        threads: processor threads for the recogniser.
        tick: told (done, total) in runs of the model.

    Raises:
        UsageError: no such model, method or label.
        MissingExtraError: the method needs torch, which is not installed.
        ModelFolderError: the model folder is damaged or not to be trusted.
        AudioError: the recording cannot be used.
    """
    recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model, threads=threads)
    run = _prepared(recognizer, method=method, emotion=emotion, check=check, seed=seed, tick=tick)
    return run.explain(open_recording(source, sampling_rate))


def explain_each(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    model: str | os.PathLike[str] | Recognizer = "default",
    *,
    method: str | None = None,
    emotion: str | None = None,
    check: bool = True,
    seed: int = 0,
    threads: int | None = None,
    tick: Tick | None = None,
) -> Iterator[Explanation | Failure]:
    """Explains files, folders, patterns, or `-` for a list on standard input: one result for each, in order.

    Arguments and errors are those of `explain`, but a recording that cannot be used is a `Failure`.
    """
    recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model, threads=threads)
    run = _prepared(recognizer, method=method, emotion=emotion, check=check, seed=seed, tick=tick)
    names = [paths] if isinstance(paths, str | os.PathLike) else paths
    return (_one(run, item) for item in expand(names))


def _prepared(
    recognizer: Recognizer,
    *,
    method: str | None,
    emotion: str | None,
    check: bool,
    seed: int,
    tick: Tick | None,
) -> _Run:
    labels = recognizer.config.labels
    if emotion is not None and emotion not in labels:
        raise UsageError(f"emotion {emotion}: not one of this model's{nearest(emotion, labels)}")
    return _Run(recognizer, choose(recognizer, method, check=check), emotion, check, seed, tick)


def _one(run: _Run, item: str | AudioError) -> Explanation | Failure:
    try:
        if isinstance(item, AudioError):
            raise item
        return run.explain(open_recording(item))
    except AffektError as error:
        return Failure(item.name if isinstance(item, AudioError) else item, error.code, str(error))
    except MemoryError:
        return Failure(str(item), "memory", f"{item}: no memory left; use a smaller model")
    except Exception as error:
        # A fault of ours in one recording must not cost the others their results.
        return Failure(str(item), "internal", f"{item}: {type(error).__name__}: {error}")


@dataclass(frozen=True)
class _Run:
    recognizer: Recognizer
    method: Method
    emotion: str | None
    check: bool
    seed: int
    tick: Tick | None

    def explain(self, recording: Recording) -> Explanation:
        prediction = _predict(self.recognizer, recording)
        emotion = self.emotion or prediction.label
        count = recording.count(self.method.piece_seconds)
        found = _Found(self, recording, count, self.recognizer.config.labels.index(emotion))
        for number, samples in enumerate(recording.pieces(count)):
            found.add(number, samples)
        return found.result(prediction, emotion)


class _Found:
    """What was found in the pieces so far."""

    def __init__(self, run: _Run, recording: Recording, count: int, index: int) -> None:
        self.run, self.recording, self.count, self.index = run, recording, count, index
        self.most = max(1, MOST_PATCH_COLUMNS // count)
        self.checked = _spread(count, MOST_CHECKED) if run.check else set()
        self.judge = judge(run.recognizer)
        self.whole = run.method.whole(recording) if run.method.whole else None
        self.begins, self.averaged, self.done = 0.0, False, 0
        self.maps: list[Map] = []
        self.shown: list[Overview] = []
        self.deletions: list[Deletion] = []
        self.likenesses: list[Likeness] = []
        once = run.method.steps(recording.seconds / count, self.most)
        self.total = count * once + len(self.checked) * (sanity.RUNS + (once if run.method.blind else 0))

    def add(self, number: int, samples: Samples) -> None:
        """Explains one more piece."""
        found = self._map(samples)
        if number in self.checked:
            self._check(number, samples, found)
        fewer = found.fewer(max(1, MOST_COLUMNS // self.count))
        self.averaged |= fewer is not found
        self.maps.append(Map(fewer.values, fewer.grid.shifted(self.begins)))
        columns = max(1, overview.COLUMNS // self.count)
        self.shown.append(overview.overview(samples, columns).shifted(self.begins))
        self.begins += len(samples) / SAMPLE_RATE

    def _map(self, samples: Samples) -> Map:
        if self.whole is not None:
            self._step()
            return self.whole.between(self.begins, self.begins + len(samples) / SAMPLE_RATE)
        return self.run.method.find(samples, self.index, self.most, self._step)

    def result(self, prediction: Prediction, emotion: str) -> Explanation:
        """All pieces as one."""
        joined = self.whole or maps.joined(self.maps)
        fewer = joined.fewer(MOST_COLUMNS)
        fine, mask = outlined(joined, self.recording.seconds)
        return Explanation(
            prediction=prediction,
            emotion=emotion,
            method=self.run.method.name,
            unit=self.run.method.unit,
            map=fewer,
            regions=tuple(regions(fine, mask)),
            sanity=self._sanity() if self.run.check else None,
            pieces=self.count,
            averaged=self.averaged or fewer is not joined,
            overview=overview.joined(self.shown),
        )

    def _check(self, number: int, samples: Samples, found: Map) -> None:
        fine, mask = outlined(found, len(samples) / SAMPLE_RATE)
        seed = (self.run.seed, number)
        deleted = sanity.deletion(
            self.judge, samples, mask, fine.grid, self.index, seed=seed, step=self._step
        )
        if deleted is not None:
            self.deletions.append(deleted)
        blind = self.run.method.blind
        if blind is not None:
            other = blind(samples, self.index, self.most, self._step)
            self.likenesses.append(sanity.spearman(found.on(other.grid).values, other.values))

    def _sanity(self) -> Sanity:
        reason = self.run.method.reason
        known = [one.spearman for one in self.likenesses if one.spearman is not None]
        if known:
            likeness = Likeness(float(np.mean(known)))
        else:
            likeness = self.likenesses[0] if self.likenesses else Likeness(None, reason)
        return Sanity(sanity.mean_deletion(self.deletions), likeness, len(self.checked))

    def _step(self) -> None:
        self.done += 1
        if self.run.tick:
            self.run.tick(min(self.done, self.total), self.total)


def _predict(recognizer: Recognizer, recording: Recording) -> Prediction:
    """What the recogniser says; of one too long to be scored whole, the mean of what it says of pieces."""
    waveform = recording.waveform
    if waveform is not None:
        return recognizer.recognize(waveform)
    if recognizer.any_length:
        values = probabilities(recognizer.score(recording.blocks()).logits, recognizer.config.temperature)
    else:
        said = judge(recognizer)
        pieces = recording.pieces(recording.count(SCORED_SECONDS))
        values = np.mean([said(samples) for samples in pieces], axis=0)
    order = np.argsort(-values, kind="stable")
    scores = {recognizer.config.labels[at]: float(values[at]) for at in order}
    label = next(iter(scores))
    return Prediction(
        recording.name, 0.0, recording.seconds, label, scores[label], scores, recording.warnings
    )


def _spread(count: int, most: int) -> set[int]:
    """At most so many of `count` numbers from 0, the first and the last among them."""
    return {round(float(one)) for one in np.linspace(0, count - 1, min(count, most))}
