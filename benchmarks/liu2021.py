"""System B: two pictures of speech, transfer between two emotion corpora both ways, and training on both.

`affekt reproduce liu2021` piece by piece: a cell (`--only PART:CELL`) or a part (`--only PART`) at a time,
each with what it starts from; what is finished under `--out` is joined, whatever this call ran. No clip of a
test speaker chooses anything: every fold trains on all other speakers for a number of epochs set beforehand;
with `--share`, on a part of their clips.
The part `SOURCE-random` puts the same speakers into training and test, to show how much that flatters:
`SOURCE.random_gap` is by how much.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from _record import DATA, record, trained
from resnet_stats import NEMO_FOLDS, PROTOCOLS
from rich.console import Console

from affekt import recipe
from affekt.corpora.source import parse_source
from affekt.recipe import FacenetRecipe
from affekt.verbs.ablate import Cell, ablate
from affekt.verbs.liu2021 import PICTURES, Part, plan, pretrain

EPOCHS = 12
"""Set beforehand, for what two cores do in a few hours."""


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    resolved = _recipe(arguments)
    source, target = (
        f"{corpus}:{arguments.data / corpus}" for corpus in (arguments.source, arguments.target)
    )
    out = arguments.out or Path(tempfile.mkdtemp(prefix="affekt-liu2021-"))
    seeds = range(arguments.seeds)
    parts = plan(source, target, out, seeds, one_way=arguments.one_way, protocol=arguments.protocol)
    pieces = {f"{part.name}:{cell.name}": (part, cell) for part in parts for cell in part.cells}
    say = Console(stderr=True).print
    for name in _chosen(arguments.only, list(pieces)):
        part, cell = pieces[name]
        if not _done(out, part, cell, seeds):
            say(name)
            if cell.inits is not None:
                learnt = _shared(resolved, part.learnt, arguments.learnt_share)
                pretrain(learnt, part, cell.name.partition(" to ")[0], seeds, say=say)
            _ablate(resolved, part, [cell], arguments, out, say)
    figures: dict[str, float] = {}
    details: dict[str, Any] = {}
    for part in parts:
        if cells := [cell for cell in part.cells if _done(out, part, cell, seeds)]:
            found = _ablate(resolved, part, cells, arguments, out, say)
            figures |= found.to_figures(f"{part.name}.liu2021")
            details[part.name] = found.to_json()
    figures |= _gaps(figures, arguments.source, arguments.target)
    settings = resolved.model_copy(update={"data": ()}).model_dump(mode="json")
    details |= {
        "recipe": settings,
        "seeds": arguments.seeds,
        "share": arguments.share,
        "learnt_share": arguments.learnt_share,
        "trained_at": trained(out),
        "not_run": [name for name, (part, cell) in pieces.items() if not _done(out, part, cell, seeds)],
    }
    name = f"liu2021_{arguments.source}_{arguments.target}"
    record(name, figures, details, started, script="liu2021")


def _recipe(arguments: argparse.Namespace) -> FacenetRecipe:
    chosen = [f"train.epochs={arguments.epochs}", "train.validation_speakers=0"]
    if arguments.width is not None:
        chosen.append(f"network.width={arguments.width}")
    resolved = recipe.load("facenet", [*chosen, *arguments.overrides])
    assert isinstance(resolved, FacenetRecipe)
    return resolved


def _shared(resolved: FacenetRecipe, source: str | None, shares: dict[str, float]) -> FacenetRecipe:
    """With the share of the corpus's training clips that was asked for."""
    share = (
        resolved.train.share if source is None else shares.get(parse_source(source)[0], resolved.train.share)
    )
    return resolved.model_copy(update={"train": resolved.train.model_copy(update={"share": share})})


def _share(text: str) -> tuple[str, float]:
    corpus, _, share = text.partition("=")
    if corpus not in PROTOCOLS:
        raise ValueError
    return corpus, float(share)


def _chosen(only: list[str] | None, pieces: list[str]) -> list[str]:
    """The pieces named, by part or by part and cell; all if none are."""
    named = set(pieces) | {piece.partition(":")[0] for piece in pieces}
    if strange := [one for one in only or () if one not in named]:
        sys.exit(f"--only {strange[0]}: no such piece; there are {'; '.join(pieces)}")
    return [one for one in pieces if not only or one in only or one.partition(":")[0] in only]


def _folder(out: Path, part: Part, cell: Cell) -> Path:
    return out / part.name / cell.name.replace(" ", "-")


def _done(out: Path, part: Part, cell: Cell, seeds: range) -> bool:
    return all((_folder(out, part, cell) / f"seed-{seed}" / "report.json").exists() for seed in seeds)


def _ablate(  # noqa: PLR0917
    resolved: FacenetRecipe, part: Part, cells: list[Cell], arguments: argparse.Namespace, out: Path, say: Any
) -> Any:
    names = {cell.name for cell in cells}
    return ablate(
        _shared(resolved, part.tested, arguments.share).model_copy(update={"data": (part.tested,)}),
        out / part.name,
        cells,
        [pair for pair in part.pairs if names >= set(pair)],
        title=part.title,
        protocol=part.protocol,
        folds=NEMO_FOLDS,
        seeds=range(arguments.seeds),
        speaker_dependent=part.learnt is None,
        say=say,
    )


def _gaps(figures: dict[str, float], source: str, target: str) -> dict[str, float]:
    """How much better each picture looks where its speakers were heard: of the source, from scratch."""
    gaps = {}
    for picture in PICTURES:
        heard, apart = (
            figures.get(f"{part}.liu2021.{picture}.uar")
            for part in (f"{source}-random", f"{target}-to-{source}")
        )
        if heard is not None and apart is not None:
            gaps[f"{source}.random_gap.{picture}.points"] = 100 * (heard - apart)
    return gaps


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("overrides", nargs="*", help="recipe overrides such as network.size=96")
    parser.add_argument("--source", choices=PROTOCOLS, default="nemo")
    parser.add_argument("--target", choices=PROTOCOLS, default="emodb")
    parser.add_argument("--only", nargs="+", help="PART, or PART:CELL; an unknown one lists them")
    parser.add_argument("--one-way", action="store_true", help="leave out what is tested on the source")
    parser.add_argument("--protocol", help="the folds of both corpora, such as speaker-kfold (three)")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--width", type=float, help="of the network, as a share of the published one")
    for option, where in (("--share", "it is tested on"), ("--learnt-share", "it is learnt from first")):
        parser.add_argument(
            option,
            type=_share,
            nargs="+",
            default=[],
            metavar="CORPUS=SHARE",
            help=f"of the training clips of a corpus, where {where}",
        )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="keep the runs here; stopped runs go on, finished ones join")
    arguments = parser.parse_args()
    arguments.share, arguments.learnt_share = dict(arguments.share), dict(arguments.learnt_share)
    return arguments


if __name__ == "__main__":
    main()
