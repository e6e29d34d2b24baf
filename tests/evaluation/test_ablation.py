"""Ablations: figures agree with the metrics they come from, and a difference is one on the same speakers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affekt.errors import UsageError
from affekt.evaluation import paired_cluster_bootstrap, uar
from affekt.evaluation.ablation import ablation
from affekt.evaluation.metrics import confusion
from affekt.evaluation.plots import ablation_figure

LABELS = ("anger", "sadness")


def scored(right: float, seed: int) -> pd.DataFrame:
    """Clips of six speakers, so many of them right."""
    rng = np.random.default_rng([seed, round(100 * right)])
    truth = np.array([LABELS[at % 2] for at in range(120)])
    wrong = np.where(truth == "anger", "sadness", "anger")
    return pd.DataFrame(
        {
            "corpus": "toy",
            "file": [f"{at}.wav" for at in range(120)],
            "start": np.nan,
            "speaker": [f"toy/s{at // 20}" for at in range(120)],
            "emotion": truth,
            "predicted": np.where(rng.random(120) < right, truth, wrong),
        }
    )


def test_a_condition_is_the_mean_over_its_seeds() -> None:
    runs = {"plain": [scored(0.6, 0), scored(0.6, 1)], "better": [scored(0.9, 0), scored(0.9, 1)]}
    found = ablation(runs, LABELS, [("better", "plain")], title="t", protocol="loso")
    for condition in found.conditions:
        each = [
            float(uar(confusion(one["emotion"], one["predicted"], LABELS))) for one in runs[condition.name]
        ]
        assert condition.seeds == pytest.approx(each)
        assert condition.metrics["uar"].value == pytest.approx(np.mean(each))
    gap = found.differences[0].uar
    plain, better = (one.metrics["uar"].value for one in found.conditions)
    assert plain is not None and better is not None
    assert gap.value == pytest.approx(better - plain)
    assert gap.low is not None and gap.low > 0


def test_one_seed_gives_the_paired_bootstrap() -> None:
    one, other = scored(0.9, 0), scored(0.7, 0)
    found = ablation({"a": [one], "b": [other]}, LABELS, [("a", "b")], title="t", protocol="loso")
    expected = paired_cluster_bootstrap(
        one["emotion"], one["predicted"], other["predicted"], one["speaker"], LABELS, uar
    )
    assert found.differences[0].uar == expected


def test_a_condition_against_itself_differs_by_nothing() -> None:
    found = ablation({"a": [scored(0.8, 0)]}, LABELS, [("a", "a")], title="t", protocol="loso")
    assert (found.differences[0].uar.low, found.differences[0].uar.high) == (0, 0)


def test_other_clips_and_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="did not score the same clips"):
        ablation({"a": [scored(0.8, 0)], "b": [scored(0.8, 0)[:100]]}, LABELS, [], title="t", protocol="p")
    with pytest.raises(UsageError, match="no condition is named c"):
        ablation({"a": [scored(0.8, 0)]}, LABELS, [("a", "c")], title="t", protocol="p")


def test_the_tables_the_figure_and_the_flat_figures_say_the_same(tmp_path: Path) -> None:
    runs = {"plain": [scored(0.6, 0)], "more data": [scored(0.9, 0)]}
    found = ablation(runs, LABELS, [("more data", "plain")], title="t", protocol="loso")
    flat = found.to_figures("toy")
    assert flat["toy.more_data.uar"] == found.to_json()["conditions"][1]["uar"]["value"]
    assert f"| more data | {flat['toy.more_data.uar']:.3f} [" in found.to_markdown()
    assert f"| more data over plain | {flat['toy.more_data-plain.uar']:+.3f} [" in found.to_markdown()
    ablation_figure(found, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
