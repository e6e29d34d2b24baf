"""How many clips transfer saves: `uar` with 10 to 100 % of the training clips, from scratch and pre-trained.

The thin network on groups of speakers that it has not heard. Each share takes the same number of steps, so
that what differs is the clips and not the time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from _record import DATA, RESULTS, record, trained
from rich.console import Console

from affekt import recipe
from affekt.evaluation.plots import shares_figure
from affekt.verbs.train import train

SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
EPOCHS = 24
FOLDS = 3


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="affekt-shares-"))
    corpus = arguments.corpus
    say = Console(stderr=True).print
    figures: dict[str, float] = {}
    curves: dict[str, list[tuple[float, float, float, float]]] = {}
    for name, init in (("scratch", None), ("pre-trained", arguments.init)):
        for share in SHARES:
            epochs = round(EPOCHS / share)
            settings = [f"train.epochs={epochs}", f"train.share={share}"]
            start = [f"init={init}"] if init else []
            made = recipe.load(
                "thin",
                [
                    f"data={corpus}:{arguments.data / corpus}",
                    "train.validation_speakers=0",
                    *settings,
                    *start,
                ],
            )
            folder = out / name / f"{share}"
            say(f"{name}, {share:.0%}")
            report = train(made, folder, protocol="speaker-kfold", folds=FOLDS, resume=True, say=say).report
            assert report is not None
            uar = report.pooled["uar"]
            assert uar.value is not None and uar.low is not None and uar.high is not None
            curves.setdefault(name, []).append((share, uar.value, uar.low, uar.high))
            figures |= report.to_figures(f"{corpus}.learning_curve.{name}.{round(100 * share)}")
    shares_figure(curves, RESULTS / f"learning_curve_{corpus}.png", title=f"{corpus}, {FOLDS} speaker folds")
    record(
        f"learning_curve_{corpus}",
        figures,
        {"curves": curves, "trained_at": trained(out)},
        started,
        script="learning_curve",
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", choices=("emodb", "ravdess", "nemo"))
    parser.add_argument("--init", type=Path, required=True, help="the model folder of benchmarks/speakers.py")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="keep the runs here; stopped runs go on")
    return parser.parse_args()


if __name__ == "__main__":
    main()
