"""Golden clips: short recordings in a model folder with what the network must say of them.

They catch what digests cannot: labels in another order, another network, scores that are not finite.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from affekt import audio, files
from affekt.config import ModelConfig, ParityRecord
from affekt.errors import AudioError
from affekt.geometry import SAMPLE_RATE
from affekt.model_folder.scoring import Scorer, probabilities

TOLERANCE = {"float32": 1e-3, "float16": 1e-2, "int8": 5e-2}
"""How far logits (relative to the largest) and scores may be off: other processors round differently."""

BUDGET = 2.0
"""Seconds of work that a network may spend on a golden clip; resnet-stats needs a hundredth of it."""

MAX_SECONDS = 5.0
_LIMITS = audio.Limits(seconds=MAX_SECONDS)


def encode_clip(samples: NDArray[np.float32]) -> bytes:
    """FLAC with 16 bits of float32 [samples] at 16 kHz in [-1, 1]."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return stream.getvalue()


def golden_scores(scorer: Scorer, config: ModelConfig, clips: Mapping[str, bytes]) -> bytes:
    """The content of `scores.json`: what the network says of each clip, by label.

    Raises:
        ModelFolderError: the network fails on a clip.
        ValueError: a clip cannot be decoded.
    """
    said = {name: _score(scorer, config, name, clips[name]) for name in sorted(clips)}
    return files.dump_json(said).encode()


def check_golden(scorer: Scorer, config: ModelConfig, clips: Mapping[str, bytes], stored: bytes) -> None:
    """Compares what the network says of each clip with the stored scores, by label.

    Raises:
        ModelFolderError: the network fails on a clip.
        ValueError: it says something else, or what it says in fewer bits is further from float32 than the
            folder allows, or the stored scores are malformed.
    """
    expected = files.parse_json(stored)
    if not isinstance(expected, dict) or set(expected) != set(clips):
        raise ValueError("scores.json: does not list the golden clips")
    for name in sorted(clips):
        said = _score(scorer, config, name, clips[name])
        for kind, values in said.items():
            stored_values = _by_label(expected[name], kind, config.labels)
            _compare(f"{name}: {kind}", values, stored_values, TOLERANCE[config.precision])
        if config.parity is not None:
            _check_bound(name, said["scores"], config.precision, config.parity, config.labels)


def _check_bound(
    name: str, said: dict[str, float], precision: str, parity: ParityRecord, labels: list[str]
) -> None:
    whole = parity.golden.get(name, {})
    if set(whole) != set(labels):
        raise ValueError(f"config.json: parity holds no scores of {name} in float32")
    worst = max(said, key=lambda label: abs(said[label] - whole[label]))
    if not (difference := abs(said[worst] - whole[worst])) <= parity.bound:
        raise ValueError(
            f"{name}: the score of '{worst}' in {precision} is {difference:.4f} from that in float32, where "
            f"{parity.bound:g} is allowed"
        )


def _score(scorer: Scorer, config: ModelConfig, name: str, clip: bytes) -> dict[str, dict[str, float]]:
    try:
        samples = audio.load(clip, limits=_LIMITS).samples
    except AudioError as error:
        raise ValueError(f"{name}: {error.problem}") from error
    logits = scorer.run(samples, budget=BUDGET).logits
    return {
        "logits": _named(config, logits),
        "scores": _named(config, probabilities(logits, config.temperature)),
    }


def _named(config: ModelConfig, values: NDArray[Any]) -> dict[str, float]:
    return {label: round(float(value), 6) for label, value in zip(config.labels, values, strict=True)}


def _by_label(entry: object, kind: str, labels: list[str]) -> dict[str, float]:
    values = entry.get(kind) if isinstance(entry, dict) and set(entry) == {"logits", "scores"} else None
    if not isinstance(values, dict) or set(values) != set(labels):
        raise ValueError("scores.json: does not hold logits and scores of every label")
    if not all(type(value) in (int, float) and abs(value) < 1e6 for value in values.values()):
        raise ValueError("scores.json: holds something other than numbers")
    return values


def _compare(what: str, said: dict[str, float], expected: dict[str, float], tolerance: float) -> None:
    scale = max(1.0, *map(abs, expected.values()))
    worst = max(said, key=lambda label: abs(said[label] - expected[label]))
    if not abs(said[worst] - expected[worst]) <= tolerance * scale:
        raise ValueError(
            f"{what} of '{worst}' are {said[worst]:.4f} where {expected[worst]:.4f} is stored: "
            "the labels or the network are not those the model was made with"
        )
