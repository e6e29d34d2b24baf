"""Folds: speakers apart, every clip tested once, the same for any order of rows; planted leaks refused."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt import corpora, splits
from affekt.errors import SplitError, UsageError
from affekt.splits import Fold, Folds

EMOTIONS = ["anger", "happiness", "neutral", "sadness"]


def table_of(speakers: int, clips: int = 8, corpus: str = "x") -> pd.DataFrame:
    rows = [
        {
            "file": f"{corpus}/{speaker:02d}_{clip}.wav",
            "speaker": f"{speaker:02d}",
            "corpus": corpus,
            "emotion": EMOTIONS[clip % 4],
            "gender": ["female", "male"][speaker % 2],
            "session": f"Ses{speaker // 2}",
        }
        for speaker in range(speakers)
        for clip in range(clips)
    ]
    return pd.DataFrame(rows)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """One to three corpora of 2 to 7 speakers with uneven numbers of clips, classes and genders."""
    rows = []
    for corpus in draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)):
        for speaker in range(draw(st.integers(2, 7))):
            gender = draw(st.sampled_from(["female", "male", None]))
            for clip in range(draw(st.integers(1, 5))):
                emotion = draw(st.sampled_from([*EMOTIONS, None]))
                rows.append((f"{corpus}{speaker}_{clip}.wav", corpus, f"{speaker}", gender, emotion))
    return pd.DataFrame(rows, columns=["file", "corpus", "speaker", "gender", "emotion"], dtype=object)


def parts(fold: Fold) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    return [fold.train, fold.validation, fold.test]


def by_name(table: pd.DataFrame, folds: Folds) -> list[tuple[str, list[set[str]]]]:
    return [(fold.name, [set(table["file"].iloc[part]) for part in parts(fold)]) for fold in folds.folds]


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from(["loso", "speaker-kfold"]), st.sampled_from([0, 0.2, 1]), st.integers(0, 3))
def test_folds_partition_the_rows_and_keep_speakers_apart(
    table: pd.DataFrame, protocol: str, validation: float, seed: int
) -> None:
    keys = corpora.speaker_key(table)
    validation = validation if keys.nunique() > 3 else 0
    count = min(3, keys.nunique())
    made = splits.make_folds(table, protocol, count=count, validation_speakers=validation, seed=seed)
    for fold in made.folds:
        assert sorted(np.concatenate(parts(fold)).tolist()) == list(range(len(table)))
        heard = [set(keys.iloc[part]) for part in parts(fold)]
        assert not (heard[0] & heard[1] or heard[0] & heard[2] or heard[1] & heard[2])
        assert heard[0]
        assert heard[2]
        assert bool(heard[1]) == bool(validation)
    tested = np.concatenate([fold.test for fold in made.folds])
    assert sorted(tested.tolist()) == list(range(len(table)))


@settings(max_examples=40, deadline=None)
@given(tables(), st.sampled_from(["loso", "speaker-kfold", "random"]), st.integers(0, 3), st.randoms())
def test_folds_do_not_depend_on_the_order_of_rows(
    table: pd.DataFrame, protocol: str, seed: int, random: Random
) -> None:
    order = list(range(len(table)))
    random.shuffle(order)
    shuffled = table.iloc[order].reset_index(drop=True)
    made = [
        splits.make_folds(
            some, protocol, count=2, validation_speakers=0, seed=seed, speaker_dependent=protocol == "random"
        )
        for some in (table, shuffled, table)
    ]
    assert by_name(table, made[0]) == by_name(shuffled, made[1]) == by_name(table, made[2])


def test_the_validation_speakers_do_not_depend_on_the_order_of_rows() -> None:
    table = table_of(9)
    turned = table.iloc[::-1].reset_index(drop=True)
    for seed in range(5):
        made = [splits.make_folds(some, "loso", seed=seed) for some in (table, turned)]
        assert by_name(table, made[0]) == by_name(turned, made[1])


def test_the_seed_chooses_the_validation_speakers_and_the_groups() -> None:
    table = table_of(12)
    watched = {tuple(splits.make_folds(table, "loso", seed=seed).folds[0].validation) for seed in range(8)}
    grouped = {tuple(splits.make_folds(table, "speaker-kfold", seed=seed).folds[0].test) for seed in range(8)}
    assert len(watched) > 3
    assert len(grouped) > 3


def test_loso_names_its_folds_by_speaker_and_watches_a_fifth_of_the_others() -> None:
    table = table_of(11)
    made = splits.make_folds(table, "loso")
    assert [fold.name for fold in made.folds] == [f"x/{speaker:02d}" for speaker in range(11)]
    assert made.title == "loso"
    for fold in made.folds:
        watched = table.iloc[fold.validation]
        assert watched["speaker"].nunique() == 2
        assert watched["gender"].nunique() == 2


@pytest.mark.parametrize(("asked", "watched"), [(0, 0), (1, 1), (3, 3), (0.01, 1), (0.5, 5)])
def test_validation_speakers_are_a_share_or_a_number(asked: float, watched: int) -> None:
    fold = splits.train_validation(table_of(10), asked)
    assert len(fold.validation) == watched * 8
    assert len(fold.test) == 0


@pytest.mark.parametrize("asked", [-0.1, 1.5, 10, 99])
def test_impossible_numbers_of_validation_speakers_are_refused(asked: float) -> None:
    with pytest.raises(SplitError, match="validation"):
        splits.train_validation(table_of(10), asked)


def test_kfold_balances_clips_genders_and_corpora() -> None:
    uneven = pd.concat([table_of(10, 8, "a"), table_of(5, 40, "b")], ignore_index=True)
    made = splits.make_folds(uneven, "speaker-kfold", count=5)
    for fold in made.folds:
        tested = uneven.iloc[fold.test].drop_duplicates(["corpus", "speaker"])
        assert tested["corpus"].tolist().count("a") == 2
        assert tested["corpus"].tolist().count("b") == 1
        assert tested["gender"].nunique() == 2


def test_kfold_of_real_speech_is_even(data_root: Path) -> None:
    table = corpora.load(f"emodb:{data_root / 'emodb'}")
    sizes = [len(fold.test) for fold in splits.make_folds(table, "speaker-kfold", count=5).folds]
    assert max(sizes) - min(sizes) <= 0.25 * np.mean(sizes)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_more_folds_than_speakers_are_refused(count: int) -> None:
    with pytest.raises(SplitError, match=f"{count} folds of 4 speakers"):
        splits.make_folds(table_of(4), "speaker-kfold", count=count)


def test_sessions_are_left_out_one_by_one() -> None:
    table = table_of(10)
    made = splits.make_folds(table, "session")
    assert [fold.name for fold in made.folds] == [f"x/Ses{number}" for number in range(5)]
    assert all(table.iloc[fold.test]["session"].nunique() == 1 for fold in made.folds)
    with pytest.raises(SplitError, match="no session"):
        splits.make_folds(table.drop(columns="session"), "session")


def test_a_speaker_in_two_sessions_is_a_leak() -> None:
    table = table_of(6)
    table.loc[0, "session"] = "Ses2"
    with pytest.raises(SplitError, match="speaker 'x/00'"):
        splits.make_folds(table, "session", validation_speakers=0)


def test_the_official_ravdess_folds_are_the_published_ones(data_root: Path) -> None:
    table = corpora.load(f"ravdess:{data_root / 'ravdess'}")
    made = splits.make_folds(table, "official")
    first = made.folds[0]
    assert sorted(table["speaker"].iloc[first.test].unique()) == ["02", "05", "14", "15", "16"]
    assert sorted(table["speaker"].iloc[first.validation].unique()) == ["03", "06"]
    assert [len(fold.test) for fold in made.folds] == [300, 300, 300, 300, 240]
    assert [len(fold.validation) for fold in made.folds] == [120] * 5
    unwatched = splits.make_folds(table, "official", validation_speakers=0)
    assert [len(fold.validation) for fold in unwatched.folds] == [0] * 5
    assert len(unwatched.folds[0].train) == 1140


def test_official_needs_published_folds_and_known_speakers() -> None:
    with pytest.raises(SplitError, match="emodb has no published folds"):
        splits.make_folds(table_of(4, corpus="emodb"), "official")
    with pytest.raises(SplitError, match="speaker '00' stands in no published fold of ravdess"):
        splits.make_folds(table_of(4, corpus="ravdess"), "official")
    with pytest.raises(SplitError, match="no clips to test"):
        splits.make_folds(table_of(4, corpus="ravdess").query("speaker != '00'"), "official")


def test_fixed_follows_the_column_and_official_falls_back_on_it() -> None:
    table = table_of(4)
    table["split"] = table["speaker"].map({"00": "train", "01": "Train", "02": "dev", "03": "test"})
    for protocol in ("fixed", "official"):
        (fold,) = splits.make_folds(table, protocol).folds
        assert [sorted(set(table["speaker"].iloc[part])) for part in parts(fold)] == [
            ["00", "01"],
            ["02"],
            ["03"],
        ]


def test_fixed_without_validation_takes_it_from_the_training_speakers() -> None:
    table = table_of(6)
    table["split"] = ["test" if speaker == "05" else "train" for speaker in table["speaker"]]
    (fold,) = splits.make_folds(table, "fixed").folds
    assert set(table["speaker"].iloc[fold.test]) == {"05"}
    assert table["speaker"].iloc[fold.validation].nunique() == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "extra"], "'extra'"),
        (["train", ""], "''"),
        (["train", "dev"], "no 'test'"),
        (["test", "dev"], "no 'train'"),
    ],
)
def test_fixed_refuses_other_words_and_missing_parts(words: list[str], message: str) -> None:
    table = table_of(2)
    table["split"] = table["speaker"].map(dict(zip(("00", "01"), words, strict=True)))
    with pytest.raises(SplitError, match=message):
        splits.make_folds(table, "fixed")


def test_random_must_be_asked_for_and_says_what_it_is() -> None:
    table = table_of(4)
    with pytest.raises(SplitError, match="--speaker-dependent"):
        splits.make_folds(table, "random")
    made = splits.make_folds(table, "random", count=4, speaker_dependent=True)
    assert made.title == "random (speaker-dependent)"
    assert sorted(np.concatenate([fold.test for fold in made.folds]).tolist()) == list(range(32))
    for fold in made.folds:
        assert table.iloc[fold.test]["emotion"].value_counts().tolist() == [2, 2, 2, 2]
        assert len(fold.validation) == 4
        assert len(fold.train) == 20


def test_speaker_dependent_changes_nothing_where_speakers_are_apart_anyway() -> None:
    table = table_of(5)
    made = splits.make_folds(table, "loso", speaker_dependent=True)
    assert (made.title, made.speaker_dependent) == ("loso", False)


def test_random_keeps_segments_and_copies_of_a_recording_together(tmp_path: Path) -> None:
    table = table_of(3)
    table["file"] = [f"{position // 2}.wav" for position in range(len(table))]
    table["path"] = [str(tmp_path / name) for name in table["file"]]
    for number in range(12):
        (tmp_path / f"{number}.wav").write_text(str(number // 2))
    made = splits.make_folds(table, "random", count=3, speaker_dependent=True)
    for fold in made.folds:
        held = [{position // 4 for position in part.tolist()} for part in parts(fold)]
        assert not (held[0] & held[1] or held[0] & held[2] or held[1] & held[2])


def fold_of(train: list[int], validation: list[int], test: list[int]) -> Fold:
    return Fold("planted", *(np.array(part, dtype=np.int64) for part in (train, validation, test)))


@pytest.mark.parametrize(
    ("fold", "where"),
    [
        (fold_of([0, 1], [], [2, 8]), "train and test"),
        (fold_of([0, 1], [2], [8]), "train and validation"),
        (fold_of([8], [0, 1], [2]), "validation and test"),
    ],
)
def test_a_planted_speaker_is_refused_by_name(fold: Fold, where: str) -> None:
    with pytest.raises(SplitError, match=f"fold 'planted': speaker 'x/00' is in {where}"):
        splits.check_leaks(table_of(3), fold)
    splits.check_leaks(table_of(3), fold, speaker_dependent=True)


def test_a_speaker_under_two_spellings_is_refused() -> None:
    table = table_of(2)
    table["speaker"] = ["Anna"] * 8 + ["anna "] * 8
    with pytest.raises(SplitError, match="speaker 'x/Anna'"):
        splits.check_leaks(table, fold_of(list(range(8)), [], list(range(8, 16))))


def test_segments_of_one_recording_in_two_parts_are_refused() -> None:
    table = table_of(2)
    table["file"] = "meeting.wav"
    with pytest.raises(SplitError, match=r"file 'meeting\.wav' is in train and test"):
        splits.check_leaks(table, fold_of(list(range(8)), [], list(range(8, 16))))


def test_the_same_audio_under_two_names_is_refused(tmp_path: Path) -> None:
    table = table_of(2, clips=1)
    table["path"] = [str(tmp_path / name) for name in ("one.wav", "two.wav")]
    for path, last in zip(table["path"], ("A", "A"), strict=True):
        Path(path).write_text("a" * 20_000 + last)
    with pytest.raises(SplitError, match=r"two\.wav' in train and '.*one\.wav' in test are the same audio"):
        splits.make_folds(table, "loso", validation_speakers=0)
    Path(table["path"].iloc[1]).write_text("a" * 20_000 + "B")
    assert len(splits.make_folds(table, "loso", validation_speakers=0).folds) == 2


def test_unknown_speakers_stop_unless_allowed() -> None:
    table = table_of(3)
    table.loc[[4, 9], "speaker"] = None
    for protocol in ("loso", "speaker-kfold", "session"):
        with pytest.raises(SplitError, match="2 rows have no speaker"):
            splits.make_folds(table, protocol)
    with pytest.raises(SplitError, match="no speaker"):
        splits.train_validation(table)
    made = splits.make_folds(table, "loso", allow_unknown_speakers=True)
    assert len(made.folds) == 5
    splits.make_folds(table, "random", count=2, speaker_dependent=True)


def test_what_cannot_be_split_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'loso'"):
        splits.make_folds(table_of(2), "losso")
    with pytest.raises(SplitError, match="no rows"):
        splits.make_folds(table_of(0), "loso")
    with pytest.raises(SplitError, match="at least two speakers"):
        splits.make_folds(table_of(1), "loso")
    with pytest.raises(SplitError, match="leave none to train on"):
        splits.make_folds(table_of(2), "loso")
    with pytest.raises(SplitError, match="at least two sessions"):
        splits.make_folds(table_of(2), "session")
    with pytest.raises(SplitError, match="a share of the clips"):
        splits.make_folds(table_of(2), "random", speaker_dependent=True, validation_speakers=2)
    with pytest.raises(SplitError, match="folds of 16 recordings"):
        splits.make_folds(table_of(2), "random", speaker_dependent=True, count=17)
