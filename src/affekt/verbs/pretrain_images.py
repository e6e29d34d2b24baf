"""Pre-training on natural images: what a trunk can learn of shapes before it sees a spectrogram."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from affekt import files
from affekt.config import Metric, TrainingCorpus
from affekt.errors import CorpusError, UsageError
from affekt.evaluation import confusion, recalls, wa
from affekt.evaluation.plots import learning_curve_figure
from affekt.models import build
from affekt.models.attention_fcn import AttentionFcn
from affekt.pictures import Pictures, read_pictures
from affekt.recipe import AttentionFcnRecipe, AugmentRecipe, Recipe
from affekt.tracking import tracked
from affekt.training import distributed
from affekt.training.fit import Fit
from affekt.training.journal import Journal, Watcher
from affekt.training.package import package
from affekt.training.pictures import PictureNetwork, PictureTask, classify, picture_parts
from affekt.training.run import Say, held, record_run
from affekt.training.transfer import inherit, start
from affekt.verbs.sources import open_source
from affekt.verbs.telling import listeners

RESULT = "images.json"
SYSTEM = "attention-fcn"


@dataclass(frozen=True)
class ImagesResult:
    """What a run left: its folder, the model folder in it, and `wa` on the pictures tested on."""

    folder: Path
    model: Path
    wa: Metric
    recalls: dict[str, float]
    pictures: int

    def line(self) -> str:
        """The figures for a person to read."""
        return f"wa {self.wa.value:.3f} on {self.pictures} pictures of {len(self.recalls)} classes"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"wa": self.wa.model_dump(), "recalls": self.recalls, "pictures": self.pictures}


def pretrain_images(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    track: Sequence[str] = (),
    say: Say | None = None,
    watcher: Watcher | None = None,
) -> ImagesResult:
    """Trains system C's trunk to tell pictures apart, and tests it on others.

    Tested are the pictures below `test/`, or where there is none a share of each class. They choose nothing:
    the last epoch is kept. The model folder has three input channels; what starts from it may have one.

    Args:
        recipe: what to train; `recipe.data` names one folder of folders, or such a .tar or .tar.gz.
        out: the run's folder; it must be new or empty, unless `resume`.
        resume: goes on where a stopped run left off.
        track: where to tell of the run, as `affekt.train` has it.
        say: told of what is done, a line at a time; `watcher` of each step.

    Raises:
        UsageError: a wrong recipe, a folder in use, or a checkpoint of another run.
        CorpusError: the pictures are not as they should be.
        TrainingError: a loss is not finite.
        KeyboardInterrupt: on Ctrl-C or SIGTERM, after a checkpoint.
    """
    say = say or (lambda text: None)
    recipe = _for_pictures(recipe)
    told = listeners(track)
    source = open_source(recipe, watcher)
    recipe = inherit(recipe, source) if source is not None else recipe
    with distributed.processes(), held(out, resume), tracked(out, told, say):
        if watcher:
            watcher(0, 1, "reading pictures")
        pictures = read_pictures(Path(recipe.data[0]), recipe.images.size)
        train, test = picture_parts(pictures, recipe)
        if not len(test) or len(set(pictures.targets[train])) < len(pictures.classes):
            raise CorpusError(f"{recipe.data[0]}: a class has no pictures to learn from, or there is no test")
        say(f"{len(train)} pictures of {len(pictures.classes)} classes to learn from, {len(test)} to test on")
        say(f"seed {recipe.seed}, {torch.get_num_threads()} threads")
        record_run(out, recipe, "images", resume)
        network = cast(AttentionFcn, build(recipe, len(pictures.classes)))
        if source is not None:
            say(start(network, recipe, pictures.classes, source).line())
        began = time.monotonic()
        fit = Fit(PictureNetwork(network), PictureTask(pictures, train, recipe), recipe, out)
        fit.run(Journal(out / "log.jsonl" if distributed.rank() == 0 else None, watcher), resume=resume)
        seconds = time.monotonic() - began
        found = classify(network, pictures, test, recipe.images)
        named = [[pictures.classes[at] for at in part] for part in (pictures.targets[test], found)]
        counts = confusion(named[0], named[1], pictures.classes)
        recalled = dict(zip(pictures.classes, map(float, recalls(counts)), strict=True))
        result = ImagesResult(out, out / "model", _wilson(float(wa(counts)), len(test)), recalled, len(test))
        if distributed.rank() == 0:
            learning_curve_figure(fit.position.history, out / "learning_curve.png")
            files.write_json(out / RESULT, result.to_json())
            _write(result, network, recipe, pictures, len(train), seconds)
            say(f"{result.line()}; model: {result.model}")
        distributed.barrier()
        return result


def _for_pictures(recipe: Recipe) -> Recipe:
    """The recipe with three input channels, and without what is for sounds alone."""
    if len(recipe.data) != 1:
        raise UsageError(
            f"data: {len(recipe.data)} sources; name one, such as --data ROOT or --data ROOT.tar.gz"
        )
    if not isinstance(recipe, AttentionFcnRecipe):
        raise UsageError(f"system: {recipe.system} takes no pictures; say system={SYSTEM}")
    return recipe.model_copy(
        update={
            "task": "images",
            "labels": None,
            "network": recipe.network.model_copy(update={"channels": 3}),
            "augment": AugmentRecipe(time_masks=0, frequency_masks=0, stretch=0, warp=0),
        }
    )


def _write(  # noqa: PLR0917
    result: ImagesResult,
    network: AttentionFcn,
    recipe: Recipe,
    pictures: Pictures,
    count: int,
    seconds: float,
) -> None:
    learnt = TrainingCorpus(
        name="".join(one if one.isprintable() else " " for one in Path(recipe.data[0]).name)[:200],
        licence="unknown",
        non_commercial=True,
        citation="",
        clips=count,
        speakers=None,
    )
    package(
        result.model,
        network,
        recipe,
        [learnt],
        pictures.classes,
        seconds=seconds,
        metrics={"images.wa": result.wa},
        tested=f"Told {result.pictures} pictures of {len(pictures.classes)} classes apart.",
    )


def _wilson(share: float, count: int) -> Metric:
    """The 95 % interval of a share of independent cases (Wilson, JASA 1927)."""
    z = 1.96
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return Metric(value=share, low=max(0.0, centre - half), high=min(1.0, centre + half))
