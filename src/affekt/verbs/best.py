"""The larger model: pre-trained on speakers, trained on all corpora with several seeds, and fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from affekt import corpora
from affekt import recipe as recipes
from affekt.errors import UsageError
from affekt.evaluation.paired import Comparison
from affekt.model_folder.manifest import MANIFEST
from affekt.recipe import Recipe
from affekt.splits import train_validation
from affekt.training import distributed
from affekt.training.examples import labelled, selected
from affekt.training.journal import Watcher
from affekt.training.run import Say
from affekt.verbs.fuse_models import fuse_models
from affekt.verbs.pretrain import pretrain_speakers
from affekt.verbs.train import train

HELD_OUT = "held_out.csv"


@dataclass(frozen=True)
class Best:
    """The fused model folder, those that it is made of, and how they compare on the speakers kept aside.

    `comparison` is None where an earlier call had fused them.
    """

    model: Path
    members: tuple[Path, ...]
    comparison: Comparison | None

    def to_markdown(self) -> str:
        """For a person to read."""
        table = f"{self.comparison.to_markdown()}\n\n" if self.comparison else ""
        return f"{table}model: {self.model}"


def reproduce_best(
    recipe: Recipe,
    out: Path,
    *,
    init: str | None = None,
    speakers: Recipe | None = None,
    also: Sequence[Recipe] = (),
    seeds: Sequence[int] = (0, 1, 2),
    say: Say | None = None,
    watcher: Watcher | None = None,
) -> Best:
    """Pre-trains on speakers, trains the recipe with each seed, and fuses what it gets into one model folder.

    All members keep the same validation speakers aside: they choose each member's epoch, and the weights,
    temperature and label sets of the fused model, and so say nothing of how right it is. Every step is a run
    folder in `out` (`speakers`, `members/...`) that goes on where it stopped; what is finished is left alone.

    Args:
        recipe: what to train on what, such as the shipped `best`; `recipe.data` names all corpora.
        out: the folder of all runs; the model is `out/model`.
        init: a network to start from, or
        speakers: a recipe with the corpora to pre-train it on, whose network becomes that of `recipe`.
        also: recipes of more members, of other systems maybe, on the same data, each with the first seed.
        seeds: one member of `recipe` for each; two or more members in all.

    Raises:
        UsageError: no data, both `init` and `speakers`, fewer than two members, or no validation speakers.
        CorpusError, TrainingError: as `train`.
    """
    say = say or (lambda text: None)
    recipe = _checked(recipe, init, speakers, len(seeds) + len(also))
    if speakers is not None:
        init = str(_pretrained(speakers, recipe, out / "speakers", say, watcher))
    started = recipe.model_copy(update={"init": init}) if init else recipe
    plans = {f"seed-{seed}": started.model_copy(update={"seed": seed}) for seed in seeds}
    for number, other in enumerate(also, 1):
        plans[f"{other.system}-{number}"] = _like(other, recipe, seeds[0])
    models = []
    for name, plan in plans.items():
        folder = out / "members" / name
        say(f"member {name}")
        if not (folder / "model" / MANIFEST).exists():
            train(plan, folder, resume=True, say=say, watcher=watcher)
        models.append(folder / "model")
    comparison = None
    if distributed.launched_rank() == 0 and not (out / "model" / MANIFEST).exists():
        comparison = _fused(recipe, models, out, say)
    return Best(out / "model", tuple(models), comparison)


def _checked(recipe: Recipe, init: str | None, speakers: Recipe | None, members: int) -> Recipe:
    if not recipe.data:
        raise UsageError("data: no corpus; give one or more as CORPUS:FOLDER")
    if init is not None and speakers is not None:
        raise UsageError("a network to start from and speakers to pre-train one on; give one of the two")
    if members < 2:
        raise UsageError(f"{members} member to fuse; give two seeds or more, or another recipe beside")
    if not recipe.train.validation_speakers:
        raise UsageError("train.validation_speakers: 0 leaves nobody to fit weights on; keep some aside")
    if recipe.train.split_seed is None:
        # One lot for all seeds: no member may hear whom another keeps aside.
        train_ = recipe.train.model_copy(update={"split_seed": 0})
        return recipe.model_copy(update={"train": train_})
    return recipe


def _like(other: Recipe, recipe: Recipe, seed: int) -> Recipe:
    """Another member's recipe, on the same clips, emotions and validation speakers."""
    same = ("data", "extra", "labels", "merge", "where")
    keys = {"validation_speakers", "split_seed", "absent_classes"}
    updates = {key: getattr(recipe, key) for key in same} | {
        "seed": seed,
        "train": other.train.model_copy(update={key: getattr(recipe.train, key) for key in keys}),
    }
    return other.model_copy(update=updates)


def _pretrained(speakers: Recipe, recipe: Recipe, out: Path, say: Say, watcher: Watcher | None) -> Path:
    model = out / "model"
    if not (model / MANIFEST).exists():
        if speakers.system != recipe.system:
            raise UsageError(f"speakers: a {speakers.system}, and the members are {recipe.system}; take one")
        plan = speakers.model_copy(update={"network": recipe.network})
        pretrain_speakers(plan, out, resume=True, say=say, watcher=watcher)
    return model


def _fused(recipe: Recipe, models: Sequence[Path], out: Path, say: Say) -> Comparison | None:
    table, _ = labelled(selected(recipe), recipe.labels)
    seed = recipe.train.split_seed
    assert seed is not None
    fold = train_validation(table, recipe.train.validation_speakers, seed)
    aside = table.iloc[fold.validation].reset_index(drop=True)
    corpora.write(aside.assign(file=aside["path"]), out / HELD_OUT)
    return fuse_models(
        models,
        out / "model",
        data=str(out / HELD_OUT),
        root=None,
        weights_from=None,
        equal=False,
        disjoint=True,
        seed=seed,
        threads=None,
        say=say,
        tick=None,
    ).comparison


def pretraining(data: Sequence[str], overrides: Sequence[str] = ()) -> Recipe:
    """The shipped recipe `speakers` on these corpora, with overrides."""
    return recipes.load("speakers", overrides).model_copy(update={"data": tuple(data)})
