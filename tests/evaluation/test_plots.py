"""Figures: they are written whole, from any thread, and hold what was asked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from affekt.errors import MissingExtraError, UsageError
from affekt.evaluation import Report, confusion_figure, learning_curve_figure, speakers_figure, summarise

LABELS = ["anger", "fear", "neutral"]


def report(speakers: int = 6, right: float = 0.7) -> Report:
    generator = np.random.default_rng(0)
    speaker = np.repeat(np.arange(speakers), 12)
    truth = np.resize(LABELS[:2], speaker.size)
    predicted = np.where(
        generator.random(speaker.size) < right, truth, generator.choice(LABELS, speaker.size)
    )
    table = pd.DataFrame(
        {
            "fold": speaker,
            "file": "clip.wav",
            "speaker": [f"corpus$_/{one}" for one in speaker],
            "corpus": "corpus",
            "emotion": truth,
            "predicted": predicted,
        }
    )
    return summarise(table, LABELS, title="thin $ net", protocol="random (speaker-dependent)", resamples=50)


def pixels(path: Path) -> np.ndarray:
    return np.asarray(matplotlib.image.imread(path))


@pytest.mark.parametrize("draw", [confusion_figure, speakers_figure])
def test_a_figure_depends_on_the_report_and_leaves_only_itself(
    draw: Callable[[Report, Path], None], tmp_path: Path
) -> None:
    draw(report(right=0.9), tmp_path / "good.png")
    draw(report(right=0.3), tmp_path / "poor.png")
    good, poor = pixels(tmp_path / "good.png"), pixels(tmp_path / "poor.png")
    assert good.shape == poor.shape and min(good.shape[:2]) > 400
    assert (good != poor).any(axis=2).sum() > 300
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.png", "poor.png"]


def test_many_speakers_still_fit_on_a_page(tmp_path: Path) -> None:
    speakers_figure(report(speakers=300), tmp_path / "many.png")
    assert pixels(tmp_path / "many.png").shape[0] < 2500


def test_threads_draw_what_one_would_draw_alone(tmp_path: Path) -> None:
    reports = [report(right=share) for share in (0.3, 0.5, 0.7, 0.9)]
    for place, one in enumerate(reports):
        confusion_figure(one, tmp_path / f"alone{place}.png")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(confusion_figure, reports, [tmp_path / f"together{place}.png" for place in range(4)]))
    for place in range(4):
        alone, together = pixels(tmp_path / f"alone{place}.png"), pixels(tmp_path / f"together{place}.png")
        np.testing.assert_array_equal(alone, together)


def test_pyplot_stays_unloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    confusion_figure(report(), tmp_path / "confusion.png")
    assert "matplotlib.pyplot" not in sys.modules


def test_a_learning_curve_is_drawn_from_rows_with_gaps(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"epoch": 1, "train_loss": 1.9, "validation_loss": None, "learning_rate": 1e-3},
        {"epoch": 2, "train_loss": 1.2, "validation_loss": 1.4, "validation_uar": 0.4, "learning_rate": 1e-3},
        {"epoch": 3, "train_loss": 0.9, "validation_loss": 1.5, "validation_uar": 0.5, "learning_rate": 5e-4},
    ]
    learning_curve_figure(rows, tmp_path / "curve.png")
    learning_curve_figure(rows[:2], tmp_path / "shorter.png")
    assert (pixels(tmp_path / "curve.png") != pixels(tmp_path / "shorter.png")).any()
    learning_curve_figure([{"epoch": 1, "train_loss": 2.0}], tmp_path / "first.png")
    assert pixels(tmp_path / "first.png").size


def test_an_empty_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no epochs yet"):
        learning_curve_figure([], tmp_path / "curve.png")
    assert not list(tmp_path.iterdir())


def test_a_missing_matplotlib_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"affekt\[train\]"):
        confusion_figure(report(), tmp_path / "confusion.png")
