"""Reports: the figures in them, and how they are written."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from affekt import files
from affekt.errors import UsageError
from affekt.evaluation import Report, cluster_bootstrap, summarise, uar

LABELS = ["anger", "fear", "neutral", "sadness"]


def scored_table(corpora: int = 2) -> pd.DataFrame:
    """Eight speakers per corpus, two per fold; `sadness` is acted by one speaker, `boredom` by none."""
    generator = np.random.default_rng(5)
    rows = []
    for corpus in ("emodb", "nemo")[:corpora]:
        for speaker in range(8):
            for clip in range(18):
                truth = LABELS[clip % 3]
                if corpus == "emodb" and speaker == 3 and clip in {0, 2}:
                    truth = "sadness"
                guess = str(generator.choice(LABELS))
                predicted = truth if generator.random() < 0.3 + 0.08 * speaker else guess
                rows.append(
                    (speaker // 2, f"{speaker}_{clip}.wav", f"{corpus}/{speaker}", corpus, truth, predicted)
                )
    return pd.DataFrame(rows, columns=["fold", "file", "speaker", "corpus", "emotion", "predicted"])


@pytest.fixture(scope="module")
def report() -> Report:
    return summarise(
        scored_table(),
        [*LABELS, "boredom"],
        title="resnet-stats",
        protocol="random (speaker-dependent)",
        seed=3,
    )


def test_pooled_figures_and_their_intervals_are_those_of_the_metrics(report: Report) -> None:
    table = scored_table()
    truth, predicted = table["emotion"], table["predicted"]
    assert report.pooled["wa"].value == pytest.approx(accuracy_score(truth, predicted), abs=1e-12)
    assert report.pooled["macro_f1"].value == pytest.approx(
        f1_score(truth, predicted, average="macro"), abs=1e-12
    )
    alone = cluster_bootstrap(truth, predicted, table["speaker"], report.labels, uar, seed=3)
    assert report.pooled["uar"] == alone
    np.testing.assert_array_equal(
        report.confusion, confusion_matrix(truth, predicted, labels=[*LABELS, "boredom"])
    )
    assert (report.clips, report.speakers, len(report.folds)) == (288, 16, 4)


def test_mean_and_spread_are_over_folds(report: Report) -> None:
    each = [
        float(
            recall_score(rows["emotion"], rows["predicted"], labels=rows["emotion"].unique(), average="macro")
        )
        for _, rows in scored_table().groupby("fold")
    ]
    assert report.over_folds["uar"].mean == pytest.approx(statistics.mean(each), abs=1e-12)
    assert report.over_folds["uar"].sd == pytest.approx(statistics.stdev(each), abs=1e-12)
    assert [fold.uar for fold in report.folds] == pytest.approx(each, abs=1e-12)


def test_recall_is_none_for_a_class_without_clips_and_has_no_interval_for_one_speaker(report: Report) -> None:
    assert report.recall["boredom"].value is None
    sadness = report.recall["sadness"]
    assert sadness.value is not None
    assert (sadness.low, sadness.high, sadness.reason) == (None, None, "one speaker only")
    anger = report.recall["anger"]
    assert anger.low is not None and anger.value is not None and anger.high is not None
    assert anger.low < anger.value < anger.high


def test_speakers_and_corpora_have_their_own_rows(report: Report) -> None:
    table = scored_table()
    rows = table[table["speaker"] == "nemo/6"]
    (group,) = [group for group in report.per_speaker if group.name == "nemo/6"]
    assert (group.clips, group.speakers) == (18, 1)
    assert group.wa == pytest.approx(accuracy_score(rows["emotion"], rows["predicted"]), abs=1e-12)
    assert [(group.name, group.clips, group.speakers) for group in report.per_corpus] == [
        ("emodb", 144, 8),
        ("nemo", 144, 8),
    ]
    single = summarise(scored_table(corpora=1), LABELS, title="x", protocol="loso")
    assert single.per_corpus == ()


def test_baselines_are_those_of_systems_that_do_not_listen(report: Report) -> None:
    truth = scored_table()["emotion"]
    majority, chance = report.baselines
    guesser = DummyClassifier(strategy="most_frequent").fit(np.zeros((len(truth), 1)), truth)
    guess = guesser.predict(np.zeros((len(truth), 1)))
    assert majority.name == "majority class (fear)"
    assert majority.wa == pytest.approx(accuracy_score(truth, guess), abs=1e-12)
    assert majority.uar == pytest.approx(1 / 4)
    assert majority.macro_f1 == pytest.approx(
        f1_score(truth, guess, average="macro", zero_division=0), abs=1e-12
    )
    assert (chance.wa, chance.uar, chance.macro_f1) == (1 / 5, 1 / 5, None)


def test_json_is_strict_and_complete(report: Report) -> None:
    plain = json.loads(files.dump_json(report.to_json()))
    assert plain["protocol"] == "random (speaker-dependent)"
    assert plain["pooled"]["uar"] == {
        "value": report.pooled["uar"].value,
        "low": report.pooled["uar"].low,
        "high": report.pooled["uar"].high,
    }
    assert plain["recall"]["boredom"]["value"] is None
    assert plain["recall"]["boredom"]["reason"] == "not defined: no such clips"
    assert plain["baselines"][1]["macro_f1"] is None
    assert sum(map(sum, plain["confusion"])) == plain["clips"]


def test_figures_are_flat_under_a_prefix(report: Report) -> None:
    figures = report.to_figures("emodb.loso")
    assert sorted(figures) == sorted(
        f"emodb.loso.{metric}{end}" for metric in ("wa", "uar", "macro_f1") for end in ("", ".low", ".high")
    )
    one = scored_table(corpora=1).query("speaker == 'emodb/1'")
    assert "x.uar.low" not in summarise(one, LABELS, title="x", protocol="loso").to_figures("x")


def test_markdown_names_the_protocol_above_every_table(report: Report) -> None:
    sections = report.to_markdown().split("\n## ")
    assert len(sections) == 6
    assert all("random (speaker-dependent)" in section.splitlines()[0] for section in sections[1:])
    value = report.pooled["uar"]
    assert value.value is not None and value.low is not None and value.high is not None
    assert f"| {value.value:.3f} [{value.low:.2f}, {value.high:.2f}] |" in sections[1]
    assert "| majority class (fear) |" in sections[1]
    assert "| chance (uniform guess) | 0.200 | 0.200 | – |" in sections[1]
    assert "| boredom | 0 | – (not defined: no such clips) |" in sections[2]
    assert "(one speaker only) |" in sections[2]


def test_markdown_tables_are_rectangular_even_with_a_bar_in_a_name() -> None:
    table = scored_table(corpora=1)
    table["speaker"] = table["speaker"].str.replace("/", "|")
    text = summarise(table, LABELS, title="a|b", protocol="loso").to_markdown()
    for section in text.split("\n## ")[1:]:
        lines = [line for line in section.splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_one_fold_has_no_spread_and_no_row_for_it() -> None:
    single = summarise(scored_table().query("fold == 0"), LABELS, title="x", protocol="fixed")
    assert single.over_folds["wa"].sd is None
    assert "mean over folds" not in single.to_markdown()
    assert "4 speakers, 1 fold." in single.to_markdown()


def test_categorical_columns_make_no_empty_groups() -> None:
    table = scored_table().astype({"speaker": "category", "emotion": "category", "corpus": "category"})
    part = summarise(table[table["corpus"] == "emodb"], LABELS, title="x", protocol="loso")
    assert part.speakers == len(part.per_speaker) == 8


def test_the_order_of_the_rows_does_not_matter(report: Report) -> None:
    shuffled = scored_table().sample(frac=1, random_state=1)
    again = summarise(shuffled, report.labels, title=report.title, protocol=report.protocol, seed=report.seed)
    assert again == report


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns=["speaker", "fold"]), "no column fold, speaker"),
        (lambda table: table.iloc[:0], "no rows"),
        (lambda table: table.assign(speaker=None), "column speaker is empty in 288 rows"),
        (lambda table: table.assign(predicted="angr"), "did you mean 'anger'"),
    ],
)
def test_a_table_that_cannot_be_scored_is_refused(change: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        summarise(change(scored_table()), LABELS, title="x", protocol="loso")


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, affekt.evaluation; "
        "sys.exit(bool({'pandas', 'matplotlib', 'sklearn', 'torch', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
