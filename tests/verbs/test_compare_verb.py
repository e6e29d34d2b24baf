"""`affekt compare`: the same clips or none, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import affekt
from affekt import cli, files
from affekt.errors import UsageError
from affekt.evaluation.report import summarise
from affekt.evaluation.scored import SCORES, scored_table

LABELS = ("anger", "neutral", "sadness")


def run(folder: Path, skill: float, clips: int = 90, times: bool = False) -> Path:
    """A run over six speakers that is right on this share of the clips."""
    truth = np.random.default_rng(0).integers(3, size=90)[:clips]
    random = np.random.default_rng(round(100 * skill))
    said = np.where(random.random(clips) < skill, truth, (truth + 1) % 3)
    rows = pd.DataFrame({"file": [f"{at:02}.wav" for at in range(clips)]})
    rows = rows.assign(start=0.5 if times else np.nan, end=1.5 if times else np.nan, corpus="toy")
    rows["emotion"] = [LABELS[at] for at in truth]
    scores = np.full((clips, 3), 0.2) + 0.4 * np.eye(3)[said]
    scored = scored_table(rows, [f"toy/{at % 6}" for at in range(clips)], LABELS, scores, "1")
    scored = scored.sample(frac=1, random_state=round(100 * skill))
    report = summarise(scored, LABELS, title="x", protocol="loso", resamples=20)
    files.write_text(folder / SCORES, scored.to_csv(index=False))
    files.write_json(folder / "report.json", report.to_json())
    return folder


def test_runs_are_compared_clip_by_clip_whatever_their_order(tmp_path: Path) -> None:
    good, bad = run(tmp_path / "good", 0.95, times=True), run(tmp_path / "bad", 0.5, times=True)
    found = affekt.compare([bad, good], resamples=200)
    assert [one.name for one in found.systems] == ["good", "bad"]
    assert (found.clips, found.speakers, found.left_out) == (90, 6, 0)
    for one in found.systems:
        report = json.loads((tmp_path / one.name / "report.json").read_text())
        assert one.figures["uar"].value == pytest.approx(report["pooled"]["uar"]["value"])
    assert found.pairs[0].p == pytest.approx(2 / 64)


def test_other_clips_are_refused_unless_asked_for(tmp_path: Path) -> None:
    whole, part = run(tmp_path / "whole", 0.9), run(tmp_path / "part", 0.8, clips=80)
    with pytest.raises(UsageError, match=r"part lacks 10: toy/80\.wav, toy/81\.wav.*--intersection"):
        affekt.compare([whole, part])
    found = affekt.compare([whole, part], intersection=True, resamples=50)
    assert (found.clips, found.left_out) == (80, 10)
    assert "10 clips not scored by all" in found.to_markdown()


@pytest.mark.parametrize(("column", "value"), [("emotion", "neutral"), ("speaker", "toy/9")])
def test_runs_that_disagree_on_a_clip_are_refused(tmp_path: Path, column: str, value: str) -> None:
    one, other = run(tmp_path / "one", 0.9), run(tmp_path / "other", 0.8)
    table = pd.read_csv(other / "scores.csv")
    table.loc[table["file"] == "07.wav", column] = value
    if column == "emotion":
        table.loc[table["file"] == "07.wav", column] = (
            "anger"
            if pd.read_csv(one / "scores.csv").set_index("file")["emotion"]["07.wav"] != "anger"
            else value
        )
    table.to_csv(other / "scores.csv", index=False)
    with pytest.raises(UsageError, match=rf"{column} of 1 clips differs, first of toy/07\.wav"):
        affekt.compare([one, other])


def test_clips_without_a_place_of_their_own_are_refused(tmp_path: Path) -> None:
    one, other = run(tmp_path / "one", 0.9), run(tmp_path / "other", 0.8)
    table = pd.read_csv(other / "scores.csv")
    pd.concat([table, table[:1]]).to_csv(other / "scores.csv", index=False)
    with pytest.raises(UsageError, match="more than once"):
        affekt.compare([one, other])
    with pytest.raises(UsageError, match="given twice"):
        affekt.compare([one, one])
    with pytest.raises(UsageError, match="two or more"):
        affekt.compare([one])


def test_the_command_writes_tables_and_a_figure(tmp_path: Path) -> None:
    folders = [
        str(run(tmp_path / part / "cv", skill)) for part, skill in (("a", 0.9), ("b", 0.7), ("c", 0.6))
    ]
    out = tmp_path / "out"
    done = CliRunner().invoke(
        cli.app, ["compare", *folders, "-o", str(out), "--json", str(tmp_path / "x.json")]
    )
    assert done.exit_code == 0, done.exception
    assert (out / "comparison.md").read_text().strip() == done.stdout.strip()
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    plain = json.loads((tmp_path / "x.json").read_text())
    assert plain == json.loads((out / "comparison.json").read_text())
    assert {one["name"] for one in plain["systems"]} == {"a/cv", "b/cv", "c/cv"}
    assert len(plain["pairs"]) == 3
