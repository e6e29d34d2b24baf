"""Systems A, B and C, their fusion and the openSMILE baseline on each corpus: uar, calibration, label sets.

    python benchmarks/fusion.py --out RUNS                                  # everything
    python benchmarks/fusion.py --out RUNS --corpus emodb --only facenet    # one piece; a stopped one goes on
    python benchmarks/fusion.py --out RUNS --join                           # no training: one result of all

By the protocol of each corpus, for a number of epochs set beforehand; no clip of a test speaker chooses
anything. The fused members are the three networks; a fold's weights come from the other folds' speakers.
Differences are paired, on the same draws of speakers. Every trained fold is kept under --out, and each call
writes one result out of all pieces that are finished.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import resnet_stats
import torch
import zhang2018
from _record import DATA, last_two, record, trained
from resnet_stats import NEMO_FOLDS, NORMALISATION, PROTOCOLS

import affekt
from affekt import files, recipe
from affekt.evaluation import Interval
from affekt.evaluation.paired import Comparison
from affekt.run_folder import REPORT
from affekt.verbs.panel import EQUAL, FITTED

BASELINE = "opensmile-svm"
SYSTEMS = ("resnet-stats", "attention-fcn", "facenet", BASELINE)
RECIPES = {
    "resnet-stats": "thin",
    "attention-fcn": "attention-fcn",
    "facenet": "facenet",
    BASELINE: "baseline",
}
EPOCHS: dict[str, Mapping[str, int]] = {
    "resnet-stats": resnet_stats.EPOCHS,
    "attention-fcn": zhang2018.EPOCHS,
    "facenet": {"emodb": 20, "ravdess": 10, "nemo": 6},
}
"""Set beforehand, those of each system's own benchmark where it has one."""
COVERAGE = 0.9
"""Of the label sets that the table has."""


def main() -> None:
    started = time.perf_counter()
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    for corpus in arguments.corpus:
        for system in arguments.only:
            _train(system, corpus, arguments)
    figures: dict[str, float] = {}
    details: dict[str, Any] = {"trained_at": trained(arguments.out), "recipes": {}, "pieces": []}
    for corpus in PROTOCOLS:
        name = f"fusion.{corpus}.{arguments.protocol or PROTOCOLS[corpus]}"
        reports = {
            system: files.read_json(arguments.out / corpus / system / REPORT)
            for system in SYSTEMS
            if (arguments.out / corpus / system / REPORT).is_file()
        }
        for system, report in reports.items():
            details["pieces"].append(f"{corpus}/{system}")
            details["recipes"][f"{corpus}/{system}"] = _settings(arguments.out / corpus / system, corpus)
            figures |= _own(f"{name}.{system}", report)
        if all(system in reports for system in SYSTEMS):
            figures |= _fused(arguments.out, corpus, name, details)
    if not figures:
        raise SystemExit(f"{arguments.out}: no finished piece yet")
    record("fusion", figures, details, started)


def _train(system: str, corpus: str, arguments: argparse.Namespace) -> None:
    """One cross-validation; of a stopped one the folds that are left."""
    settings = [f"data={corpus}:{arguments.data / corpus}", "train.validation_speakers=0"]
    if system != BASELINE:
        settings.append(f"train.epochs={EPOCHS[system][corpus]}")
        settings += [f"network.normalisation={NORMALISATION[corpus]}", *arguments.overrides]
    resolved = recipe.load(RECIPES[system], settings)
    began = time.perf_counter()
    found = affekt.train(
        resolved,
        arguments.out / corpus / system,
        protocol=arguments.protocol or PROTOCOLS[corpus],
        folds=NEMO_FOLDS,
        resume=True,
        say=lambda text: print(text, flush=True),
    )
    assert found.report is not None
    print(f"{corpus} {system}: {time.perf_counter() - began:.0f} s\n{found.report.to_markdown()}", flush=True)


