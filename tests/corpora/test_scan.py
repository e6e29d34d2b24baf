"""Scanning corpus folders: names are the truth, suffixes do not matter, nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from affekt import corpora
from affekt.errors import CorpusError


def plant(root: Path, *names: str) -> Path:
    """Files whose bytes are their own names, so that no two are alike."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
def test_an_emodb_name_gives_speaker_emotion_gender_and_text(tmp_path: Path, suffix: str) -> None:
    table = corpora.scan(plant(tmp_path, f"wav/03a01Fa{suffix}", f"wav/14b10Wc{suffix}"), "emodb")
    first, second = table.to_dict("records")
    assert (first["speaker"], first["emotion"], first["label"]) == ("03", "happiness", "F")
    assert (first["gender"], first["age"]) == ("male", 31)
    assert (second["speaker"], second["emotion"], second["gender"]) == ("14", "anger", "female")
    assert first["text"] == "Der Lappen liegt auf dem Eisschrank."
    assert first["file"] == f"wav/03a01Fa{suffix}"
    assert Path(first["path"]) == tmp_path.resolve() / first["file"]
    assert (first["language"], first["corpus"]) == ("de", "emodb")
    assert first["session"] is None
    assert table["start"].isna().all()


def test_a_ravdess_clip_belongs_to_the_actor_in_its_name(tmp_path: Path) -> None:
    table = corpora.scan(plant(tmp_path, "Actor_11/03-01-08-02-01-02-12.wav"), "ravdess")
    row = table.iloc[0]
    assert (row["speaker"], row["gender"], row["emotion"]) == ("12", "female", "surprise")
    assert (row["intensity"], row["repetition"]) == ("02", "02")


def test_ravdess_song_and_video_are_not_speech(tmp_path: Path) -> None:
    plant(tmp_path, "Actor_01/03-02-01-01-01-01-01.wav", "Actor_01/01-01-01-01-01-01-01.mp4")
    with pytest.raises(CorpusError, match="no clips of 'ravdess'"):
        corpora.scan(tmp_path, "ravdess")


@pytest.mark.parametrize("above", ["", "LibriSpeech/", "a/LibriSpeech/"])
def test_librispeech_is_found_from_any_folder_above_it(tmp_path: Path, above: str) -> None:
    plant(tmp_path, f"{above}train-clean-100/83/11691/83-11691-0000.flac")
    row = corpora.scan(tmp_path, "librispeech").iloc[0]
    assert (row["speaker"], row["split"], row["emotion"]) == ("83", "train-clean-100", None)


def test_a_librispeech_subset_alone_has_no_split(tmp_path: Path) -> None:
    row = corpora.scan(plant(tmp_path, "83/11691/83-11691-0000.flac"), "librispeech").iloc[0]
    assert (row["speaker"], row["split"]) == ("83", None)


@pytest.mark.parametrize(
    ("corpus", "name", "speaker", "video"),
    [
        ("voxceleb1", "id10270/5r0dWxy17C8/00001.wav", "id10270", "5r0dWxy17C8"),
        ("voxceleb1", "wav/id10001/-1zcIwhmde_/00012.wav", "id10001", "-1zcIwhmde_"),
        ("voxceleb1", "dev/wav/id11251/gFfcgOVmiO0/00004.wav", "id11251", "gFfcgOVmiO0"),
        ("voxceleb2", "dev/aac/id00012/21Uxsk56VDQ/00001.m4a", "id00012", "21Uxsk56VDQ"),
        ("voxceleb2", "aac/id09272/u7VNkYraCw0/00026.m4a", "id09272", "u7VNkYraCw0"),
        ("voxceleb2", "vox2/test/wav/id00017/01dfn2spqyE/00001.wav", "id00017", "01dfn2spqyE"),
    ],
)
def test_a_voxceleb_clip_lies_in_the_folders_of_its_speaker_and_video(
    tmp_path: Path, corpus: str, name: str, speaker: str, video: str
) -> None:
    row = corpora.scan(plant(tmp_path, name, "vox1_meta.csv"), corpus).iloc[0]
    assert (row["file"], row["speaker"], row["session"]) == (name, speaker, video)
    assert (row["emotion"], row["gender"], row["language"]) == (None, None, None)


def test_the_two_voxcelebs_and_the_videos_are_told_apart(tmp_path: Path) -> None:
    plant(tmp_path, "wav/id10270/5r0dWxy17C8/00001.wav", "dev/aac/id00012/21Uxsk56VDQ/00001.m4a")
    plant(tmp_path, "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4")
    assert corpora.scan(tmp_path, "voxceleb1")["speaker"].tolist() == ["id10270"]
    assert corpora.scan(tmp_path, "voxceleb2")["file"].tolist() == ["dev/aac/id00012/21Uxsk56VDQ/00001.m4a"]


