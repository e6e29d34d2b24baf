"""The baseline to beat: openSMILE's ComParE 2016 functionals and a linear SVM, speakers kept apart.

6,373 functionals per clip (Schuller et al., Interspeech 2016), standardised, linear SVM with C = 1e-3;
scaler and SVM are fitted on the training and validation clips of each fold. The baseline is the one-vs-one
SVM; `opensmile_ovr` is the one-vs-rest one. EMO-DB leaves one speaker out, RAVDESS takes its published folds,
nEMO has three folds of speakers. Needs the extra `bench`. Features are cached outside the repository.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import opensmile
import pandas as pd
from _record import DATA, record
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from affekt import audio, corpora, files
from affekt.evaluation import Report, summarise
from affekt.splits import Folds, make_folds

if TYPE_CHECKING:
    from affekt.splits import Fold

PROTOCOLS = {"emodb": "loso", "ravdess": "official", "nemo": "speaker-kfold"}
NEMO_FOLDS = 3
COST = 1e-3
CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "opensmile": lambda: SVC(kernel="linear", C=COST),
    "opensmile_ovr": lambda: LinearSVC(C=COST, random_state=0, max_iter=10_000),
}


def main() -> None:
    started = time.perf_counter()
    arguments = _arguments()
    figures: dict[str, float] = {}
    details: dict[str, object] = {"opensmile": opensmile.__version__, "C": COST}
    for corpus, protocol in PROTOCOLS.items():
        table = corpora.load(f"{corpus}:{arguments.data / corpus}")
        folds = make_folds(table, protocol, count=NEMO_FOLDS)
        functionals, cached = features(corpus, table["path"], arguments.cache)
        details[f"{corpus}.features_from_cache"] = cached
        for system in CLASSIFIERS:
            report = _evaluate(system, corpus, table, folds, functionals)
            figures |= report.to_figures(f"{corpus}.{protocol}.{system}")
            details[f"{corpus}.{protocol}.{system}"] = report.to_json()
            print(report.to_markdown())
    record("opensmile_baseline", figures, details, started)


def features(corpus: str, paths: pd.Series[str], cache: Path) -> tuple[NDArray[np.float32], bool]:
    """ComParE 2016 functionals [clips, 6373], and whether they came from the cache of the same audio."""
    digest = hashlib.sha256(opensmile.__version__.encode())
    for path in paths:
        digest.update(Path(path).read_bytes())
    kept = cache / f"{corpus}-{digest.hexdigest()[:16]}.npy"
    if kept.is_file():
        return np.load(kept, allow_pickle=False), True
    extractor = opensmile.Smile(
        feature_set=opensmile.FeatureSet.ComParE_2016,
        feature_level=opensmile.FeatureLevel.Functionals,
        num_workers=1,
        multiprocessing=False,
    )
    rows = []
    for path in track(list(paths), f"openSMILE on {corpus}", console=Console(stderr=True)):
        samples = audio.load(path).samples
        rows.append(extractor.process_signal(samples, audio.SAMPLE_RATE).to_numpy(np.float32)[0])
    functionals = np.stack(rows)
    with files.atomic(kept) as stream:
        np.save(stream, functionals)
    return functionals, False


def _evaluate(
    system: str, corpus: str, table: pd.DataFrame, folds: Folds, functionals: NDArray[np.float32]
) -> Report:
    scored = pd.concat([_score(system, fold, table, functionals) for fold in folds.folds])
    return summarise(
        scored,
        sorted(table["emotion"].unique()),
        title=f"{system} (ComParE 2016 + linear SVM) on {corpus}",
        protocol=folds.title,
    )


def _score(system: str, fold: Fold, table: pd.DataFrame, functionals: NDArray[np.float32]) -> pd.DataFrame:
    fitted_on = np.concatenate([fold.train, fold.validation])
    classifier = make_pipeline(StandardScaler(), CLASSIFIERS[system]())
    classifier.fit(functionals[fitted_on], table["emotion"].iloc[fitted_on].to_numpy(str))
    tested = table.iloc[fold.test]
    return tested[["file", "corpus", "emotion"]].assign(
        fold=fold.name,
        speaker=corpora.speaker_key(tested),
        predicted=classifier.predict(functionals[fold.test]),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "affekt-opensmile")
    return parser.parse_args()


if __name__ == "__main__":
    main()