def _settings(run: Path, corpus: str) -> dict[str, Any]:
    """The recipe of a run, without where its data and what it started from lie."""
    made = recipe.load(str(run / "recipe.yaml"))
    init = made.init and last_two(made.init)
    return made.model_copy(update={"data": (corpus,), "init": init}).model_dump(mode="json")


def _own(prefix: str, report: Mapping[str, Any]) -> dict[str, float]:
    """Pooled figures, ece before and after calibration, and how often label sets hold the truth."""
    found: dict[str, Any] = {name: report["pooled"][name] for name in ("uar", "wa")}
    calibration = report.get("calibration") or {}
    for name, when in (("ece_before", "before"), ("ece", "after")):
        if calibration.get(when):
            found[name] = calibration[when]["ece"]
    for one in calibration.get("coverage") or ():
        if one["asked"] == COVERAGE:
            found[f"coverage_{COVERAGE:.0%}".rstrip("%")] = one
    return {
        f"{prefix}.{name}{end}": interval[key]
        for name, interval in found.items()
        for end, key in (("", "value"), (".low", "low"), (".high", "high"))
        if interval[key] is not None
    }


def _fused(out: Path, corpus: str, prefix: str, details: dict[str, Any]) -> dict[str, float]:
    """The three networks fused, and all compared with the baseline."""
    networks = [system for system in SYSTEMS if system != BASELINE]
    folder = out / corpus / "fused"
    for number in range(1, 1000):
        # A fused folder is of the pieces as they were then; each call makes its own.
        if not folder.exists():
            break
        folder = out / corpus / f"fused-{number}"
    fused = affekt.fuse([out / corpus / one for one in networks], folder, names=networks, say=print)
    assert fused.comparison is not None and fused.report is not None
    print(fused.to_markdown())
    weights = {name: round(share, 6) for name, share in zip(fused.names, fused.weights.shares, strict=True)}
    against = affekt.compare([folder, *(out / corpus / one for one in SYSTEMS)])
    print(against.to_markdown())
    details[f"{corpus}.fusion"] = {"weights": weights, **fused.comparison.to_json()}
    details[f"{corpus}.comparison"] = against.to_json()
    figures = _own(f"{prefix}.fused", fused.report.to_json())
    members = _over(prefix, fused.comparison, {EQUAL: "fused_equal", FITTED: "fused"})
    return figures | members | _over(prefix, against, {folder.name: "fused"})


def _over(prefix: str, found: Comparison, named: Mapping[str, str]) -> dict[str, float]:
    """What each of the fused systems has over each of the others."""
    figures: dict[str, float] = {}

    def add(name: str, metric: str, interval: Interval, sign: int = 1) -> None:
        ends = (interval.low, interval.high) if sign > 0 else (interval.high, interval.low)
        for end, value in zip(("", ".low", ".high"), (interval.value, *ends), strict=True):
            if value is not None:
                figures[f"{prefix}.{name}.{metric}{end}"] = sign * value

    for one in found.systems:
        if one.name in named:
            for metric in ("uar", "wa"):
                add(named[one.name], metric, one.figures[metric])
    for pair in found.pairs:
        ours, theirs, sign = pair.system, pair.reference, 1
        if ours not in named:
            ours, theirs, sign = theirs, ours, -1
        if ours in named and theirs not in named:
            add(f"{named[ours]}_over_{theirs}", "uar", pair.figures["uar"], sign)
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("overrides", nargs="*", help="of the networks' recipes, such as train.epochs=1")
    parser.add_argument(
        "--corpus", action="append", choices=list(PROTOCOLS), help="may be repeated; else all"
    )
    parser.add_argument("--only", action="append", choices=SYSTEMS, help="may be repeated; else all systems")
    parser.add_argument("--protocol", help="of all corpora, such as speaker-kfold (three folds)")
    parser.add_argument("--join", action="store_true", help="train nothing: one result of what is finished")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="keep the runs here; stopped runs go on")
    arguments = parser.parse_args()
    arguments.corpus = arguments.corpus or list(PROTOCOLS)
    arguments.only = [] if arguments.join else arguments.only or list(SYSTEMS)
    return arguments


if __name__ == "__main__":
    main()
