"""The baseline to beat: openSMILE's ComParE 2016 functionals and a linear SVM, speakers kept apart.

`affekt train baseline --protocol ...`: EMO-DB leaves one speaker out, RAVDESS takes its published folds, nEMO
has three folds of speakers; nothing is kept aside for validation. The baseline is the one-vs-one machine;
`opensmile_ovr` is the one-vs-rest one. Needs the extra `bench`. Functionals are kept in Affekt's cache.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from _record import DATA, record

import affekt
from affekt import functionals, recipe

PROTOCOLS = {"emodb": "loso", "ravdess": "official", "nemo": "speaker-kfold"}
NEMO_FOLDS = 3
DECISIONS = {"opensmile": "one-vs-one", "opensmile_ovr": "one-vs-rest"}


def main() -> None:
    started = time.perf_counter()
    arguments = _arguments()
    figures: dict[str, float] = {}
    settings = recipe.load("baseline").network.model_dump()
    details: dict[str, object] = {"opensmile": functionals.version(), **settings, "decisions": DECISIONS}
    for corpus, protocol in PROTOCOLS.items():
        for system, decisions in DECISIONS.items():
            overrides = [f"data={corpus}:{arguments.data / corpus}", f"network.decisions={decisions}"]
            out = arguments.out / corpus / system
            found = affekt.train(
                recipe.load("baseline", overrides), out, protocol=protocol, folds=NEMO_FOLDS, say=print
            ).report
            assert found is not None
            figures |= found.to_figures(f"{corpus}.{protocol}.{system}")
            details[f"{corpus}.{protocol}.{system}"] = found.to_json()
            print(found.to_markdown())
    record("opensmile_baseline", figures, details, started)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--out", type=Path, default=None, help="where the runs go, new or empty")
    arguments = parser.parse_args()
    arguments.out = arguments.out or Path(tempfile.mkdtemp(prefix="affekt-baseline-"))
    return arguments


if __name__ == "__main__":
    main()
