"""From scores of a cross-validation to a model's temperature and label sets, and what does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affekt import files
from affekt import recipe as recipes
from affekt.config import CalibrationRecord, Threshold
from affekt.errors import UsageError
from affekt.evaluation.label_sets import COVERAGES, threshold
from affekt.evaluation.scored import SCORES, score_matrix, scored_table
from affekt.evaluation.temperature import tempered
from affekt.recipe import Recipe
from affekt.training.calibrate import calibrate, calibrate_from

LABELS = ("anger", "neutral", "sadness")


def table(sharpness: float = 2.0) -> pd.DataFrame:
    """Clips of six speakers, with scores that are too sure."""
    random = np.random.default_rng(3)
    true = random.dirichlet([0.7] * 3, size=300)
    truth = (random.random((300, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(max=2)
    rows = pd.DataFrame({"file": [f"{at}.wav" for at in range(300)], "start": np.nan, "end": np.nan})
    rows = rows.assign(corpus="toy", emotion=[LABELS[at] for at in truth])
    speakers = [f"toy/{at % 6}" for at in range(300)]
    scored = scored_table(rows, speakers, LABELS, tempered(true, 1 / sharpness), "x")
    return scored.assign(fold=[str(at % 3) for at in range(300)])


def run(folder: Path, recipe: Recipe, protocol: str = "speaker-kfold") -> Path:
    """What a cross-validation leaves."""
    scored = table()
    files.write_text(folder / SCORES, scored.to_csv(index=False))
    files.write_json(folder / "report.json", {"protocol": protocol})
    files.write_text(folder / "recipe.yaml", recipes.dump(recipe))
    return folder


def test_thresholds_are_those_of_the_calibrated_scores() -> None:
    scored = table()
    found = calibrate(scored, LABELS)
    assert found.temperature == pytest.approx(2, rel=0.2)
    assert (found.record.clips, found.record.speakers, found.record.source) == (300, 6, "validation speakers")
    scores, truth = score_matrix(scored, LABELS)
    for one in found.record.thresholds:
        expected = threshold(tempered(scores, found.temperature), truth, one.coverage)
        assert one.score == pytest.approx(expected)
    assert [one.coverage for one in found.record.thresholds] == list(COVERAGES)
    assert "300 clips of 6 speakers, temperature" in found.line()


def test_a_cross_validation_says_where_it_differs(tmp_path: Path) -> None:
    recipe = Recipe()
    folder = run(tmp_path / "cv", recipe)
    same = calibrate_from(folder, recipe, LABELS, {"toy"})
    assert same.differs == ()
    assert same.record.source == "out-of-fold scores of cv (speaker-kfold)"
    assert same.temperature == calibrate(table(), LABELS).temperature
    longer = recipe.model_copy(update={"train": recipe.train.model_copy(update={"epochs": 9}), "seed": 4})
    other = calibrate_from(folder, longer, LABELS, {"toy", "more"})
    assert other.differs == ("corpora", "train.epochs")
    assert other.line().endswith("it differs in corpora, train.epochs")
    turned = calibrate_from(folder, recipe, tuple(reversed(LABELS)), {"toy"})
    assert turned.temperature == pytest.approx(same.temperature)


def test_scores_over_a_corpuss_own_classes_are_said_to_be_that(tmp_path: Path) -> None:
    folder = run(tmp_path / "cv", Recipe())
    scored = table()
    kept = scored[scored["emotion"] != "neutral"].assign(score_neutral=0.0, corpus="other")
    pd.concat([scored, kept]).to_csv(folder / SCORES, index=False)
    found = calibrate_from(folder, Recipe(), LABELS, {"toy", "other"})
    assert found.differs == ("classes: each corpus's own alone were compared",)


def test_a_run_of_something_else_is_refused(tmp_path: Path) -> None:
    recipe = Recipe()
    folder = run(tmp_path / "cv", recipe)
    wide = recipe.model_copy(update={"network": recipe.network.model_copy(update={"width": 99})})
    with pytest.raises(UsageError, match=r"another network, network\.width is 16 where the model's is 99"):
        calibrate_from(folder, wide, LABELS, {"toy"})
    with pytest.raises(UsageError, match="same labels"):
        calibrate_from(folder, recipe, ("anger", "fear"), {"toy"})
    heard = run(tmp_path / "heard", recipe, "random (speaker-dependent)")
    with pytest.raises(UsageError, match="tested speakers that it had heard"):
        calibrate_from(heard, recipe, LABELS, {"toy"})
    with pytest.raises(UsageError, match=r"no scores\.csv"):
        calibrate_from(tmp_path, recipe, LABELS, {"toy"})
    (folder / "recipe.yaml").unlink()
    with pytest.raises(UsageError, match=r"no recipe\.yaml"):
        calibrate_from(folder, recipe, LABELS, {"toy"})


@pytest.mark.parametrize(
    "thresholds",
    [
        [(0.8, 0.2), (0.7, 0.1)],
        [(0.8, 0.2), (0.9, 0.3)],
        [(0.8, 0.2), (0.8, 0.2)],
        [(0.001 * at, 0.5) for at in range(1, 300)],
    ],
)
def test_thresholds_that_cannot_be_are_refused(thresholds: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        CalibrationRecord(
            source="x",
            clips=1,
            speakers=1,
            thresholds=[Threshold(coverage=coverage, score=score) for coverage, score in thresholds],
        )


def test_a_coverage_takes_the_next_threshold() -> None:
    thresholds = [Threshold(coverage=0.8, score=0.3), Threshold(coverage=0.9, score=0.1)]
    record = CalibrationRecord(source="x", clips=1, speakers=1, thresholds=thresholds)
    asked = (0.5, 0.8, 0.81, 0.9, 0.91)
    assert [record.threshold(one) for one in asked] == [0.3, 0.3, 0.1, 0.1, None]
