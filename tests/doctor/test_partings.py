"""Leaks over the parts of folds are all told, with what of them is by design; clean folds give none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import leaks as benchmark
import pandas as pd
import pytest

from affekt import corpora
from affekt.doctor import check_corpus
from affekt.errors import UsageError


def table_of(folder: Path) -> pd.DataFrame:
    """Six speakers, eight clips each of bytes of their own, each with words of its own."""
    rows = []
    for speaker in range(6):
        for clip in range(8):
            name = f"{speaker}-{clip}.wav"
            (folder / name).write_text(name)
            emotion = ("anger", "fear")[clip % 2]
            part = ("test", "validation", "train", "train", "train", "train")[speaker]
            rows.append((name, f"P{speaker}", emotion, part, f"words {name}", f"S{speaker // 2}"))
    return pd.DataFrame(rows, columns=["file", "speaker", "emotion", "split", "text", "session"])


def leaking(table: pd.DataFrame, folder: Path, protocol: str | None = None) -> dict[str, str]:
    table.to_csv(folder / "t.csv", index=False)
    found = check_corpus(str(folder / "t.csv"), quick=True, protocol=protocol).findings
    return {finding.code: finding.severity for finding in found if finding.code.startswith("leaking")}


def test_parts_with_speakers_words_and_sessions_of_their_own_do_not_leak(tmp_path: Path) -> None:
    table = table_of(tmp_path)
    assert leaking(table.drop(columns="session"), tmp_path) == {}
    assert leaking(table.drop(columns="session"), tmp_path, "loso") == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.assign(split=t["split"].mask(t.index == 47, "test")), {"leaking_speaker": "error"}),
        (lambda t: t.assign(speaker=t["speaker"].mask(t.index == 47, " p0")), {"leaking_speaker": "error"}),
        (lambda t: t.assign(split=t["split"].mask(t.index == 15, "test")), {"leaking_speaker": "error"}),
        (
            lambda t: t.assign(text=t["text"].mask(t.index == 47, "Words, 0-0 wav!")),
            {"leaking_sentence": "warning"},
        ),
        (lambda t: t.assign(text=[f"one of {at % 8}" for at in t.index]), {"leaking_sentence": "info"}),
    ],
    ids=["speaker", "spelling", "validation", "sentence", "script"],
)
def test_each_leak_is_told(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], expected: dict[str, str]
) -> None:
    assert leaking(change(table_of(tmp_path).drop(columns="session")), tmp_path) == expected


def test_a_session_partner_is_a_warning_where_speakers_alone_are_kept_apart(tmp_path: Path) -> None:
    assert leaking(table_of(tmp_path), tmp_path, "loso") == {"leaking_session": "warning"}


def test_equal_bytes_in_two_parts_are_told_as_audio(tmp_path: Path) -> None:
    table = table_of(tmp_path).drop(columns="session")
    (tmp_path / "5-7.wav").write_bytes((tmp_path / "0-0.wav").read_bytes())
    assert leaking(table, tmp_path) == {"leaking_audio": "error"}
    (tmp_path / "5-7.wav").unlink()
    (tmp_path / "5-7.wav").symlink_to(tmp_path / "0-0.wav")
    assert leaking(table, tmp_path) == {"leaking_audio": "error"}


def test_mixed_speakers_are_a_warning_where_they_are_meant(tmp_path: Path) -> None:
    assert leaking(table_of(tmp_path).drop(columns="session"), tmp_path, "random") == {
        "leaking_speaker": "warning"
    }


def test_folds_that_cannot_be_made_are_told(tmp_path: Path) -> None:
    table_of(tmp_path).drop(columns="session").to_csv(tmp_path / "t.csv", index=False)
    found = check_corpus(str(tmp_path / "t.csv"), quick=True, protocol="session").findings
    assert [finding.message for finding in found if finding.code == "no_folds"]
    with pytest.raises(UsageError, match="did you mean 'loso'"):
        check_corpus(str(tmp_path / "t.csv"), quick=True, protocol="losso")


def test_the_sentences_of_emodb_are_a_note(data_root: Path) -> None:
    found = check_corpus(f"emodb:{data_root / 'emodb'}", quick=True, protocol="loso").findings
    assert [(one.severity, one.code) for one in found] == [("info", "complete"), ("info", "leaking_sentence")]


def test_every_plant_of_the_benchmark_is_told_in_real_tables(data_root: Path, tmp_path: Path) -> None:
    table = benchmark.parted(corpora.load(f"ravdess:{data_root / 'ravdess'}"))
    chosen = table[table["speaker"].isin(sorted(table["speaker"].unique())[::3])].reset_index(drop=True)
    figures, _ = benchmark.measure_tables(chosen, tmp_path)
    missed = [name for name, value in figures.items() if name.endswith(".found") and not value]
    assert not missed
    assert len(figures) >= 13


def test_every_copy_that_leaks_is_listed(tmp_path: Path) -> None:
    table = table_of(tmp_path).drop(columns="session")
    for name in ("5-7.wav", "4-7.wav", "3-7.wav"):
        (tmp_path / name).write_bytes((tmp_path / "0-0.wav").read_bytes())
    table.to_csv(tmp_path / "t.csv", index=False)
    found = check_corpus(str(tmp_path / "t.csv"), quick=True).findings
    (leak,) = [finding for finding in found if finding.code == "leaking_audio"]
    assert leak.files == ("0-0.wav", "3-7.wav", "4-7.wav", "5-7.wav")
    assert leak.rows == (1, 32, 40, 48)
