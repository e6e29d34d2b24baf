"""Several model folders as one: one graph that holds all of them, and so takes samples as any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

import affekt
from affekt import model_folder, provenance
from affekt.config import BASELINE, FUSION, Metric, ModelConfig, TrainingCorpus, TrainingRecord
from affekt.errors import CorpusError, UsageError
from affekt.evaluation.fusion import Weights, equal_weights, fit_weights
from affekt.evaluation.paired import Comparison
from affekt.evaluation.scored import ScoredRun
from affekt.model_folder import ModelFolder, open_folder, read_weights
from affekt.models.fused import Member, merge
from affekt.recognizer import Recognizer, resolve
from affekt.training.calibrate import Calibrated, calibrate
from affekt.training.card import card
from affekt.training.package import golden_clips, licence
from affekt.verbs.evaluate import Tick, evaluate
from affekt.verbs.fuse import Fused, read_record
from affekt.verbs.panel import EQUAL, FITTED, Panel, panel


def fuse_models(
    members: Sequence[str | Path],
    out: Path,
    *,
    data: str | None,
    root: Path | None,
    weights_from: Path | None,
    equal: bool,
    seed: int,
    threads: int | None,
    say: Callable[[str], None],
    tick: Tick | None,
    disjoint: bool = False,
) -> Fused:
    """As `affekt.fuse`, for models; `disjoint` where no member has heard the speakers of `data` for sure."""
    if not (data or weights_from or equal):
        raise UsageError(
            "nothing to fit weights on; give --data with speakers that no member has heard, --weights-from "
            "fused cross-validations, or --equal"
        )
    folders = [_opened(one) for one in members]
    names = _names(folders)
    shared = [one for one in folders[0].config.labels if all(one in of.config.labels for of in folders)]
    if len(shared) < 2:
        raise UsageError(f"{', '.join(names)}: share {', '.join(shared) or 'no label'}; fusing needs two")
    told = _ASIDE if disjoint else data
    say(f"labels that all members know: {', '.join(shared)}")
    side, notes = None, []
    if data is not None:
        recognizers = [Recognizer(one.path, one.config, one.scorer(threads)) for one in folders]
        side = _side(names, recognizers, data, root, seed, tick)
        notes = [side.statement(), *([] if disjoint else _heard(folders, names, side))]
        for note in notes:
            say(note)
    if weights_from is not None:
        found = _recorded(weights_from, folders, shared)
    elif side is not None and not equal:
        found = _fitted(side, folders, f"the clips of {told} that weights rest on")
    else:
        weights = equal_weights(len(folders))
        found = _Found(weights, _factors(weights, [one.config.temperature for one in folders]))
    comparison = side.compare(found.fused, seed) if side is not None else None
    config = _config(folders, shared, found, names)
    config = config.model_copy(update={"metrics": _metrics(comparison, fitted=found.fused is not None)})
    _write(out, config, folders, found, card(config, _tested(names, found.weights, comparison, told)))
    say(f"model: {out}")
    return Fused(out, tuple(names), found.weights, comparison, notes=tuple(notes))


_ASIDE = "speakers whom no member learnt from, but who chose the members' epochs"


@dataclass(frozen=True)
class _Found:
    """Weights, what each member's logits are times, and what else is known of the sum."""

    weights: Weights
    factors: tuple[float, ...]
    calibrated: Calibrated | None = None
    fused: NDArray[np.float64] | None = None
    """Scores of all clips with weights from other speakers."""


def _fitted(side: Panel, folders: Sequence[ModelFolder], source: str) -> _Found:
    weights = fit_weights(side.scores, side.truth)
    fused = side.fused("speaker")[0] if side.rows["speaker"].nunique() > 1 else None
    calibrated = calibrate(side.table(weights.apply(side.scores)), side.labels, source)
    return _Found(weights, _factors(weights, [one.config.temperature for one in folders]), calibrated, fused)


def _recorded(place: Path, folders: Sequence[ModelFolder], labels: Sequence[str]) -> _Found:
    record = read_record(place)
    systems, theirs = [one.config.system for one in folders], [one.system for one in record.members]
    if systems != theirs:
        raise UsageError(
            f"{place}: weights for {', '.join(theirs)} where the models are {', '.join(systems)}; give the "
            "models in that order"
        )
    if set(record.labels) != set(labels):
        raise UsageError(
            f"{place}: tells {', '.join(record.labels)} apart, the models {', '.join(labels)}; fuse "
            "cross-validations with the same labels"
        )
    members = record.members
    weights = Weights(tuple(one.weight for one in members), tuple(one.temperature for one in members))
    # They were found of scores at a temperature of 1.
    factors = _factors(weights, [1.0 for _ in members])
    return _Found(weights, factors, Calibrated(record.temperature, record.calibration))


def _factors(weights: Weights, own: Sequence[float]) -> tuple[float, ...]:
    return tuple(
        share / (fitted * temperature)
        for share, fitted, temperature in zip(weights.shares, weights.temperatures, own, strict=True)
    )


