"""A model folder in use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from affekt import audio, model_folder
from affekt.config import ModelConfig
from affekt.errors import ModelFolderError, UsageError
from affekt.labels import nearest
from affekt.model_folder import Output, Scorer, probabilities
from affekt.prediction import Prediction
from affekt.timeline import SMOOTHING, Timeline, timeline_of

ASSETS = Path(__file__).resolve().parent / "assets"

MODELS: dict[str, Path] = {"default": ASSETS / "default"}
"""The models that ship with affekt: name -> folder."""

BUILT = {
    "best": "affekt reproduce best --data CORPUS:FOLDER --speakers librispeech:FOLDER -o best",
}
"""Models that do not ship: name -> the command that builds one, in `-o`'s folder `model`."""

ANY_LENGTH = audio.Limits(seconds=None, decoded_bytes=None)
"""The budget of models whose memory does not grow with a recording."""

Sources = list[Any] | tuple[Any, ...]


def resolve(model: str | os.PathLike[str]) -> Path:
    """The folder of a model: a known name, or the path of a folder.

    Raises:
        UsageError: it is neither.
        ModelFolderError: this copy of affekt has no weights for the known name.
    """
    if isinstance(model, str) and model in MODELS:
        folder = MODELS[model]
        if not folder.is_dir():
            raise ModelFolderError(
                f"model '{model}': this copy of affekt ships no weights; install a release, or give the "
                "folder of a model that you trained"
            )
        return folder
    path = Path(model).expanduser()
    if os.fspath(model) and path.is_dir():
        return path
    if str(model) in BUILT:
        raise UsageError(f"model '{model}': is not shipped; build it: {BUILT[str(model)]}, then ./best/model")
    hint = nearest(str(model), MODELS) if isinstance(model, str) and os.sep not in model else ""
    raise UsageError(
        f"{model}: neither a known model nor a folder{hint}; write a folder as ./NAME or /PATH/NAME"
    )


