"""Published systems anew: their conditions on any corpus, with folds and intervals that hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from affekt.corpora.source import parse_source
from affekt.errors import UsageError
from affekt.evaluation.ablation import Ablation
from affekt.recipe import Recipe
from affekt.training.journal import Watcher
from affekt.training.run import Say
from affekt.verbs.ablate import Cell, ablate

PROTOCOLS = {"iemocap": "session", "ravdess": "official", "emodb": "loso"}
"""The protocol that a corpus is usually tested by; others get speaker folds."""

Variant = Literal["all", "improvised", "scripted"]

NEITHER, PRETRAINED, AUGMENTED, BOTH = "neither", "pre-trained", "SpecAugment", "both"


def reproduce_padi2021(
    recipe: Recipe,
    out: Path,
    *,
    init: str | Path,
    protocol: str | None = None,
    folds: int = 5,
    seeds: Sequence[int] = (0, 1, 2),
    variant: Variant = "all",
    say: Say | None = None,
    watcher: Watcher | None = None,
) -> Ablation:
    """{speaker pre-training} x {SpecAugment} on one corpus (Padi et al., ICMI 2021).

    All cells take the same number of steps: where augmentation adds `augment.copies` changed copies of each
    clip, the cells without see the clips themselves so many times more. SpecAugment (Park et al., Interspeech
    2019) masks and warps; `augment.stretch` and `augment.warp` of 0 leave the masks alone.

    Args:
        recipe: what to train; `recipe.data` names one corpus. On IEMOCAP without `labels` it becomes the
            usual four classes with excitement merged into happiness.
        out: the folder of all runs; what stopped there goes on.
        init: the model folder pre-trained on speakers.
        protocol: as in `train`; None is the corpus's usual one.
        variant: of IEMOCAP, the improvised or scripted part alone.

    Raises:
        UsageError, CorpusError, TrainingError: as `train`.
    """
    if len(recipe.data) != 1:
        raise UsageError(f"data: {len(recipe.data)} sources; name one corpus, such as iemocap:FOLDER")
    kind = parse_source(recipe.data[0])[0]
    recipe = as_published(recipe, kind, variant)
    copies = max(1, recipe.augment.copies)
    plain = {"copies": 0, "time_masks": 0, "frequency_masks": 0, "stretch": 0.0, "warp": 0.0}
    longer = {"epochs": recipe.train.epochs * (1 + copies)}
    started = {"init": str(init)}
    cells = [
        Cell(NEITHER, {"augment": plain, "train": longer}),
        Cell(PRETRAINED, {"augment": plain, "train": longer, **started}),
        Cell(AUGMENTED, {"augment": {"copies": copies}}),
        Cell(BOTH, {"augment": {"copies": copies}, **started}),
    ]
    pairs = [
        (PRETRAINED, NEITHER),
        (AUGMENTED, NEITHER),
        (BOTH, NEITHER),
        (BOTH, AUGMENTED),
        (BOTH, PRETRAINED),
    ]
    return ablate(
        recipe,
        out,
        cells,
        pairs,
        title=f"padi2021 on {kind}",
        protocol=protocol or PROTOCOLS.get(kind, "speaker-kfold"),
        folds=folds,
        seeds=seeds,
        say=say,
        watcher=watcher,
    )


def as_published(recipe: Recipe, corpus: str, variant: Variant) -> Recipe:
    """The recipe with the classes and clips that papers on this corpus use.

    Raises:
        UsageError: a variant of a corpus that has none.
    """
    if corpus != "iemocap":
        if variant != "all":
            raise UsageError(f"variant {variant}: {corpus} has no such part; it is one of iemocap")
        return recipe
    updates: dict[str, object] = {}
    if recipe.labels is None:
        updates["labels"] = ("anger", "happiness", "neutral", "sadness")
        merged: Mapping[str, str | None] = {"excitement": "happiness"}
        updates["merge"] = {**merged, **recipe.merge}
    if variant != "all":
        updates["where"] = {**recipe.where, "part": (variant,)}
    return recipe.model_copy(update=updates)
