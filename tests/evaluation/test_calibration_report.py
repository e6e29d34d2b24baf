"""Calibration fold by fold: never on whom a fold tests, and better where scores were too sure."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affekt import files
from affekt.errors import UsageError
from affekt.evaluation.bootstrap import Resampling
from affekt.evaluation.calibration_report import CROSS_FITTED, VALIDATION, calibration
from affekt.evaluation.folder import write_report
from affekt.evaluation.report import summarise
from affekt.evaluation.score_plots import reliability_figure
from affekt.evaluation.scored import read_run, score_matrix, scored_table
from affekt.evaluation.temperature import fit_temperature, tempered

LABELS = ("anger", "neutral", "sadness")
BY = Resampling(resamples=200)


def table(seed: int = 0, sharpness: float = 3.0, speakers: int = 12, each: int = 40) -> pd.DataFrame:
    """Clips of twelve speakers in four folds; scores are surer than they may be."""
    random = np.random.default_rng(seed)
    parts = []
    for speaker in range(speakers):
        true = random.dirichlet([0.8] * 3, size=each)
        truth = (random.random((each, 1)) > true.cumsum(axis=1)).sum(axis=1)
        rows = pd.DataFrame(
            {
                "file": [f"{speaker}-{clip}.wav" for clip in range(each)],
                "start": np.nan,
                "end": np.nan,
                "corpus": "toy",
                "emotion": [LABELS[min(at, 2)] for at in truth],
            }
        )
        scores = tempered(true, 1 / sharpness)
        parts.append(scored_table(rows, [f"toy/{speaker}"] * each, LABELS, scores, str(speaker % 4)))
    return pd.concat(parts, ignore_index=True)


def test_scores_that_are_too_sure_are_calibrated() -> None:
    found = calibration(table(), LABELS, BY)
    assert found.fitted == CROSS_FITTED
    assert found.after is not None and found.change is not None and found.temperatures is not None
    assert set(found.temperatures) == {"0", "1", "2", "3"}
    assert all(value == pytest.approx(3, rel=0.2) for value in found.temperatures.values())
    for name in ("ece", "brier", "nll"):
        high = found.change[name].high
        assert high is not None and high < 0, name
    for one in found.coverages:
        assert one.covered.value == pytest.approx(one.asked, abs=0.05)
        assert 1 <= one.labels <= 3


def test_nothing_is_fitted_on_the_clips_that_a_fold_tests() -> None:
    rows = table()
    before = calibration(rows, LABELS, BY)
    # Fold 0's clips get any truth and any scores: its own temperature must not notice.
    tested = rows["fold"] == "0"
    changed = rows.copy()
    random = np.random.default_rng(9)
    changed.loc[tested, "emotion"] = random.choice(LABELS, size=int(tested.sum()))
    columns = [f"score_{label}" for label in LABELS]
    changed.loc[tested, columns] = random.dirichlet([1] * 3, size=int(tested.sum()))
    after = calibration(changed, LABELS, BY)
    assert before.temperatures is not None and after.temperatures is not None
    assert after.temperatures["0"] == before.temperatures["0"]
    assert after.temperatures["1"] != before.temperatures["1"]


def test_validation_speakers_are_taken_where_there_are_some() -> None:
    rows = table()
    held_out = table(seed=5, sharpness=2.0)
    held_out["speaker"] = "held/" + held_out["speaker"]
    found = calibration(rows, LABELS, BY, held_out)
    assert found.fitted == VALIDATION and found.temperatures is not None
    for fold, value in found.temperatures.items():
        own = held_out[held_out["fold"] == fold]
        assert value == fit_temperature(*score_matrix(own, LABELS))


def test_scores_with_a_temperature_already_get_no_second_one() -> None:
    scored = table()
    plain = calibration(scored, LABELS, BY)
    assert plain.after is not None and plain.temperatures is not None
    values, _ = score_matrix(scored, LABELS)
    for fold, temperature in plain.temperatures.items():
        rows = (scored["fold"] == fold).to_numpy()
        values[rows] = tempered(values[rows], temperature)
    columns = [f"score_{label}" for label in LABELS]
    found = calibration(
        scored.assign(**dict(zip(columns, values.T, strict=True))), LABELS, BY, applied=plain.temperatures
    )
    assert found.temperatures == plain.temperatures
    assert found.after is not None
    for name, interval in plain.after.figures.items():
        assert found.after.figures[name].value == pytest.approx(interval.value, abs=1e-3)
        assert found.before.figures[name].value == pytest.approx(plain.before.figures[name].value, abs=1e-3)


def test_folds_that_share_speakers_leave_nothing_to_fit_on() -> None:
    rows = table()
    rows["fold"] = [str(at % 4) for at in range(len(rows))]
    found = calibration(rows, LABELS, BY)
    assert found.after is None and found.fitted.startswith("not fitted")
    assert "not fitted" in summarise(rows, LABELS, title="x", protocol="random").to_markdown()


def test_one_fold_has_its_scores_measured_as_they_are() -> None:
    rows = table()
    rows["fold"] = "all"
    assert calibration(rows, LABELS, BY).after is None


def test_the_report_tells_and_draws_it(tmp_path: Path) -> None:
    rows = table()
    report = summarise(rows, LABELS, title="toy", protocol="speaker-kfold", resamples=200)
    text = report.to_markdown()
    assert "## Scores as probabilities: speaker-kfold" in text
    assert "| with a temperature, cross-fitted |" in text
    assert "| 90% |" in text
    write_report(tmp_path, report, rows)
    for name in ("reliability.png", "risk_coverage.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    plain = json.loads(files.dump_json(report.to_json()))["calibration"]
    assert plain["fitted"] == CROSS_FITTED
    assert plain["after"]["ece"]["value"] < plain["before"]["ece"]["value"]
    assert [one["asked"] for one in plain["coverage"]] == [0.8, 0.9, 0.95]
    assert plain["after"]["risk_coverage"][-1][0] == 1
    run = read_run(tmp_path)
    assert (run.labels, run.protocol, len(run.table)) == (LABELS, "speaker-kfold", len(rows))
    again = calibration(run.table, run.labels, BY)
    assert again.temperatures == pytest.approx(calibration(rows, LABELS, BY).temperatures)


def test_a_table_without_scores_has_no_such_section(tmp_path: Path) -> None:
    rows = table().drop(columns="score_anger")
    report = summarise(rows, LABELS, title="toy", protocol="loso", resamples=50)
    assert report.calibration is None
    with pytest.raises(UsageError, match="no scores"):
        reliability_figure(report, tmp_path / "figure.png")


def test_small_scores_keep_their_logarithm() -> None:
    rows = pd.DataFrame({"file": ["a"], "start": 0.0, "end": 1.0, "corpus": "x", "emotion": "anger"})
    scores = np.array([[1.23456789e-9, 1 - 1.23456789e-9, 0.0]])
    scored = scored_table(rows, ["x/1"], LABELS, scores, "1")
    assert scored["score_anger"].tolist() == [1.23457e-9]
    assert scored["score_sadness"].tolist() == [0.0]


@pytest.mark.parametrize("damage", ["missing", "columns", "report", "text"])
def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, damage: str) -> None:
    rows = table(speakers=4, each=5)
    rows.to_csv(tmp_path / "scores.csv", index=False)
    (tmp_path / "report.json").write_text('{"protocol": "loso"}')
    path = tmp_path / "scores.csv"
    if damage == "missing":
        path.unlink()
    elif damage == "columns":
        rows.drop(columns="speaker").to_csv(path)
    elif damage == "report":
        (tmp_path / "report.json").write_text("[]")
    else:
        path.write_bytes(b"")
    with pytest.raises(UsageError) as caught:
        read_run(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
