"""`affekt.train` refuses a split in which the same sound stands in two parts, whatever its bytes."""

from __future__ import annotations

import csv
from pathlib import Path

import _leaks
import pytest
import soundfile

import affekt
from affekt.corpora import near_copies
from affekt.errors import SplitError
from affekt.recipe import Recipe
from tests.fixtures import toy


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AFFEKT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def leaking(folder: Path, parts: int = 1) -> Recipe:
    """A corpus that also holds a clip of real speech twice: as it is, and softer through MP3."""
    table = toy.corpus(folder, speakers=2 + parts)
    speech = toy.speech()
    soundfile.write(folder / "toy/one.wav", speech, toy.RATE)
    _leaks.write(folder / "toy/two.wav", 0.2 * _leaks.coded(speech, "MP3", "MPEG_LAYER_III", 0.7))
    with table.open("a", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        for name, speaker in (("one", "s0"), ("two", "s1")):
            rows.writerow([f"toy/{name}.wav", speaker, "anger", "toy"])
    return toy.recipe(table, epochs=1, validation_speakers=parts)


def test_a_copy_at_another_speaker_is_refused_with_both_names(tmp_path: Path) -> None:
    with pytest.raises(SplitError) as caught:
        affekt.train(leaking(tmp_path), tmp_path / "run", protocol="loso")
    said = str(caught.value)
    assert "toy/one.wav' in " in said and "toy/two.wav' in " in said and "leak_check=bytes" in said
    assert "\n" not in said
    assert not (tmp_path / "run" / "recipe.yaml").exists()


@pytest.mark.parametrize("dependent", [False, True], ids=["bytes alone", "speakers in both parts"])
def test_it_can_be_meant(tmp_path: Path, dependent: bool) -> None:
    """By the recipe's key, without a word; where speakers are in both parts on purpose, with one."""
    changed = {"seed": 2} if dependent else {"leak_check": "bytes"}
    recipe = leaking(tmp_path, parts=0).model_copy(update=changed)
    said: list[str] = []
    protocol = "random" if dependent else "loso"
    result = affekt.train(
        recipe, tmp_path / "run", protocol=protocol, speaker_dependent=dependent, folds=2, say=said.append
    )
    assert result.report is not None
    told = [line for line in said if "sound the same" in line]
    assert len(told) == dependent and all("toy/one.wav' in " in line for line in told)


def test_what_was_found_is_kept_and_a_damaged_file_of_it_is_not_believed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = leaking(tmp_path)

    def refused() -> str:
        with pytest.raises(SplitError) as caught:
            affekt.train(recipe, tmp_path / "run", protocol="loso")
        return str(caught.value)

    first = refused()
    (kept,) = (cache / "copies").iterdir()
    kept.write_bytes(b"not what it was")
    assert refused() == first
    looked = near_copies.Shelf.matches
    monkeypatch.setattr(near_copies.Shelf, "matches", lambda shelf: pytest.fail("looked for again"))
    assert refused() == first
    monkeypatch.setattr(near_copies.Shelf, "matches", looked)
