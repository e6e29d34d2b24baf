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
    protocol = found.systems[0].protocol.partition(",")[0].split(" / ")[0]
    figures: dict[str, float] = {}
    named = {EQUAL: "fused_equal", FITTED: "fused"}
    for one in found.systems:
        for metric in ("uar", "wa"):
            interval = one.figures[metric]
            ends = {"": interval.value, ".low": interval.low, ".high": interval.high}
            place = f"{corpus}.{protocol}.{named.get(one.name, one.name)}.{metric}"
            figures |= {place + end: value for end, value in ends.items() if value is not None}
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", help="the corpus's name, for the figures")
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN", help="members, two or more")
    return parser.parse_args()


if __name__ == "__main__":
    main()
