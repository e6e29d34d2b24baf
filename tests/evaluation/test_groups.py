"""Groups of speakers: their figures, and the gap between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from affekt.evaluation.bootstrap import Resampling
from affekt.evaluation.groups import age_band, compare_groups
from affekt.evaluation.report import summarise

LABELS = ["anger", "fear", "neutral"]
BY = Resampling(resamples=300)


def table(speakers: int = 16, each: int = 30) -> pd.DataFrame:
    """Women are heard well, men badly; age says nothing."""
    random = np.random.default_rng(4)
    rows = []
    for speaker in range(speakers):
        gender = ("female", "male")[speaker % 2]
        for clip in range(each):
            truth = LABELS[clip % 3]
            right = random.random() < (0.9 if gender == "female" else 0.4)
            predicted = truth if right else LABELS[int(random.integers(3))]
            rows.append((f"x/{speaker}", gender, 20 + 2 * speaker, truth, predicted))
    scored = pd.DataFrame(rows, columns=["speaker", "gender", "age", "emotion", "predicted"])
    return scored.assign(fold="1", corpus="x", file=[f"{at}.wav" for at in range(len(scored))])


def test_a_gap_between_genders_is_found() -> None:
    scored = table()
    gender = compare_groups(scored, LABELS, BY)[0]
    assert (gender.column, gender.best, gender.worst, gender.unknown) == ("gender", "female", "male", 0)
    for group in gender.groups:
        own = scored[scored["gender"] == group.name]
        expected = balanced_accuracy_score(own["emotion"], own["predicted"])
        assert group.uar.value == pytest.approx(expected)
        assert (group.clips, group.speakers) == (240, 8)
    assert gender.gap.value == pytest.approx(gender.groups[0].uar.value - gender.groups[1].uar.value)  # type: ignore[operator]
    assert gender.gap.low is not None and gender.gap.low > 0.1


def test_the_gap_is_over_emotions_that_both_groups_have() -> None:
    scored = table()
    keep = (scored["gender"] == "female") | (scored["emotion"] != "fear")
    gender = compare_groups(scored[keep], LABELS, BY)[0]
    women = scored[(scored["gender"] == "female") & (scored["emotion"] != "fear")]
    men = scored[(scored["gender"] == "male") & (scored["emotion"] != "fear")]
    means = [
        np.mean(
            [(part["predicted"] == label)[part["emotion"] == label].mean() for label in ("anger", "neutral")]
        )
        for part in (women, men)
    ]
    assert gender.gap.value == pytest.approx(means[0] - means[1])


def test_ages_are_put_into_bands_in_their_order() -> None:
    age = compare_groups(table(), LABELS, BY)[1]
    assert [group.name for group in age.groups] == ["18 to 29", "30 to 44", "45 to 59"]
    assert age.gap.low is not None and age.gap.low < age.gap.value  # type: ignore[operator]


@pytest.mark.parametrize(
    ("age", "band"),
    [(17, "under 18"), (18.0, "18 to 29"), ("30", "30 to 44"), (60, "60 and over"), (None, ""),
     (float("nan"), ""), (-1, ""), ("adult", "adult")],
)  # fmt: skip
def test_bands(age: object, band: str) -> None:
    assert age_band(age) == band


def test_speakers_of_two_languages_stand_in_both_groups() -> None:
    scored = table().drop(columns=["gender", "age"])
    scored["language"] = np.where(np.arange(len(scored)) % 2, "de", "fr")
    (language,) = compare_groups(scored, LABELS, BY)
    assert [group.speakers for group in language.groups] == [16, 16]
    assert language.gap.low is not None and language.gap.high is not None
    assert language.gap.low < 0 < language.gap.high


def test_one_group_or_none_is_no_comparison() -> None:
    assert compare_groups(table().assign(gender="male", age=30), LABELS, BY) == ()
    assert compare_groups(table().drop(columns=["gender", "age"]), LABELS, BY) == ()


def test_clips_of_unknown_gender_are_counted_apart() -> None:
    scored = table()
    scored.loc[:9, "gender"] = None
    gender = compare_groups(scored, LABELS, BY)[0]
    assert gender.unknown == 10
    assert sum(group.clips for group in gender.groups) == len(scored) - 10


def test_the_report_tells_of_groups() -> None:
    report = summarise(table(), LABELS, title="x", protocol="loso", resamples=100)
    text = report.to_markdown()
    assert "## By gender: loso" in text
    assert "Gap, female over male" in text
    assert "Largest gap" in text
    assert report.to_json()["by_group"][0]["best"] == "female"
