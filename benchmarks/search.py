"""The search for a better default model: every trial of a change of the recipe, on validation speakers.

A trial is the recipe `default` with changes. For each division by lot it learns from two thirds of the
speakers of each corpus (of nEMO's six from four) and is measured on the last third, which chose its epoch;
the same speakers for every trial. Such figures rank trials and are no estimate of anything. No test fold is
scored. Every trial that was run, good or bad, stands in `trials.jsonl` under `--out` and in the record, and
is skipped when it is asked for again.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from _record import DATA, last_two, record
from _trials import Trial, listed, picked, slug
from rich.console import Console

from affekt import files, provenance, recipe
from affekt.evaluation.metrics import confusion, uar
from affekt.evaluation.scored import HELD_OUT, read_scored
from affekt.verbs.held_out import among_own
from affekt.verbs.train import train

CORPORA = ("emodb", "nemo", "ravdess")
VALIDATION = 1 / 3
QUIET = ("augment.noise=0", "augment.reverberation=0", "augment.gain=0", "augment.telephone=0")
NO_MASKS = ("augment.time_masks=0", "augment.frequency_masks=0", "augment.stretch=0", "augment.warp=0")
STRONGER = ("augment.warp=0.2", "augment.stretch=0.25", "augment.frequency_width=0.3")
TRIALS = (
    Trial("base"),
    Trial("from speakers", pretrained=True),
    Trial("from speakers, trunk at a third of the rate", ("transfer.rate=0.3",), pretrained=True),
    Trial("no normalisation", ("network.normalisation=none",)),
    Trial("normalisation by bin", ("network.normalisation=bin",)),
    Trial("width 24", ("network.width=24",)),
    Trial("width 32", ("network.width=32",)),
    Trial("a hop of 20 ms", ("network.hop_ms=20",)),
    Trial("no SpecAugment", NO_MASKS),
    Trial("stronger SpecAugment", STRONGER),
    Trial("half of the clips mixed", ("augment.mixup=0.5",)),
    Trial("no other speed", ("augment.speed=0",)),
    Trial("speed by up to 20 %", ("augment.speed=0.2",)),
    Trial("no lines, rooms or noise", QUIET),
    Trial("half over lines and in noise", ("augment.telephone=0.5", "augment.noise=0.5")),
    Trial("no label smoothing", ("train.label_smoothing=0",)),
    Trial("label smoothing 0.2", ("train.label_smoothing=0.2",)),
    Trial("last weights", ("train.average=0",)),
    Trial("longer average", ("train.average=0.999",)),
    Trial("speakers unlearnt a little", ("train.losses.adversarial=0.03",)),
    Trial("speakers unlearnt", ("train.losses.adversarial=0.3",)),
    Trial("absent classes left out", ("train.absent_classes=0",)),
    Trial("absent classes as any other", ("train.absent_classes=1",)),
    Trial("corpora balanced", ("train.balance=corpora",)),
    Trial("at most 600 clips of each corpus", ("train.corpus_clips=600",)),
    Trial("classes balanced", ("train.balance=classes",)),
    Trial("emodb alone", corpora=("emodb",)),
    Trial("nemo alone", corpora=("nemo",)),
    Trial("ravdess alone", corpora=("ravdess",)),
)
"""One change at a time; combinations are tried by overrides on the command line, which all trials get."""


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    say = Console(stderr=True).print
    journal = arguments.out / "trials.jsonl"
    rows = _rows(journal)
    for trial in [] if arguments.report else _asked(arguments):
        for fold in range(1, arguments.folds + 1):
            key = _key(trial, fold, arguments)
            if any(key.items() <= row.items() for row in rows):
                say(f"{trial.name}, division {fold}: tried before")
                continue
            say(f"{trial.name}, division {fold}")
            rows.append(key | _tried(trial, fold, key["overrides"], arguments, say))
            # Whole after each trial: a search runs for days, and is stopped in between.
            files.write_text(journal, "".join(json.dumps(row) + "\n" for row in rows))
    figures = _figures(rows)
    record("search", figures, {"trials": rows, "not_run": _missing(rows)}, started)
    for name, value in sorted(figures.items(), key=lambda item: -item[1]):
        print(f"{value:.3f}  {name}")


def _asked(arguments: argparse.Namespace) -> list[Trial]:
    """The trials to run; with `--all-from-init` each starts from that model."""
    trials = picked(TRIALS, arguments.only)
    return [replace(one, pretrained=True) for one in trials] if arguments.all_from_init else trials


def _key(trial: Trial, fold: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """What tells a trial from all others."""
    changes = [one for one in trial.overrides(arguments.init) if not one.startswith("init=")]
    return {
        "name": trial.name,
        "division": fold,
        "overrides": [*arguments.overrides, *changes],
        "init": last_two(arguments.init) if trial.pretrained else None,
        "corpora": list(trial.corpora or CORPORA),
    }


def _tried(
    trial: Trial, fold: int, overrides: list[str], arguments: argparse.Namespace, say: Any
) -> dict[str, Any]:
    sources = ",".join(f"{corpus}:{arguments.data / corpus}" for corpus in trial.corpora or CORPORA)
    start = [f"init={arguments.init}"] if trial.pretrained else []
    fixed = [f"data={sources}", f"seed={fold}", f"train.validation_speakers={VALIDATION}"]
    given = [*overrides, "init"] if trial.pretrained else overrides
    folder = arguments.out / slug(trial.name, given) / f"division-{fold}"
    began = time.perf_counter()
    train(recipe.load("default", [*fixed, *start, *overrides]), folder, resume=True, say=say)
    seconds = time.perf_counter() - began
    table, labels = read_scored(folder / HELD_OUT)
    found = {}
    for corpus, clips in table.groupby("corpus"):
        own, among = among_own(clips, labels)
        found[str(corpus)] = float(uar(confusion(own["emotion"], own["predicted"], among)))
    return {
        "validation_uar": found,
        "speakers": sorted(set(table["speaker"])),
        "clips": len(table),
        "seconds": round(seconds, 1),
        "commit": provenance.commit(),
    }


def _rows(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text("utf-8").splitlines()] if journal.exists() else []


def _figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    """`search.TRIAL.CORPUS.validation_uar`, the mean over divisions; what the call gave is in the name."""
    found: dict[str, list[float]] = {}
    for row in rows:
        trial = next((one for one in TRIALS if one.name == row["name"]), Trial(row["name"]))
        given = [one for one in row["overrides"] if one not in trial.changes]
        if row["init"] is not None and not trial.pretrained:
            given.insert(0, f"from {row['init']}")
        name = " ".join([row["name"], *given])
        for corpus, value in row["validation_uar"].items():
            found.setdefault(f"search.{name}.{corpus}.validation_uar", []).append(value)
    return {name: fmean(values) for name, values in found.items()}


def _missing(rows: list[dict[str, Any]]) -> list[str]:
    tried = {row["name"] for row in rows}
    return [trial.name for trial in TRIALS if trial.name not in tried]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None, epilog=f"Trials: {listed(TRIALS)}."
    )
    parser.add_argument("overrides", nargs="*", help="recipe overrides of all trials, such as train.epochs=8")
    parser.add_argument("--only", nargs="+", help="trials to run, by name or number")
    parser.add_argument("--folds", type=int, default=1, help="divisions of the speakers, by lot")
    parser.add_argument("--report", action="store_true", help="run nothing, record what was tried")
    parser.add_argument("--all-from-init", action="store_true", help="start every trial from --init")
    parser.add_argument("--init", type=Path, help="a speakers model, such as of benchmarks/speakers.py")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="the folder of all runs and trials.jsonl")
    return parser.parse_args()


if __name__ == "__main__":
    main()
