"""Settings with one strict shape: what a model folder says of itself."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from affekt.geometry import SAMPLE_RATE
from affekt.labels import EMOTIONS

NETWORKS: tuple[str, ...] = ("resnet-stats", "resnet-attention", "attention-fcn", "facenet")
"""The systems that hear samples by themselves."""

BASELINE = "opensmile-svm"
"""The baseline, which hears nothing but what openSMILE says of a clip."""

FUSION = "fusion"
"""Several networks in one graph, their logits weighed and added."""

SYSTEMS: tuple[str, ...] = (*NETWORKS, BASELINE, FUSION)
"""The closed registry of systems; a model folder that names another one is refused."""

MODEL_FORMAT = 1
"""The version of the model folder's layout."""

# Control and bidirectional characters could rewrite a terminal or a model card.
Line = Annotated[
    str,
    StringConstraints(
        max_length=4000, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$", strip_whitespace=False
    ),
]
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]{0,4000}")
_RECIPE_DEPTH = 8
_RECIPE_VALUES = 5000


class Strict(BaseModel):
    """No unknown keys, no silent conversions, no NaN, no changes after the check."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Metric(Strict):
    """A figure with the ends of its 95 % interval, where one was computed."""

    value: float
    low: float | None = None
    high: float | None = None


class TrainingCorpus(Strict):
    """A corpus, or a public checkpoint, that the model learnt from; None where a number is not known."""

    name: Line
    licence: Line
    non_commercial: bool
    citation: Line
    clips: int | None = Field(ge=0)
    speakers: int | None = Field(ge=0)


class TrainingRecord(Strict):
    """How a model came to be; `seconds` is the wall time of training."""

    corpora: list[TrainingCorpus]
    seconds: float = Field(ge=0)
    seed: int
    command: Line
    commit: Line
    versions: dict[Line, Line]


class Threshold(Strict):
    """The least score of a label in a set that holds the true one with this coverage."""

    coverage: float = Field(gt=0, lt=1)
    score: float = Field(ge=0, le=1)


class CalibrationRecord(Strict):
    """What temperature and label sets rest on: clips of speakers that the scoring network had not heard."""

    source: Line
    clips: int = Field(ge=1)
    speakers: int = Field(ge=1)
    thresholds: list[Threshold] = Field(max_length=200)

    @field_validator("thresholds")
    @classmethod
    def _ordered(cls, thresholds: list[Threshold]) -> list[Threshold]:
        for one, other in pairwise(thresholds):
            if not (one.coverage < other.coverage and one.score >= other.score):
                raise ValueError("thresholds must have rising coverage, and scores that do not rise")
        return thresholds

    def threshold(self, coverage: float) -> float | None:
        """The least score for at least this coverage; None beyond what is known."""
        return next((one.score for one in self.thresholds if one.coverage >= coverage - 1e-9), None)


class ParityRecord(Strict):
    """How far scores in fewer bits may be from those in float32, and were when the folder was made.

    `bound` and `difference` are of the largest score of `clips` from `source`, `changed` counts other labels;
    `original` is the SHA-256 of the original's manifest, `golden` its scores of the golden clips, by label.
    """

    bound: float = Field(gt=0, le=1)
    difference: float = Field(ge=0, le=1)
    changed: int = Field(ge=0)
    clips: int = Field(ge=1)
    source: Line
    original: str = Field(pattern=r"^[0-9a-f]{64}$")
    golden: dict[Line, dict[Line, float]] = Field(min_length=1, max_length=4)


class FusionMember(Strict):
    """One of several: its scores count as softmax(weight * log(score) / temperature)."""

    name: Line
    system: Line
    weight: float = Field(ge=0, le=1)
    temperature: float = Field(gt=0, le=1000)


class FusionRecord(Strict):
    """`fusion.json`: what was found of members' scores, to fuse models of the same recipes by."""

    format: Literal[1]
    labels: list[Line] = Field(min_length=2)
    members: list[FusionMember] = Field(min_length=2, max_length=20)
    temperature: float = Field(gt=0, le=1000)
    calibration: CalibrationRecord


class ModelConfig(Strict):
    """`config.json` of a model folder.

    `labels` are in the order of the network's classes: emotions, or for the tasks `speakers` and `images`
    what a network was pre-trained on. Clips below `min_samples` (at `sample_rate` Hz) are
    padded inside the network and give the warning `short`. Scores are softmax(logits / temperature);
    `calibration` says what the temperature rests on, None where it was not fitted.
    `tensors` maps each tensor of `model.safetensors` to its shape; writing the folder fills it.
    """

    format: Literal[1]
    affekt: Line
    system: Line
    task: Literal["emotion", "speakers", "images"] = "emotion"
    labels: list[Line] = Field(min_length=2)
    sample_rate: Literal[16000]
    temperature: float = Field(gt=0, le=1000)
    min_samples: int = Field(ge=0, le=60 * SAMPLE_RATE)
    embedding_size: int = Field(ge=1, le=65_536)
    recipe: dict[str, Any]
    training: TrainingRecord
    metrics: dict[Line, Metric]
    licence: Line
    tensors: dict[Line, list[int]] = {}
    calibration: CalibrationRecord | None = None
    precision: Literal["float32", "float16", "int8"] = "float32"
    """Of the layers in `model.onnx`; the front end is in float32 always, and so are the weights beside it."""
    parity: ParityRecord | None = None
    """Where `precision` is not float32: what that costs at most."""

    @field_validator("system")
    @classmethod
    def _known_system(cls, system: str) -> str:
        if system not in SYSTEMS:
            raise ValueError(f"unknown system; known are {', '.join(SYSTEMS)}")
        return system

    @field_validator("labels")
    @classmethod
    def _emotions(cls, labels: list[str], info: ValidationInfo) -> list[str]:
        emotions = info.data.get("task") != "emotion" or set(labels) <= set(EMOTIONS)
        if len(set(labels)) != len(labels) or not emotions:
            raise ValueError("labels must be different emotions of affekt.labels.EMOTIONS")
        return labels

    @field_validator("recipe")
    @classmethod
    def _plain_data(cls, recipe: dict[str, Any]) -> dict[str, Any]:
        _check_plain(recipe, _RECIPE_DEPTH)
        if _size(recipe) > _RECIPE_VALUES:
            raise ValueError(f"holds more than {_RECIPE_VALUES} values")
        return recipe


def _check_plain(value: object, depth: int) -> None:
    """Refuses what a reader could take for more than data: `_target_`, `!!python/...`, dotted keys."""
    if depth < 0:
        raise ValueError("nested too deeply")
    match value:
        case dict():
            for key, inner in value.items():
                if not (isinstance(key, str) and _KEY.fullmatch(key)):
                    raise ValueError("a key is not a plain name")
                _check_plain(inner, depth - 1)
        case list():
            for inner in value:
                _check_plain(inner, depth - 1)
        case str() if not _LINE.fullmatch(value):
            raise ValueError("a text holds control characters or is too long")
        case float() if not math.isfinite(value):
            raise ValueError("a number is not finite")
        case int() if abs(value) >= 2**63:
            raise ValueError("a number has more than 64 bits")
        case None | bool() | int() | float() | str():
            pass
        case _:
            raise ValueError("holds something that is neither text, number, list nor mapping")


def _size(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 1
