"""FaceNet on pictures of speech anew: two pictures, transfer between two corpora, and training on both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from affekt import files
from affekt.corpora.source import parse_source
from affekt.errors import UsageError
from affekt.evaluation.ablation import Ablation
from affekt.recipe import FacenetRecipe, Recipe
from affekt.training import distributed
from affekt.training.journal import Watcher
from affekt.training.run import Say
from affekt.verbs.ablate import Cell, ablate
from affekt.verbs.reproduce import PROTOCOLS
from affekt.verbs.train import train

PICTURES = ("spectrogram", "waveform")


@dataclass(frozen=True)
class Liu2021:
    """Ablations by name: `SOURCE-to-TARGET` is tested on the target, `CORPUS-random` is speaker-dependent."""

    parts: dict[str, Ablation]

    def to_markdown(self) -> str:
        """All of them under one another."""
        return "\n".join(part.to_markdown() for part in self.parts.values())

    def to_figures(self, prefix: str) -> dict[str, float]:
        """Flat, as benchmarks record them."""
        return {
            key: value
            for name, part in self.parts.items()
            for key, value in part.to_figures(f"{prefix}.{name}").items()
        }


def reproduce_liu2021(
    recipe: Recipe,
    out: Path,
    *,
    source: str,
    target: str,
    protocol: str | None = None,
    folds: int = 5,
    seeds: Sequence[int] = (0, 1, 2),
    one_way: bool = False,
    say: Say | None = None,
    watcher: Watcher | None = None,
) -> Liu2021:
    """Scratch, transferred and joint training on two kinds of pictures (Liu et al., JASA 149(2), 2021).

    On the folds of the target: each picture from scratch, tuned from a network that learnt either picture of
    the source, and trained together with the source, both heard equally often (`train.balance=corpora`; an
    epoch hears as many clips of each as the smaller one has). Then the same with the corpora's places
    exchanged. Each corpus is split by its usual protocol; the source also at random, with the same speakers
    on both sides, and every figure of that says so.

    Args:
        recipe: what to train, of the system `facenet`; its `data` and `network.picture` are set here.
        out: the folder of all runs; what stopped there goes on.
        source, target: one corpus each, such as `casia:FOLDER`.
        protocol: of both corpora; None is each one's usual one.
        folds: of the protocols that let one choose.
        one_way: leaves out the exchange.

    Raises:
        UsageError, CorpusError, TrainingError: as `train`.
    """
    if not isinstance(recipe, FacenetRecipe):
        raise UsageError(f"recipe: of the system {recipe.system}; liu2021 is about system=facenet")
    say = say or (lambda text: None)
    parts = {}
    for part in plan(source, target, out, seeds, one_way=one_way, protocol=protocol):
        for picture in PICTURES:
            pretrain(recipe, part, picture, seeds, say=say, watcher=watcher)
        parts[part.name] = ablate(
            recipe.model_copy(update={"data": (part.tested,)}),
            out / part.name,
            part.cells,
            part.pairs,
            title=part.title,
            protocol=part.protocol,
            folds=folds,
            seeds=seeds,
            speaker_dependent=part.learnt is None,
            say=say,
            watcher=watcher,
        )
    found = Liu2021(parts)
    if distributed.rank() == 0:
        files.write_text(out / "liu2021.md", found.to_markdown())
    return found


def pretrain(
    recipe: FacenetRecipe,
    part: Part,
    picture: str,
    seeds: Sequence[int],
    *,
    say: Say,
    watcher: Watcher | None = None,
) -> None:
    """What the cells of a part that start from this picture need; nothing where nothing is transferred."""
    if part.learnt is None:
        return
    learnt = recipe.model_copy(update={"data": (part.learnt,)})
    cell = next(one for one in scratch() if one.name == picture)
    for seed in seeds:
        say(f"pre-training on {part.learnt}, {picture}, seed {seed}")
        folder = _folder(part.pretrained, picture, seed)
        train(cell.apply(learnt, seed), folder, resume=True, say=say, watcher=watcher)


@dataclass(frozen=True)
class Part:
    """One ablation: tested on `tested`, started from what was `learnt` (None: the speaker-dependent one)."""

    name: str
    title: str
    tested: str
    learnt: str | None
    protocol: str
    cells: list[Cell]
    pairs: list[tuple[str, str]]
    pretrained: Path


def plan(
    source: str, target: str, out: Path, seeds: Sequence[int], *, one_way: bool, protocol: str | None = None
) -> list[Part]:
    """The ablations in the order they are run.

    Raises:
        UsageError: not a source.
    """
    names = [parse_source(one)[0] for one in (source, target)]
    if names[0] == names[1]:
        names = [f"{name}{at}" for at, name in enumerate(names, 1)]
    ways = [(source, target, *names)]
    if not one_way:
        ways.append((target, source, *names[::-1]))
    parts = []
    for learnt, tested, before, after in ways:
        pretrained = out / "pretrained" / before
        parts.append(
            Part(
                f"{before}-to-{after}",
                f"liu2021, {before} to {after}: tested on {after}",
                tested,
                learnt,
                protocol or PROTOCOLS.get(parse_source(tested)[0], "speaker-kfold"),
                [*scratch(), *_transferred(pretrained, seeds), *_joint(learnt)],
                _pairs(),
                pretrained,
            )
        )
    name = f"{names[0]}-random"
    title = f"liu2021, {names[0]}, the same speakers in training and test (speaker-dependent)"
    parts.append(Part(name, title, source, None, "random", scratch(), [PICTURES], out))
    return parts


def scratch() -> list[Cell]:
    """Each picture, from nothing."""
    return [Cell(picture, {"network": {"picture": picture}}) for picture in PICTURES]


def _transferred(pretrained: Path, seeds: Sequence[int]) -> list[Cell]:
    def inits(picture: str) -> dict[int, str]:
        return {seed: str(_folder(pretrained, picture, seed) / "model") for seed in seeds}

    return [
        Cell(f"{before} to {after}", {"network": {"picture": after}}, inits(before))
        for before in PICTURES
        for after in PICTURES
    ]


def _folder(pretrained: Path, picture: str, seed: int) -> Path:
    return pretrained / picture / f"seed-{seed}"


def _joint(source: str) -> list[Cell]:
    return [
        Cell(
            f"both corpora, {picture}",
            {
                "network": {"picture": picture},
                "extra": (source,),
                "train": {"balance": "corpora", "corpus_clips": "smallest"},
            },
        )
        for picture in PICTURES
    ]


def _pairs() -> list[tuple[str, str]]:
    transferred = [(f"{before} to {after}", after) for before in PICTURES for after in PICTURES]
    joint = [(f"both corpora, {picture}", picture) for picture in PICTURES]
    return [*transferred, *joint, PICTURES]
