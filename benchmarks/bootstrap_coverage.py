"""How often a 95 % interval of `uar` holds the truth: simulated corpora, resampled by speaker and by clip.

A speaker has a skill, and another one for each emotion; clips of a speaker share both. The truth is the mean
over endless speakers. An honest interval holds it in 95 of 100 corpora.
"""

from __future__ import annotations

import argparse
import time
from statistics import NormalDist
from typing import Any

import numpy as np
from _record import record
from numpy.typing import NDArray

from affekt.evaluation.bootstrap import percentile_interval, resampled
from affekt.evaluation.metrics import uar

LEVEL = 0.95
EMOTIONS, CLIPS = 4, 10
"""Emotions, and the mean number of clips of each by each speaker."""
SPREAD_OF_SPEAKERS, SPREAD_WITHIN = 0.8, 0.8
"""Standard deviations of skill between speakers, and between a speaker's emotions, in log-odds."""
DESIGNS = {
    f"{speakers}_speakers.skill_{skill:.0%}".rstrip("%"): (speakers, skill)
    for speakers in (6, 10, 24)
    for skill in (0.7, 0.9)
}

Array = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--corpora", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000)
    arguments = parser.parse_args()
    started = time.perf_counter()
    figures: dict[str, float] = {}
    for name, (speakers, skill) in DESIGNS.items():
        held = coverage(speakers, skill, arguments.corpora, arguments.resamples)
        figures |= {f"coverage.{name}.{way}": share for way, share in held.items()}
        print(name, held)
    details: dict[str, Any] = {
        "level": LEVEL,
        "corpora": arguments.corpora,
        "resamples": arguments.resamples,
        "emotions": EMOTIONS,
        "clips_of_each_by_each_speaker": CLIPS,
        "sd_between_speakers_log_odds": SPREAD_OF_SPEAKERS,
        "sd_within_speaker_log_odds": SPREAD_WITHIN,
    }
    record("bootstrap_coverage", figures, details, started)


def coverage(speakers: int, skill: float, corpora: int, resamples: int) -> dict[str, float]:
    """The share of corpora whose interval holds the truth: Affekt's, plain quantiles, and by clip."""
    generator = np.random.default_rng([speakers, round(100 * skill)])
    expected = truth(skill)
    held = {"affekt": 0, "plain_quantiles": 0, "by_clip": 0}
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    for corpus in range(corpora):
        counts = simulated(generator, speakers, skill)
        draws = uar(resampled(counts, resamples=resamples, seed=corpus))
        ours = percentile_interval(uar(counts.sum(axis=0)), draws, speakers, level=LEVEL)
        assert ours.low is not None and ours.high is not None
        held["affekt"] += ours.low <= expected <= ours.high
        low, high = np.quantile(draws, ends)
        held["plain_quantiles"] += low <= expected <= high
        low, high = np.quantile(by_clip(generator, counts, resamples), ends)
        held["by_clip"] += low <= expected <= high
    return {way: float(count / corpora) for way, count in held.items()}


def log_odds(skill: float) -> Array:
    """Of being right on each emotion for a speaker in the middle; some emotions are harder."""
    return float(np.log(skill / (1 - skill))) + np.linspace(-0.7, 0.7, EMOTIONS)


def truth(skill: float) -> float:
    """The `uar` over endless speakers, by the midpoints of 20,000 equal shares of the normal distribution."""
    shares = (np.arange(20_000) + 0.5) / 20_000
    normal = np.array([NormalDist().inv_cdf(float(share)) for share in shares])
    spread = np.hypot(SPREAD_OF_SPEAKERS, SPREAD_WITHIN)
    return float((1 / (1 + np.exp(-(log_odds(skill) + spread * normal[:, None])))).mean())


def simulated(generator: np.random.Generator, speakers: int, skill: float) -> NDArray[np.int64]:
    """One corpus as a confusion matrix for each speaker [speakers, true, predicted]."""
    own = SPREAD_OF_SPEAKERS * generator.normal(size=(speakers, 1))
    within = SPREAD_WITHIN * generator.normal(size=(speakers, EMOTIONS))
    right = 1 / (1 + np.exp(-(log_odds(skill) + own + within)))
    wrong = (1 - right) / (EMOTIONS - 1)
    shares = np.where(np.eye(EMOTIONS, dtype=np.bool_), right[..., None], wrong[..., None])
    clips = 1 + generator.poisson(CLIPS - 1, size=(speakers, EMOTIONS))
    return np.asarray(generator.multinomial(clips, shares), np.int64)


def by_clip(generator: np.random.Generator, counts: NDArray[np.int64], resamples: int) -> Array:
    """The `uar` of draws of single clips, as if those of a speaker had nothing in common."""
    cells = counts.sum(axis=0).ravel()
    drawn = generator.multinomial(cells.sum(), cells / cells.sum(), size=resamples)
    return uar(drawn.reshape(resamples, EMOTIONS, EMOTIONS))


if __name__ == "__main__":
    main()
