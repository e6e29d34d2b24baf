"""What the number formats of a model cost and gain: float16 and int8 against float32, on real corpora.

`affekt export` of a model, with ranges from a corpus's clips and figures from its others: `uar` lost (paired
over speakers), the largest score difference, labels changed, how often as fast with one and two threads, and
size. The clips may be of speakers that the model has heard: it is the loss that counts here, not the figure.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from _record import DATA, record

import affekt
from affekt.model_folder import open_folder
from affekt.recognizer import resolve

CORPORA = ("emodb", "ravdess")


def main() -> None:
    started = time.perf_counter()
    arguments = _arguments()
    config = open_folder(resolve(arguments.model)).config
    figures: dict[str, float] = {}
    details: dict[str, object] = {"system": config.system, "made_at": config.training.commit}
    for corpus in arguments.corpora:
        with tempfile.TemporaryDirectory(prefix="affekt-export-") as work:
            data = f"{corpus}:{arguments.data / corpus}"
            found = affekt.export(arguments.model, Path(work), data=data, say=print)
        print(found.to_markdown())
        details[corpus] = found.to_json()
        for one in found.formats:
            place = f"export.{corpus}.{one.name.removeprefix('onnx-')}"
            figures[f"{place}.mb"] = one.bytes / 1e6
            figures[f"{place}.largest_difference"] = one.difference
            figures[f"{place}.labels_changed.share"] = one.changed / one.clips
            figures |= {f"{place}.speed.{threads}_threads": ratio for threads, ratio in one.speed.items()}
            if one.uar_lost is not None:
                lost = one.uar_lost
                ends = {"": lost.value, ".low": lost.low, ".high": lost.high}
                figures |= {
                    f"{place}.uar_lost{end}": value for end, value in ends.items() if value is not None
                }
    record("export", figures, details, started)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="default", help="a known model or a model folder")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds the corpora")
    parser.add_argument("--corpora", nargs="+", default=CORPORA, help="which of them")
    return parser.parse_args()


if __name__ == "__main__":
    main()
