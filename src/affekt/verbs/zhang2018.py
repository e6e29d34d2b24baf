"""System C anew: what pre-training on images and attention are worth, on any corpus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from affekt.corpora.source import parse_source
from affekt.errors import UsageError
from affekt.evaluation.ablation import Ablation
from affekt.recipe import Recipe
from affekt.training.journal import Watcher
from affekt.training.run import Say
from affekt.training.transfer import inherit
from affekt.verbs.ablate import Cell, ablate
from affekt.verbs.reproduce import PROTOCOLS, Variant
from affekt.verbs.sources import open_source

SCALES = (0.0, 0.3, 1.0)
"""The paper's lambda: the mean, the paper's choice, a plain softmax."""

SCRATCH, PRETRAINED = "scratch", "images"


def reproduce_zhang2018(
    recipe: Recipe,
    out: Path,
    *,
    init: str | Path,
    protocol: str | None = None,
    folds: int = 5,
    seeds: Sequence[int] = (0, 1, 2),
    variant: Variant = "improvised",
    say: Say | None = None,
    watcher: Watcher | None = None,
) -> Ablation:
    """{image pre-training} x {lambda 0, 0.3, 1} on one corpus (Zhang et al., APSIPA 2018).

    All cells have the network's shape of the image model, and take the same number of steps.

    Args:
        recipe: what to train; `recipe.data` names one corpus. IEMOCAP without `labels` becomes four classes
            without excitement, and one speaker is left out at a time.
        out: the folder of all runs; what stopped there goes on.
        init: the model folder pre-trained on images, or a public checkpoint.
        protocol: as in `train`; None is the corpus's usual one.
        variant: of IEMOCAP, the part to take: `improvised` as the paper does.

    Raises:
        UsageError, CorpusError, TrainingError: as `train`.
    """
    if len(recipe.data) != 1:
        raise UsageError(f"data: {len(recipe.data)} sources; name one corpus, such as iemocap:FOLDER")
    kind = parse_source(recipe.data[0])[0]
    source = open_source(recipe.model_copy(update={"init": str(init)}), watcher)
    assert source is not None
    if source.task != "images":
        raise UsageError(f"init: {init} tells {source.task} apart; give a model of `affekt pretrain images`")
    recipe = inherit(as_published(recipe, kind, variant), source)
    cells = [
        Cell(name(start, scale), {"network": {"attention_scale": scale}, "init": where})
        for start, where in ((SCRATCH, None), (PRETRAINED, str(init)))
        for scale in SCALES
    ]
    helped = [(name(PRETRAINED, scale), name(SCRATCH, scale)) for scale in SCALES]
    looked = [
        (name(start, scale), name(start, 0.0)) for start in (SCRATCH, PRETRAINED) for scale in SCALES if scale
    ]
    return ablate(
        recipe,
        out,
        cells,
        [*helped, *looked, (name(PRETRAINED, 0.3), name(SCRATCH, 0.0))],
        title=f"zhang2018 on {kind}",
        protocol=protocol or ("loso" if kind == "iemocap" else PROTOCOLS.get(kind, "speaker-kfold")),
        folds=folds,
        seeds=seeds,
        say=say,
        watcher=watcher,
    )


def name(start: str, scale: float) -> str:
    """The name of a cell: `images 0.3`."""
    return f"{start} {scale:g}"


def as_published(recipe: Recipe, corpus: str, variant: Variant) -> Recipe:
    """The recipe with the classes and clips of the paper: excitement is left out, not merged.

    On other corpora than IEMOCAP the recipe stays as it is.
    """
    if corpus != "iemocap":
        return recipe
    updates: dict[str, object] = {}
    if recipe.labels is None:
        updates["labels"] = ("anger", "happiness", "neutral", "sadness")
    if variant != "all":
        updates["where"] = {**recipe.where, "part": (variant,)}
    return recipe.model_copy(update=updates)
