"""How far a map is to be trusted, measured and not looked at.

Deletion: silence the top tenth of the map in the samples and score again (Petsiuk et al., *RISE: randomized
input sampling for explanation of black-box models*, BMVC 2018, section 4.2, at one point of its curve); a
map that found what decided costs the emotion more than regions of the same shape elsewhere do. Beside it
stands what the loudest tenth costs: where that is more, the map knows less of the model than a level meter.

Likeness: the map beside that of the same network with random weights (Adebayo et al., *Sanity checks for
saliency maps*, NeurIPS 2018, section 3); a map that looks the same shows the recording, not the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from affekt.explanation.maps import Floats, Grid
from affekt.explanation.occlusion import Judge
from affekt.explanation.regions import Mask
from affekt.explanation.silence import Samples, Silencer, decibels

DRAWS = 16
RUNS = DRAWS + 2
"""How often the model runs for one deletion, besides once for the score."""


@dataclass(frozen=True)
class Deletion:
    """What the emotion's score loses without the top of the map, and without as much elsewhere.

    Fields:
        share: of the map's area that was silenced, 0 to 1.
        score: of the explained emotion in what was heard.
        drop: of the score without the top of the map; below 0 where it rose.
        random_drop: mean over `draws` regions of equal shape elsewhere; `random_sd` their spread.
        beaten: the share of those that cost the score less.
        loudest_drop: of the score without as much of the loudest there is.
    """

    share: float
    score: float
    drop: float
    random_drop: float
    random_sd: float
    beaten: float
    loudest_drop: float
    draws: int

    @property
    def difference(self) -> float:
        """How much more the top of the map costs than as much elsewhere."""
        return self.drop - self.random_drop

    def to_dict(self) -> dict[str, Any]:
        """The fields and the difference, rounded."""
        found = {name: round(value, 6) for name, value in vars(self).items()}
        return {**found, "difference": round(self.difference, 6)}


@dataclass(frozen=True)
class Likeness:
    """Spearman's rank correlation of the map with that of random weights, -1 to 1.

    None where it is not known, and `reason` says why.
    """

    spearman: float | None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """`spearman`, and `reason` where there is none."""
        if self.spearman is None:
            return {"spearman": None, "reason": self.reason}
        return {"spearman": round(self.spearman, 4)}


@dataclass(frozen=True)
class Sanity:
    """Both scores; `deletion` is None where nothing speaks for the emotion. `pieces` were looked at."""

    deletion: Deletion | None
    likeness: Likeness
    pieces: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Both, as plain data."""
        deletion = self.deletion.to_dict() if self.deletion else None
        return {"deletion": deletion, "random_weights": self.likeness.to_dict(), "pieces": self.pieces}


def deletion(
    judge: Judge,
    samples: Samples,
    mask: Mask,
    grid: Grid,
    index: int,
    *,
    seed: int | Sequence[int] = 0,
    draws: int = DRAWS,
    step: Callable[[], None] = lambda: None,
) -> Deletion | None:
    """Silences `mask` [bands, columns], the same mask moved at random `draws` times, and the loudest cells.

    None where the mask is empty. `step` is called after each run of the model.
    """
    if not mask.any():
        return None
    silencer = Silencer(samples)
    score = float(judge(samples)[index])

    def drop(silent: Mask) -> float:
        left = float(judge(silencer.without(silent, grid))[index])
        step()
        return score - left

    found = drop(mask)
    random = np.random.default_rng(seed)
    elsewhere = np.array([drop(_moved(mask, random)) for _ in range(draws)])
    return Deletion(
        share=float(mask.mean()),
        score=score,
        drop=found,
        random_drop=float(elsewhere.mean()),
        random_sd=float(elsewhere.std(ddof=1)),
        beaten=float((elsewhere < found).mean()),
        loudest_drop=drop(_loudest(samples, mask, grid)),
        draws=draws,
    )


def mean_deletion(found: Sequence[Deletion]) -> Deletion | None:
    """Several pieces as one: the mean of each figure."""
    if not found:
        return None
    names = ("share", "score", "drop", "random_drop", "random_sd", "beaten", "loudest_drop")
    means = {name: float(np.mean([getattr(one, name) for one in found])) for name in names}
    return Deletion(**means, draws=found[0].draws)


def spearman(one: Floats, other: Floats) -> Likeness:
    """The rank correlation of two maps of the same cells; equal values share their mean rank."""
    ranks = [_ranks(values.ravel()) for values in (one, other)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return Likeness(None, "one of the two maps is the same everywhere")
    value = float(np.corrcoef(ranks[0], ranks[1])[0, 1])
    return Likeness(value) if math.isfinite(value) else Likeness(None, "not defined for so few cells")


def _moved(mask: Mask, random: np.random.Generator) -> Mask:
    """The mask somewhere else: what leaves at one edge comes in at the other."""
    by = int(random.integers(1, mask.size)) if mask.size > 1 else 0
    return np.roll(mask, divmod(by, mask.shape[1]), axis=(0, 1))


def _loudest(samples: Samples, mask: Mask, grid: Grid) -> Mask:
    """As many cells as `mask` has, of the highest level."""
    order = np.argsort(-decibels(samples, grid), axis=None, kind="stable")[: np.count_nonzero(mask)]
    loudest = np.zeros(mask.size, np.bool_)
    loudest[order] = True
    return loudest.reshape(mask.shape)


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[inverse]
    return ranks
