"""Several systems' cross-validations on a corpus, fused: each member, equal weights, fitted weights.

    python benchmarks/fusion.py emodb padi2021=RUN zhang2018=RUN opensmile=RUN

RUN is a folder of `affekt train --protocol`, of the same clips. Weights of a fold come from the other folds
speakers. Differences are paired, on the same draws of speakers.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from _record import record

import affekt
from affekt.evaluation import Interval
from affekt.evaluation.paired import Comparison
from affekt.verbs.panel import EQUAL, FITTED


def main() -> None:
    started = time.perf_counter()
    arguments = _arguments()
    runs = dict(one.partition("=")[::2] for one in arguments.runs)
    with tempfile.TemporaryDirectory(prefix="affekt-fusion-") as work:
        found = affekt.fuse(list(runs.values()), Path(work) / "fused", names=list(runs), say=print)
    assert found.comparison is not None
    print(found.to_markdown())
    weights = {name: round(share, 6) for name, share in zip(found.names, found.weights.shares, strict=True)}
    details = {"members": sorted(runs), "weights": weights, **found.comparison.to_json()}
    figures = _figures(arguments.corpus, found.comparison)
    record(f"fusion_{arguments.corpus}", figures, details, started, script="fusion")


def _figures(corpus: str, found: Comparison) -> dict[str, float]:
    """The fused systems, and what each has over each member; the members' own figures are other results."""
    protocol = found.systems[0].protocol.partition(",")[0].split(" / ")[0]
    named = {EQUAL: "fused_equal", FITTED: "fused"}
    figures: dict[str, float] = {}

    def add(name: str, metric: str, interval: Interval, sign: int = 1) -> None:
        ends = (interval.low, interval.high) if sign > 0 else (interval.high, interval.low)
        for end, value in zip(("", ".low", ".high"), (interval.value, *ends), strict=True):
            if value is not None:
                figures[f"{corpus}.{protocol}.{name}.{metric}{end}"] = sign * value

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
    parser.add_argument("corpus", help="the corpus's name, for the figures")
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN", help="members, two or more")
    return parser.parse_args()


if __name__ == "__main__":
    main()
