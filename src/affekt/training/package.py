"""A trained network as a model folder: weights, ONNX graph, config, card and golden clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import nn

import affekt
from affekt import audio, corpora, functionals, model_folder, provenance
from affekt.config import Metric, ModelConfig, TrainingCorpus, TrainingRecord
from affekt.errors import UsageError
from affekt.models.linear_svm import LinearSvm
from affekt.models.onnx import to_onnx
from affekt.recipe import Recipe
from affekt.training.calibrate import Calibrated
from affekt.training.card import card

if TYPE_CHECKING:
    import pandas as pd

GOLDEN_SECONDS = 1.0


@dataclass(frozen=True)
class Parts:
    """What of a model folder depends on the kind of model: safetensors, graph, and the least it hears."""

    weights: bytes
    onnx: bytes
    min_samples: int


def parts_of(model: nn.Module | LinearSvm, recipe: Recipe) -> Parts:
    """A network's, built by the recipe, or a baseline's."""
    if isinstance(model, LinearSvm):
        from safetensors.numpy import save as save_arrays

        return Parts(save_arrays(model.tensors()), model.to_onnx(), functionals.MIN_SAMPLES)
    from safetensors.torch import save

    model = model.cpu().eval()
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    least = getattr(model, "min_samples", cast(Any, model).frontend.window)
    return Parts(save(weights), to_onnx(model, recipe.network.model_dump_json()), least)


def package(
    folder: Path,
    model: nn.Module | LinearSvm,
    recipe: Recipe,
    own: Sequence[TrainingCorpus],
    labels: tuple[str, ...],
    *,
    seconds: float,
    metrics: Mapping[str, Metric],
    tested: str,
    inherited: Sequence[TrainingCorpus] = (),
    origin: TrainingRecord | None = None,
    calibrated: Calibrated | None = None,
) -> model_folder.ModelFolder:
    """Writes the model folder whole.

    Args:
        own: what it was trained on (`training_corpora`).
        seconds: wall time of training.
        metrics: figures on speakers it has not heard, by name; `tested` says how they were found.
        inherited: what the network that it started from was trained on; its licences bind this one too.
        origin: of a network that was trained before: its command, commit and versions stay.
        calibrated: the temperature of the scores of an emotion model; none: 1.
    """
    parts = parts_of(model, recipe)
    trained_on = [*own, *(one for one in inherited if one.name not in {known.name for known in own})]
    config = ModelConfig(
        format=1,
        affekt=affekt.__version__,
        system=recipe.system,
        task=recipe.task,
        labels=list(labels),
        sample_rate=16000,
        temperature=_temperature(recipe, calibrated),
        calibration=calibrated.record if calibrated else None,
        min_samples=parts.min_samples,
        embedding_size=recipe.network.embedding,
        recipe=recipe.model_copy(update={"data": (), "extra": ()}).model_dump(mode="json"),
        training=TrainingRecord(
            corpora=trained_on,
            seconds=round(seconds, 1),
            seed=recipe.seed,
            command=origin.command if origin else _line(provenance.command()),
            commit=origin.commit if origin else provenance.commit(),
            versions=origin.versions if origin else provenance.versions(),
        ),
        metrics=dict(metrics),
        licence=licence(trained_on),
    )
    return model_folder.write(
        folder,
        config=config,
        onnx=parts.onnx,
        weights=parts.weights,
        card=card(config, tested),
        golden=golden_clips(),
    )


def _temperature(recipe: Recipe, calibrated: Calibrated | None) -> float:
    if recipe.task == "speakers":
        return 1 / recipe.speakers.scale
    return calibrated.temperature if calibrated else 1.0


def training_corpora(table: pd.DataFrame) -> list[TrainingCorpus]:
    """What a table's clips are, by corpus; of a corpus that Affekt does not know, nothing is assumed."""
    import pandas as pd

    found = []
    for name, rows in table.groupby("corpus", dropna=False, sort=True):
        try:
            spec = corpora.spec(str(name))
            terms = (spec.licence.text, spec.licence.non_commercial, spec.citation)
        except UsageError:
            terms = ("unknown", True, "")
        licence_text, non_commercial, citation = terms
        found.append(
            TrainingCorpus(
                name="unnamed" if pd.isna(name) else _line(str(name)),
                licence=licence_text,
                non_commercial=non_commercial,
                citation=citation,
                clips=len(rows),
                speakers=int(rows["speaker"].nunique()),
            )
        )
    return found


def licence(trained_on: list[TrainingCorpus]) -> str:
    """The terms that the training corpora leave for the weights."""
    if any(corpus.non_commercial for corpus in trained_on):
        return "non-commercial, because of: " + "; ".join(
            f"{corpus.name} ({corpus.licence})" for corpus in trained_on if corpus.non_commercial
        )
    return "as the training corpora allow: " + "; ".join(f"{one.name} ({one.licence})" for one in trained_on)


def _line(text: str) -> str:
    """Text that stands in a config: one line, nothing that moves a terminal's cursor."""
    return "".join(one if one.isprintable() else " " for one in text)[:4000]


def golden_clips() -> list[tuple[str, NDArray[np.float32]]]:
    """The clips that a model folder checks itself on: the first second of two of the examples."""
    folder = Path(str(resources.files("affekt") / "assets" / "examples"))
    return [
        (path.stem, audio.read(path)[: round(GOLDEN_SECONDS * audio.SAMPLE_RATE)])
        for path in sorted(folder.glob("*.flac"))[:2]
    ]
