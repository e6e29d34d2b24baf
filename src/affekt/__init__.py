"""Affekt recognises emotion in speech, and trains the recognisers.

    from affekt import Recognizer

    recognizer = Recognizer.load()
    prediction = recognizer("call.wav")
    prediction.label, prediction.confidence

What a verb of the command line does, the function of the same name does: `affekt.predict(...)`. Names are
imported when they are first used, so that `import affekt` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from affekt.errors import (
    AffektError,
    AudioCorruptError,
    AudioCrashedError,
    AudioEmptyError,
    AudioError,
    AudioFormatError,
    AudioMemoryError,
    AudioNonFiniteError,
    AudioNotFoundError,
    AudioTimeoutError,
    AudioTooLargeError,
    CorpusError,
    LockedError,
    MissingExtraError,
    ModelFolderError,
    SplitError,
    TrackingError,
    TrainingError,
    UsageError,
)

if TYPE_CHECKING:
    from affekt.explanation import Explanation, explain
    from affekt.plotting import plot
    from affekt.prediction import Prediction
    from affekt.recognizer import Recognizer
    from affekt.reporting import report
    from affekt.serving import serve
    from affekt.verbs.best import reproduce_best
    from affekt.verbs.compare import compare
    from affekt.verbs.cross import evaluate_cross
    from affekt.verbs.embed import embed
    from affekt.verbs.evaluate import evaluate
    from affekt.verbs.export import export
    from affekt.verbs.fuse import fuse
    from affekt.verbs.listen import listen
    from affekt.verbs.liu2021 import reproduce_liu2021
    from affekt.verbs.predict import merge, predict, predict_to
    from affekt.verbs.pretrain import pretrain_speakers
    from affekt.verbs.pretrain_images import pretrain_images
    from affekt.verbs.reproduce import reproduce_padi2021
    from affekt.verbs.runs import runs
    from affekt.verbs.train import train
    from affekt.verbs.zhang2018 import reproduce_zhang2018

__version__ = "0.1.0"

__all__ = [
    "AffektError",
    "AudioCorruptError",
    "AudioCrashedError",
    "AudioEmptyError",
    "AudioError",
    "AudioFormatError",
    "AudioMemoryError",
    "AudioNonFiniteError",
    "AudioNotFoundError",
    "AudioTimeoutError",
    "AudioTooLargeError",
    "CorpusError",
    "Explanation",
    "LockedError",
    "MissingExtraError",
    "ModelFolderError",
    "Prediction",
    "Recognizer",
    "SplitError",
    "TrackingError",
    "TrainingError",
    "UsageError",
    "__version__",
    "compare",
    "embed",
    "evaluate",
    "evaluate_cross",
    "explain",
    "export",
    "fuse",
    "listen",
    "merge",
    "plot",
    "predict",
    "predict_to",
    "pretrain_images",
    "pretrain_speakers",
    "report",
    "reproduce_best",
    "reproduce_liu2021",
    "reproduce_padi2021",
    "reproduce_zhang2018",
    "runs",
    "serve",
    "train",
]

_HOMES = {
    "Explanation": "affekt.explanation",
    "Prediction": "affekt.prediction",
    "Recognizer": "affekt.recognizer",
    "compare": "affekt.verbs.compare",
    "embed": "affekt.verbs.embed",
    "evaluate": "affekt.verbs.evaluate",
    "evaluate_cross": "affekt.verbs.cross",
    "explain": "affekt.explanation",
    "export": "affekt.verbs.export",
    "listen": "affekt.verbs.listen",
    "fuse": "affekt.verbs.fuse",
    "merge": "affekt.verbs.predict",
    "plot": "affekt.plotting",
    "predict": "affekt.verbs.predict",
    "predict_to": "affekt.verbs.predict",
    "pretrain_images": "affekt.verbs.pretrain_images",
    "pretrain_speakers": "affekt.verbs.pretrain",
    "report": "affekt.reporting",
    "reproduce_best": "affekt.verbs.best",
    "reproduce_liu2021": "affekt.verbs.liu2021",
    "reproduce_padi2021": "affekt.verbs.reproduce",
    "reproduce_zhang2018": "affekt.verbs.zhang2018",
    "runs": "affekt.verbs.runs",
    "serve": "affekt.serving",
    "train": "affekt.verbs.train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'affekt' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *globals()])
