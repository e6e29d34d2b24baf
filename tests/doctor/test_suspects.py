"""Confident learning: by hand, on planted label errors, and from the folder of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affekt import corpora
from affekt.doctor import check_corpus
from affekt.doctor.subjects import Subject
from affekt.doctor.suspects import Floats, Ints, confident_joint, doubts, examine_doubts, run_doubts
from affekt.errors import UsageError

NAMES = ("anger", "fear", "sadness")


def scored(clips: int, seed: int, skill: float) -> tuple[Floats, Ints]:
    """Scores of a model of some skill, and true labels."""
    random = np.random.default_rng(seed)
    labels = random.integers(3, size=clips)
    logits = random.normal(0, 1, (clips, 3))
    logits[np.arange(clips), labels] += skill
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return scores, labels


def test_the_confident_joint_by_hand() -> None:
    scores = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.85, 0.15]])
    labels = np.array([0, 0, 1, 1, 1])
    # The thresholds are 0.8 and (0.8 + 0.6 + 0.15) / 3: the second clip is sure of nothing.
    counts, likely = confident_joint(scores, labels)
    assert likely.tolist() == [0, -1, 1, 1, 0]
    assert counts.tolist() == [[1, 0], [1, 2]]


@pytest.mark.parametrize("seed", range(8))
def test_changed_labels_are_found_and_sound_ones_left(seed: int) -> None:
    scores, labels = scored(300, seed, 6.0)
    given_labels = labels.copy()
    changed = np.random.default_rng(seed).choice(300, 15, replace=False)
    given_labels[changed] = (labels[changed] + 1) % 3
    found = doubts(scores, given_labels, NAMES, list(range(300)), "a model")
    first = {one.row for one in found.suspects[:15]}
    assert len(first & set(changed.tolist())) >= 10
    margins = [one.other - one.given for one in found.suspects]
    assert np.all(np.diff(margins) < 1e-3)


def test_a_model_that_knows_nothing_doubts_nothing() -> None:
    scores, labels = scored(200, 0, 0.2)
    found = doubts(scores, labels, NAMES, list(range(200)), "a model")
    table = pd.DataFrame({"file": [f"{at}.wav" for at in range(200)]})
    assert not list(examine_doubts(Subject(table), found))


def test_classes_that_are_absent_are_never_suggested() -> None:
    scores, labels = scored(50, 1, 3.0)
    labels[labels == 2] = 0
    _, likely = confident_joint(scores, labels)
    assert 2 not in likely


@pytest.fixture
def run(tmp_path: Path, data_root: Path) -> tuple[str, Path]:
    """A corpus, and a cross-validation on it that is sure of all but one of its labels."""
    source = f"emodb:{data_root / 'emodb'}"
    table = corpora.load(source)
    names = sorted(table["emotion"].unique())
    rows = table[["file", "start", "end", "corpus", "emotion", "speaker"]].assign(fold="x", predicted="x")
    for name in names:
        rows[f"score_{name}"] = np.where(table["emotion"] == name, 0.94, 0.01)
    rows.loc[7, [f"score_{name}" for name in names]] = 0.01
    other = next(name for name in names if name != rows.loc[7, "emotion"])
    rows.loc[7, f"score_{other}"] = 0.94
    rows.to_csv(tmp_path / "scores.csv", index=False)
    (tmp_path / "report.json").write_text(json.dumps({"protocol": "loso"}))
    return source, tmp_path


def test_the_scores_of_a_run_doubt_a_label(run: tuple[str, Path]) -> None:
    source, folder = run
    subject = Subject(corpora.load(source))
    found = run_doubts(subject, folder)
    assert [one.row for one in found.suspects] == [7]
    (finding,) = examine_doubts(subject, found)
    assert (finding.severity, finding.files) == ("warning", (subject.files[7],))


def test_scores_of_other_clips_or_of_one_model_are_refused(run: tuple[str, Path], data_root: Path) -> None:
    _, folder = run
    with pytest.raises(UsageError, match="scored none of these clips"):
        run_doubts(Subject(corpora.load(f"nemo:{data_root / 'nemo'}")), folder)
    (folder / "report.json").write_text(json.dumps({"protocol": "fixed model"}))
    with pytest.raises(UsageError, match="may have learnt these labels"):
        run_doubts(Subject(corpora.load(run[0])), folder)
    with pytest.raises(UsageError, match="leave --quick out"):
        check_corpus(run[0], quick=True, scores=folder)