class Recognizer:
    """Recognises the emotion in recordings with one model; safe to call from several threads.

    A clip is scored by itself and whole: the same clip gets the same scores alone, in a list, or in a batch.
    """

    def __init__(self, path: Path, config: ModelConfig, scorer: Scorer) -> None:
        """Takes parts that were checked; use `Recognizer.load`."""
        self.path = path
        self.config = config
        self._scorer = scorer

    @classmethod
    def load(
        cls,
        model: str | os.PathLike[str] = "default",
        *,
        threads: int | None = None,
        device: str = "cpu",
    ) -> Recognizer:
        """Loads a known model, or a model folder, and lets it check itself on its golden clips.

        Args:
            model: `"default"`, or the path of a model folder.
            threads: processor threads for one clip; the usable cores, at most four, if not given.
            device: `cpu`, or `cuda` with onnxruntime-gpu.

        Raises:
            UsageError: there is no such model or device.
            ModelFolderError: the folder is damaged or not to be trusted.
        """
        if threads is not None and threads < 1:
            raise UsageError(f"threads: {threads} is not a number of threads; give 1 or more")
        folder = model_folder.open_folder(resolve(model))
        if folder.config.task != "emotion":
            raise UsageError(
                f"{folder.path}: tells {folder.config.task} apart and names no emotion; train from it with "
                f"`affekt train data=CORPUS:FOLDER init={folder.path}`"
            )
        return cls(folder.path, folder.config, folder.scorer(threads, device))

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The labels in the order of `predict_proba`'s columns."""
        return np.array(self.config.labels)

    @overload
    def __call__(self, source: audio.Source, *, sampling_rate: int | None = ...) -> Prediction: ...
    @overload
    def __call__(self, source: Sources, *, sampling_rate: int | None = ...) -> list[Prediction]: ...
    def __call__(
        self, source: audio.Source | Sources, *, sampling_rate: int | None = None
    ) -> Prediction | list[Prediction]:
        """The emotion in a recording, or in each of a list or tuple of them.

        Args:
            source: a path, the bytes of an audio file, a file object, an array with its `sampling_rate`,
                or a mapping `{"array": ..., "sampling_rate": ...}`; or a list of these.
            sampling_rate: the rate of an array in Hz.

        Raises:
            AudioError: a recording cannot be used.
        """
        if isinstance(source, list | tuple):
            return [self._hear(one, sampling_rate) for one in source]
        return self._hear(source, sampling_rate)

    def listen(self, source: audio.Source, *, sampling_rate: int | None = None) -> audio.Waveform:
        """The recording as this model hears it: 16 kHz, mono.

        Raises:
            AudioError: it cannot be used.
        """
        return audio.load(source, rate=sampling_rate)

    def recognize(self, waveform: audio.Waveform) -> Prediction:
        """The emotion in a loaded recording."""
        return self.told(waveform, self._scorer.run(waveform.samples).logits)

    def told(self, waveform: audio.Waveform, logits: NDArray[np.float32]) -> Prediction:
        """What the logits [classes] of a loaded recording mean."""
        return self._prediction(logits, waveform.name, len(waveform.samples), waveform.warnings)

    def over_time(
        self,
        source: audio.Source,
        *,
        window: float = 2.0,
        hop: float | None = 1.0,
        smoothing: float = SMOOTHING,
        speech: bool = True,
        min_confidence: float = 0.0,
        sampling_rate: int | None = None,
        channel: int | None = None,
        progress: Callable[[float, float | None], None] | None = None,
    ) -> Timeline:
        """The emotion in a recording over time, of any length in the same memory.

        Args:
            source: as for calling the recogniser, one of them.
            window: seconds of a window, at least 0.1.
            hop: seconds from one to the next, at most a window; half a window where None.
            smoothing: seconds over which windows lean on those before; 0: none does.
            speech: whether windows in which nobody speaks are `no_speech`.
            min_confidence: below it a window's label is `unknown`; scores stay.
            sampling_rate: the rate of an array in Hz.
            channel: the one that is heard, counted from 0; their mean if not given.
            progress: called now and then with the seconds done and those expected, None if not known.

        Raises:
            UsageError: windows that leave gaps, or a number out of its range.
            AudioError: the recording cannot be used.
        """
        with audio.stream(source, rate=sampling_rate, limits=ANY_LENGTH, channel=channel) as heard:
            return timeline_of(
                self,
                heard,
                window,
                hop,
                smoothing=smoothing,
                speech=speech,
                min_confidence=min_confidence,
                progress=progress,
            )

    @property
    def limits(self) -> audio.Limits:
        """The budget of a recording: any length where memory does not grow with it."""
        return ANY_LENGTH if self.any_length else audio.DEFAULT_LIMITS

    def hear(self, heard: audio.Blocks) -> Prediction:
        """The emotion in a recording that comes in blocks; held whole only where the model needs that."""
        if not self.any_length:
            return self.recognize(audio.whole(heard))
        count = 0

        def blocks() -> Iterator[NDArray[np.float32]]:
            nonlocal count
            for block in heard:
                count += len(block)
                yield block

        output = self._scorer.run_blocks(blocks())
        return self._prediction(output.logits, heard.name, count, heard.warnings)

    def _hear(self, source: audio.Source, sampling_rate: int | None) -> Prediction:
        with audio.stream(source, rate=sampling_rate, limits=self.limits) as heard:
            return self.hear(heard)

    def _prediction(
        self, logits: NDArray[np.float32], name: str, samples: int, warnings: tuple[str, ...]
    ) -> Prediction:
        values = probabilities(logits, self.config.temperature)
        order = np.argsort(-values, kind="stable")
        scores = {self.config.labels[index]: float(values[index]) for index in order}
        label = next(iter(scores))
        short = ("short",) if samples < self.config.min_samples else ()
        return Prediction(
            file=name,
            start=0.0,
            end=samples / audio.SAMPLE_RATE,
            label=label,
            confidence=scores[label],
            scores=scores,
            warnings=tuple(dict.fromkeys((*warnings, *short))),
        )

    def with_labels(self, prediction: Prediction, coverage: float) -> Prediction:
        """The prediction with a set of labels that holds the emotion in `coverage` of clips of new speakers.

        Every label whose score reaches the threshold of this coverage, and the likeliest
        (`affekt.evaluation.label_sets`); 0.905 takes the threshold of 0.91.

        Raises:
            UsageError: the model holds no threshold for it.
        """
        least = self.least_score(coverage)
        likeliest = next(iter(prediction.scores))
        kept = (label for label, score in prediction.scores.items() if score >= least or label == likeliest)
        return replace(prediction, labels=tuple(kept))

    def least_score(self, coverage: float) -> float:
        """The score from which a label stands in a set of this coverage.

        Raises:
            UsageError: the model is not calibrated, or holds no threshold for it.
        """
        if not 0 < coverage < 1:
            raise UsageError(f"coverage {coverage}: give a share between 0 and 1, such as 0.9")
        if self.config.calibration is None:
            raise UsageError(
                f"{self.path}: not calibrated, so it gives no sets of labels; train one with validation "
                "speakers, or with --calibrate-from a cross-validation's folder"
            )
        least = self.config.calibration.threshold(coverage)
        if least is None:
            known = self.config.calibration.thresholds
            most = f"at most {known[-1].coverage}" if known else "none"
            raise UsageError(f"{self.path}: no threshold for a coverage of {coverage}; it holds {most}")
        return least

    def predict(self, sources: Sequence[Any]) -> NDArray[np.str_]:
        """The label of each recording: [recordings]. The sources are those of calling the recogniser."""
        best: NDArray[np.str_] = self.classes_[self.predict_proba(sources).argmax(axis=1)]
        return best

    def predict_proba(self, sources: Sequence[Any]) -> NDArray[np.float64]:
        """The scores of each recording: [recordings, classes], columns as in `classes_`."""
        outputs = [self._scorer.run(self.listen(source).samples) for source in sources]
        return probabilities(self._rows([output.logits for output in outputs]), self.config.temperature)

    def logits(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """What the network says before temperature and softmax: [clips, classes].

        `waveforms` are float32 [samples] at 16 kHz.
        """
        return self._rows([self._scorer.run(samples).logits for samples in waveforms])

    def logits_together(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The `logits` of clips of like lengths, in one run of the network: the same to 1e-4, and quicker."""
        return self._rows([output.logits for output in self._scorer.run_many(waveforms)])

    def score(self, blocks: Iterable[NDArray[np.float32]], *, attention: bool = False) -> Output:
        """What the network says of one recording in blocks, float32 [samples] at 16 kHz.

        Memory does not grow with the recording where the network is `any_length`; others need it whole.
        With `attention` its map comes too, where the system has one.
        """
        return self._scorer.run_blocks(blocks, attention=attention)

    @property
    def any_length(self) -> bool:
        """Whether `score` takes a recording of any length in the same memory."""
        return self._scorer.any_length

    def embed(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The vector from which the classifier decides, of each clip: [clips, dimensions].

        `waveforms` are float32 [samples] at 16 kHz.
        """
        vectors = [self._scorer.run(samples).embedding for samples in waveforms]
        return np.stack(vectors) if vectors else np.empty((0, self.config.embedding_size), np.float32)

    def _rows(self, logits: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(logits) if logits else np.empty((0, len(self.config.labels)), np.float32)