def _write(out: Path, config: ModelConfig, folders: Sequence[ModelFolder], found: _Found, text: str) -> None:
    parts = [
        Member(
            one.path.name, one.onnx, tuple(one.config.labels.index(label) for label in config.labels), factor
        )
        for one, factor in zip(folders, found.factors, strict=True)
    ]
    tensors = [(f"m{at}.", read_weights(one)) for at, one in enumerate(folders)]
    model_folder.write(
        out,
        config=config,
        onnx=merge(parts),
        weights=save({start + key: one for start, held in tensors for key, one in held.items()}),
        card=text,
        golden=golden_clips(),
    )


def _opened(member: str | Path) -> ModelFolder:
    folder = open_folder(resolve(member))
    if folder.config.system == BASELINE:
        raise UsageError(
            f"{folder.path}: {BASELINE} hears what openSMILE says of a clip, which no graph can hold; fuse "
            "cross-validations instead"
        )
    if folder.config.task != "emotion":
        raise UsageError(f"{folder.path}: tells {folder.config.task} apart and names no emotion")
    return folder


def _names(folders: Sequence[ModelFolder]) -> list[str]:
    """The folders' names, with their parents' where they are called `model` or alike; numbered if twice."""
    short = [one.path.resolve().name for one in folders]
    names = [
        one.path.resolve().parent.name + "/" + name if short.count(name) > 1 or name == "model" else name
        for one, name in zip(folders, short, strict=True)
    ]
    if len(set(names)) < len(names):
        names = [f"{name} ({number})" for number, name in enumerate(names, 1)]
    return names


def _side(  # noqa: PLR0917
    names: Sequence[str],
    recognizers: Sequence[Recognizer],
    data: str,
    root: Path | None,
    seed: int,
    tick: Tick | None,
) -> Panel:
    runs = []
    for name, one in zip(names, recognizers, strict=True):
        try:
            found = evaluate(one, data, root=root, seed=seed, tick=tick)
        except CorpusError as error:
            raise CorpusError(f"{name}: {error}") from error
        runs.append(ScoredRun(one.path, found.scored, found.compared, "fixed model"))
    return panel(names, runs, intersection=True)


def _heard(folders: Sequence[ModelFolder], names: Sequence[str], side: Panel) -> list[str]:
    """A warning for each member that has learnt from a corpus that weights are fitted on."""
    corpora = set(side.rows["corpus"]) - {"unnamed"}
    return [
        f"Warning: {name} has learnt from {', '.join(both)}; weights from speakers it has heard are wrong."
        for name, one in zip(names, folders, strict=True)
        if (both := sorted(corpora & {learnt.name for learnt in one.config.training.corpora}))
    ]


def _config(
    folders: Sequence[ModelFolder], labels: list[str], found: _Found, names: Sequence[str]
) -> ModelConfig:
    learnt: dict[str, TrainingCorpus] = {}
    for one in folders:
        learnt |= {corpus.name: corpus for corpus in one.config.training.corpora if corpus.name not in learnt}
    recipe: dict[str, Any] = {"system": FUSION, "task": "emotion", "members": []}
    for name, one, factor in zip(names, folders, found.factors, strict=True):
        recipe["members"].append(
            {
                "name": name,
                "system": one.config.system,
                "labels": list(one.config.labels),
                "logits_times": factor,
                "network": one.config.recipe.get("network", {}),
            }
        )
    calibrated = found.calibrated
    return ModelConfig(
        format=1,
        affekt=affekt.__version__,
        system=FUSION,
        labels=labels,
        sample_rate=16000,
        temperature=calibrated.temperature if calibrated else 1.0,
        calibration=calibrated.record if calibrated else None,
        min_samples=max(one.config.min_samples for one in folders),
        embedding_size=sum(one.config.embedding_size for one in folders),
        recipe=recipe,
        training=TrainingRecord(
            corpora=list(learnt.values()),
            seconds=sum(one.config.training.seconds for one in folders),
            seed=folders[0].config.training.seed,
            command="".join(one if one.isprintable() else " " for one in provenance.command())[:4000],
            commit=provenance.commit(),
            versions=provenance.versions(),
        ),
        metrics={},
        licence=licence(list(learnt.values())),
    )


def _metrics(comparison: Comparison | None, *, fitted: bool) -> dict[str, Metric]:
    """Of the fused model on speakers that its weights do not come from, where they were measured."""
    wanted = FITTED if fitted else EQUAL
    found = next((one for one in comparison.systems if one.name == wanted), None) if comparison else None
    if found is None:
        return {}
    return {
        name: Metric(value=one.value, low=one.low, high=one.high)
        for name, one in found.figures.items()
        if one.value is not None
    }


def _tested(names: Sequence[str], weights: Weights, comparison: Comparison | None, data: str | None) -> str:
    parts = ", ".join(f"{name} {share:.3f}" for name, share in zip(names, weights.shares, strict=True))
    if comparison is None:
        return f"Weights: {parts}. Not tested as a whole."
    return (
        f"Weights: {parts}. Measured on {comparison.clips} clips of {comparison.speakers} speakers ({data}), "
        "each\nspeaker with weights from the others where weights were fitted. A member that had learnt from "
        "these speakers\nlooks better than it is."
    )
