"""The baseline: openSMILE's functionals, standardised, and a linear support vector machine.

What networks have to beat (Schuller et al., Interspeech 2016, with ComParE 2016 and a small C). It is one
linear layer over the functionals, and kept as such.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt import files, functionals
from affekt.downloads import cache_folder
from affekt.models.linear_svm import LinearSvm
from affekt.recipe import COUNTS, BaselineNetworkRecipe, Recipe
from affekt.training.batches import IntArray
from affekt.training.clips import Clips, ahead
from affekt.training.journal import Watcher

Array = NDArray[np.float32]
Tick = Callable[[int, int], None]

_ABSENT = 10.0
"""So far does a class that has no training clip lie behind each of the others."""


def features(clips: Clips, kind: str, tick: Tick | None = None, cache: Path | None = None) -> Array:
    """The functionals of all clips [clips, functionals]; of the same audio they are computed once.

    They are kept in the cache folder (`downloads.cache_folder`), by a digest of all that they follow from.

    Raises:
        MissingExtraError: openSMILE is not installed.
    """
    digest = hashlib.sha256(f"{kind} {functionals.version()}".encode())
    for row in range(len(clips)):
        digest.update(clips.samples(row).tobytes())
    kept = (cache or cache_folder()) / "functionals" / f"{kind}-{digest.hexdigest()[:32]}.npy"
    shape = (len(clips), COUNTS[kind])
    with contextlib.suppress(OSError, ValueError):
        found = np.load(kept, allow_pickle=False)
        if found.shape == shape and found.dtype == np.float32 and np.isfinite(found).all():
            return np.asarray(found)

    def heard(row: int) -> Array:
        return functionals.functionals(clips.samples(row), kind)

    rows: list[Array] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for one in ahead(pool, heard, range(len(clips)), 64):
            rows.append(one)
            if tick:
                tick(len(rows), len(clips))
    values = np.stack(rows)
    # Without a cache there is only more to wait for the next time.
    with contextlib.suppress(files.WriteError), files.atomic(kept) as stream:
        np.save(stream, values)
    return values


def features_for(recipe: Recipe, clips: Clips, watcher: Watcher | None = None) -> Array | None:
    """The functionals that the recipe asks for; None where a network learns, which needs none."""
    if not isinstance(recipe.network, BaselineNetworkRecipe):
        return None

    def tick(done: int, total: int) -> None:
        if watcher:
            watcher(done, total, "openSMILE")

    return features(clips, recipe.network.functionals, tick)


def fit(values: Array, positions: IntArray, classes: int, recipe: Recipe) -> LinearSvm:
    """The machine that tells training clips apart: functionals [clips, functionals], classes [clips].

    A class without a clip loses against each of the others.
    """
    settings: object = recipe.network
    assert isinstance(settings, BaselineNetworkRecipe)
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, LinearSVC

    scaler = StandardScaler().fit(values.astype(np.float64))
    weight = "balanced" if settings.class_weights else None
    votes = settings.decisions == "one-vs-one"
    standard = scaler.transform(values.astype(np.float64))
    if votes:
        # One matrix product for all pairs of classes, in place of each product again and again within libsvm.
        machine = SVC(kernel="precomputed", C=settings.cost, class_weight=weight)
        machine.fit(standard @ standard.T, positions)
        coefficients = _pair_weights(machine, standard)
    else:
        machine = LinearSVC(C=settings.cost, class_weight=weight, random_state=recipe.seed, max_iter=10_000)
        coefficients = machine.fit(standard, positions).coef_
    present = machine.classes_.tolist()
    absent = sorted(set(range(classes)) - set(present))
    versus = _versus(present, absent, classes, votes)
    blank = len(versus) - len(coefficients)
    weights = np.concatenate([coefficients, np.zeros((blank, values.shape[1]))])
    bias = np.concatenate([machine.intercept_, np.full(blank, _ABSENT)])
    return LinearSvm(
        mean=scaler.mean_.astype(np.float32),
        scale=scaler.scale_.astype(np.float32),
        weights=weights.T.astype(np.float32),
        bias=bias.astype(np.float32),
        versus=versus,
        votes=votes,
    )


def _pair_weights(machine: Any, standard: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights [pairs, functionals] of a machine that knows its support vectors by their products alone.

    In libsvm's layout the support vectors stand by class; row j - 1 of the coefficients of class i, and row i
    of those of class j, are of the pair (i, j).
    """
    vectors, dual = standard[machine.support_], machine.dual_coef_
    if len(dual) == 1:
        return np.asarray(dual @ vectors)
    ends = np.concatenate([[0], np.cumsum(machine.n_support_)])
    parts = [slice(start, end) for start, end in pairwise(ends.tolist())]
    return np.array(
        [
            dual[j - 1, parts[i]] @ vectors[parts[i]] + dual[i, parts[j]] @ vectors[parts[j]]
            for i, j in combinations(range(len(parts)), 2)
        ]
    )


def _versus(present: list[int], absent: list[int], classes: int, votes: bool) -> Array:
    """Between which classes each of scikit-learn's decisions is, and behind them those against the absent."""
    if len(present) == 2:
        # Of two classes the one decision speaks for the second.
        pairs: list[tuple[int | None, int | None]] = [(present[1], present[0])]
    elif votes:
        pairs = list(combinations(present, 2))
    else:
        pairs = [(one, None) for one in present]
    pairs += [(one, other) for other in absent for one in (present if votes else [None])]
    rows = np.zeros((len(pairs), classes), np.float32)
    for row, (one, other) in zip(rows, pairs, strict=True):
        if one is not None:
            row[one] = 1
        if other is not None:
            row[other] = -1
    return rows