NEMO_HEAD = "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
NEMO_ROW = 'A_surprised_1.wav\tsurprised\tOn "wie"?\ton wie\tWR0\tmale\t23\n'


def test_an_index_names_the_clips_whatever_their_suffix(tmp_path: Path) -> None:
    plant(tmp_path, "samples/A_surprised_1.opus")
    (tmp_path / "data.tsv").write_text("\ufeff" + (NEMO_HEAD + NEMO_ROW).replace("\n", "\r\n"))
    row = corpora.scan(tmp_path, "nemo").iloc[0]
    assert (row["file"], row["speaker"], row["emotion"]) == ("samples/A_surprised_1.opus", "WR0", "surprise")
    assert row["text"] == 'On "wie"?'


def test_a_clip_of_the_index_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "data.tsv").write_text(NEMO_HEAD + NEMO_ROW)
    with pytest.raises(CorpusError, match=r"1 clips .* first samples/A_surprised_1\.wav"):
        corpora.scan(tmp_path, "nemo")


def test_an_index_without_a_needed_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.tsv").write_text("file_id\temotion\nA\tanger\n")
    with pytest.raises(CorpusError, match="line 2: no column 'speaker_id'"):
        corpora.scan(tmp_path, "nemo")


def test_a_missing_index_and_a_missing_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"data\.tsv: missing"):
        corpora.scan(tmp_path, "nemo")
    with pytest.raises(CorpusError, match="not a folder"):
        corpora.scan(tmp_path / "absent", "emodb")


def test_folders_give_the_deepest_name_as_label_and_no_speaker(tmp_path: Path) -> None:
    plant(tmp_path, "anna/Angry/1.wav", "sad/2.mp3", "sad/.hidden.wav", ".cache/sad/3.wav", "sad/notes.txt")
    table = corpora.load(f"folder:{tmp_path}")
    assert table["file"].tolist() == ["anna/Angry/1.wav", "sad/2.mp3"]
    assert table["emotion"].tolist() == ["anger", "sadness"]
    assert table["label"].tolist() == ["Angry", "sad"]
    assert table["speaker"].isna().all()


def test_an_unknown_word_is_named_with_count_file_and_nearest(tmp_path: Path) -> None:
    plant(tmp_path, "angr/1.wav", "angr/2.wav", "sad/3.wav")
    with pytest.raises(CorpusError, match=r"'angr' \(2 times, first angr/1\.wav, near 'anger'\)"):
        corpora.load(f"folder:{tmp_path}")
    table = corpora.load(f"folder:{tmp_path}", labels={"angr": "anger"})
    assert table["emotion"].tolist() == ["anger", "anger", "sadness"]


def test_labels_merge_emotions_of_a_corpus_and_leave_clips_without(tmp_path: Path) -> None:
    plant(tmp_path, "03-01-02-01-01-01-01.wav", "03-01-08-01-01-01-01.wav", "03-01-05-01-01-01-01.wav")
    table = corpora.load(f"ravdess:{tmp_path}", labels={"calm": "neutral", "08": None})
    assert table["emotion"].tolist() == ["neutral", "anger", None]
    assert table["label"].tolist() == ["02", "05", "08"]


def test_an_unknown_letter_in_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="'X'"):
        corpora.scan(plant(tmp_path, "03a01Xa.wav"), "emodb")


@pytest.mark.parametrize(
    ("corpus", "folder", "clips", "speakers"),
    [
        ("emodb", "emodb", 535, 10),
        ("ravdess", "ravdess", 1440, 24),
        ("librispeech", "librispeech-mini", 351, 261),
    ],
)
def test_real_corpora_are_read_whole(
    data_root: Path, corpus: str, folder: str, clips: int, speakers: int
) -> None:
    table = corpora.load(f"{corpus}:{data_root / folder}")
    assert (len(table), table["speaker"].nunique()) == (clips, speakers)
    if declared := corpora.spec(corpus).expected.emotions:
        assert table["emotion"].value_counts().to_dict() == declared


def test_real_nemo_is_read_as_its_index_says(data_root: Path) -> None:
    table = corpora.load(f"nemo:{data_root / 'nemo'}")
    assert (len(table), table["speaker"].nunique()) == (3146, 6)
    assert table["text"].notna().all()
    assert table.groupby("speaker")["gender"].nunique().eq(1).all()
