"""Every corpus in its real layout, small: what each name or line says; a tone of its own for each clip."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from affekt import corpora
from affekt.doctor import check_corpus
from affekt.errors import SplitError
from affekt.splits import make_folds

RATE = 16000
Clips = Mapping[str, dict[str, Any]]

DEMOGRAPHICS = '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
MSP = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
MELD = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
)
MOSEI = "HITId,Input.VIDEO_ID,Input.CLIP,Answer.anger,Answer.disgust,Answer.fear,Answer.happiness,Answer.sadness,Answer.sentiment,Answer.surprise\n"  # noqa: E501

TABLES: dict[str, dict[str, str]] = {
    "crema-d": {"VideoDemographics.csv": DEMOGRAPHICS},
    "msp-podcast": {
        "Labels/labels_consensus.csv": MSP
        + "MSP-PODCAST_0001_0008.wav,N,2.2,4.0,2.6,30,Male,Test1\n"
        + "MSP-PODCAST_0001_0009.wav,U,3.5,3.5,3.7,Unknown,Unknown,Train\n"
        + "MSP-PODCAST_0002_0033.wav,X,4.1,4.7,4.0,Spkr_7,Female,Development\n"
        + "MSP-PODCAST_0003_0100.wav,C,3.0,3.7,3.1,39,Male,Test2\n",
    },
    "meld": {
        "train_sent_emo.csv": MELD
        + '1,"also I was the point person, see",Chandler,neutral,neutral,0,0,8,21,"00:16:16,059"\n'
        + '2,Ok.,Dr. Leedbetter,joy,positive,0,1,8,21,"00:16:21,940"\n',
        "dev_sent_emo.csv": MELD
        + '1,Hi!,Both,surprise,positive,0,0,4,7,"00:20:57,256"\n'
        + '2,Did they tell you anything?,Phoebe,neutral,neutral,110,7,6,11,"0:00"\n',
        "test_sent_emo.csv": MELD + '1,No!,Chandler,anger,negative,0,0,3,19,"00:14:38,127"\n',
    },
    "cmu-mosei": {
        "Labels/5000_batch_raw.csv": MOSEI
        + "a,_0efYOjQYRc,1,0,0,0,2,1,1,0\nb,_0efYOjQYRc,1,0,0,0,1,0,2,0\nc,_0efYOjQYRc,2,0,0,0,0,0,0,0\n"
        + "d,not_given_out,0,3,0,0,0,0,-3,0\n",
        "Labels/pom_extra_sqa_mono_results.csv": MOSEI + "e,POM/112425,0,1,1,0,0,0,-2,0\n",
        "Labels/mturk_extra_v2.csv": MOSEI + "f,_0efYOjQYRc,1,0,0,0,0,3,-1,0\n",
    },
}

CLIPS: dict[str, Clips] = {
    "aesdd": {
        "AESDD/anger/a01 (1).wav": {"speaker": "1", "emotion": "anger"},
        "AESDD/sadness/s20 (05).wav": {"speaker": "5", "emotion": "sadness"},
    },
    "cafe": {
        "CaFE_48k/Col\u0160re/Faible/01-C-1-1.wav": {"speaker": "01", "emotion": "anger", "gender": "male"},
        "CaFE_48k/Joie/Fort/12-J-2-6.wav": {"speaker": "12", "emotion": "happiness", "age": 37},
        "CaFE_48k/Neutre/02-N-1-3.wav": {"speaker": "02", "emotion": "neutral", "intensity": 1},
    },
    "casia": {
        "liuchanhong/angry/201.wav": {"speaker": "liuchanhong", "emotion": "anger"},
        "zhaozuoxiang/sad/250.wav": {"speaker": "zhaozuoxiang", "emotion": "sadness"},
    },
    "cmu-mosei": {
        "Videos/Segmented/Combined/_0efYOjQYRc_1.mp4": {
            "speaker": None, "session": "_0efYOjQYRc", "emotion": "sadness", "happiness": 1.0, "anger": 0.0,
        },
        "Videos/Segmented/Combined/_0efYOjQYRc_2.mp4": {"emotion": None, "happiness": 0.0},
        "Videos/Segmented/Combined/112425_0.mp4": {"emotion": None, "disgust": 1.0},
    },
    "crema-d": {
        "AudioWAV/1001_DFA_ANG_XX.wav": {
            "speaker": "1001", "emotion": "anger", "gender": "male", "age": 51, "intensity": None,
        },
        "AudioWAV/1040_ITH_SAD_X.wav": {"speaker": "1040", "emotion": "sadness", "gender": None},
        "AudioWAV/1091_IEO_HAP_HI.wav": {"intensity": "high", "text": "It's eleven o'clock."},
    },
    "emov-db": {
        "bea_Amused/amused_1-15_0001.wav": {"speaker": "bea", "emotion": None, "label": "Amused"},
        "EmoV-DB_sorted/jenie/Angry/anger_393-420_0397.wav": {"speaker": "jenie", "emotion": "anger"},
        "sam_Disgusted/disgust_1-28_0005.wav": {"speaker": "sam", "emotion": "disgust", "gender": "male"},
        "josh_Sleepy/sleepiness_1-28_0002.wav": {"speaker": "josh", "emotion": None},
    },
    "emovo": {
        "EMOVO/f2/gio-f2-b2.wav": {"speaker": "f2", "emotion": "happiness", "gender": "female", "age": 23},
        "EMOVO/m1/rab-m1-n5.wav": {"speaker": "m1", "emotion": "anger", "sentence": "n5"},
    },
    "esd": {
        "0001/Angry/0001_000351.wav": {"speaker": "0001", "language": "zh", "split": None},
        "0011/Sad/train/0011_001051.wav": {"speaker": "0011", "language": "en", "split": "train"},
        "0011/Sad/evaluation/0011_001052.wav": {"emotion": "sadness", "split": "validation"},
        "0020/Surprise/test/0020_001750.wav": {"emotion": "surprise", "split": "test"},
    },
    "jl-corpus": {
        "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/female1_angry_10a_1.wav": {
            "speaker": "female1", "emotion": "anger", "gender": "female",
        },
        "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/male2_excited_4b_2.wav": {
            "speaker": "male2", "emotion": "excitement", "session": None,
        },
        "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/male1_anxious_1a_1.wav": {"emotion": None},
    },
    "meld": {
        "train_splits/dia0_utt0.mp4": {
            "speaker": "Chandler", "emotion": "neutral", "split": "train",
            "text": "also I was the point person, see",
        },
        "train_splits/dia0_utt1.mp4": {"speaker": "Dr. Ledbetter", "emotion": "happiness"},
        "dev_splits_complete/dia0_utt0.mp4": {"speaker": None, "emotion": "surprise", "split": "validation"},
        "output_repeated_splits_test/dia0_utt0.mp4": {"emotion": "anger", "split": "test"},
    },
    "mesd": {
        "Mexican Emotional Speech Database (MESD)/Anger_C_A_abajo.wav": {
            "speaker": None, "emotion": "anger", "voice": "child", "gender": None, "text": "abajo",
        },
        "Mexican Emotional Speech Database (MESD)/Happiness_M_B_pelirrojo.wav": {
            "emotion": "happiness", "gender": "male", "voice": "man",
        },
    },
    "msp-podcast": {
        "Audios/MSP-PODCAST_0001_0008.wav": {
            "speaker": "30", "emotion": "neutral", "gender": "male", "split": "test", "valence": 4.0,
        },
        "Audios/MSP-PODCAST_0001_0009.wav": {
            "speaker": None, "emotion": "surprise", "gender": None, "split": "train",
        },
        "Audios/MSP-PODCAST_0002_0033.wav": {"speaker": "Spkr_7", "emotion": None, "split": "validation"},
        "Audios/MSP-PODCAST_0003_0100.wav": {"emotion": "contempt", "split": "test2"},
    },
    "savee": {
        "AudioData/DC/a01.wav": {"speaker": "DC", "emotion": "anger", "gender": "male"},
        "AudioData/KL/su15.wav": {"speaker": "KL", "emotion": "surprise"},
        "ALL/JE_sa03.wav": {"speaker": "JE", "emotion": "sadness"},
        "ALL/JK_n30.wav": {"speaker": "JK", "emotion": "neutral"},
    },
    "shemo": {
        "female/F03S02.wav": {"speaker": "F03", "emotion": "sadness", "gender": "female"},
        "male/M02F01.wav": {"speaker": "M02", "emotion": "fear", "gender": "male"},
        "male/M12W03.wav": {"speaker": "M12", "emotion": "surprise"},
    },
    "subesco": {
        "SUBESCO/F_01_OISHI_S_10_ANGRY_1.wav": {"speaker": "F_01", "emotion": "anger", "gender": "female"},
        "SUBESCO/F_02_MONIKA_S_2_SURPRISE_3].wav": {"speaker": "F_02", "emotion": "surprise", "take": 3},
        "SUBESCO/M_01_TUHIN_S_1_HAPPY_5.wav": {"speaker": "M_01", "emotion": "happiness"},
    },
    "tess": {
        "OAF_Fear/OAF_back_fear.wav": {"speaker": "OAF", "emotion": "fear", "gender": "female", "age": 64},
        "OAF_neutral/OA_bite_neutral.wav": {"speaker": "OAF", "emotion": "neutral", "age": 64},
        "YAF_pleasant_surprised/YAF_food_ps.wav": {"speaker": "YAF", "emotion": "surprise", "age": 26},
    },
    "urdu": {
        "Angry/SM1_F10_A010.wav": {"speaker": "SM1", "emotion": "anger", "gender": "male"},
        "Happy/SF6_F14_H038.wav": {"speaker": "SF6", "emotion": "happiness", "gender": "female"},
        "Neutral/SM5_F72_N0100.wav": {"speaker": "SM5", "emotion": "neutral"},
    },
}  # fmt: skip

# What comes with a corpus and is none of its clips.
ASIDE = {
    "cmu-mosei": "Audio/Full/WAV_16000/_0efYOjQYRc.wav",
    "crema-d": "AudioMP3/1001_DFA_ANG_XX.mp3",
    "msp-podcast": "Audios/MSP-PODCAST_test3_0001.wav",
}


def tone(path: Path, number: int) -> None:
    """A rising tone of its own pitch for each number, in the format that the name says."""
    time = np.arange(int(0.2 * RATE)) / RATE
    sound = (0.4 * np.sin(2 * np.pi * (180 + 41 * number + 300 * time) * time)).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".mp4":
        soundfile.write(path, sound, RATE)
        return
    av = pytest.importorskip("av")
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.rate = RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])


def plant(root: Path, corpus: str) -> Path:
    for number, name in enumerate([*CLIPS[corpus], *([ASIDE[corpus]] if corpus in ASIDE else [])]):
        tone(root / name, number)
    for name, text in TABLES.get(corpus, {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize("corpus", sorted(CLIPS))
def test_names_and_lists_say_what_each_clip_is(tmp_path: Path, corpus: str) -> None:
    table = corpora.load(f"{corpus}:{plant(tmp_path, corpus)}")
    rows = {row["file"]: row for row in table.astype(object).where(table.notna(), None).to_dict("records")}
    assert set(rows) == set(CLIPS[corpus])
    for file, expected in CLIPS[corpus].items():
        assert {name: rows[file].get(name) for name in expected} == expected
    if corpora.spec(corpus).language != "mul":
        assert set(table["language"]) == {corpora.spec(corpus).language}


@pytest.mark.parametrize("corpus", sorted(CLIPS))
def test_a_small_copy_is_found_sound_and_small(tmp_path: Path, corpus: str) -> None:
    findings = check_corpus(f"{corpus}:{plant(tmp_path, corpus)}").findings
    strange = {"unreadable", "unmatched", "unknown_label", "missing_file", "duplicate_audio", "complete"}
    assert not [finding for finding in findings if finding.code in strange]


def test_every_corpus_of_emotions_has_a_layout_here_or_in_a_test_of_its_own() -> None:
    elsewhere = {"emodb", "iemocap", "librispeech", "nemo", "ravdess", "voxceleb1", "voxceleb2"}
    assert set(CLIPS) | elsewhere == set(corpora.names())


@pytest.mark.parametrize("corpus", ["esd", "meld"])
def test_a_published_split_that_depends_on_speakers_says_so_and_is_refused(
    tmp_path: Path, corpus: str
) -> None:
    split = corpora.spec(corpus).split
    assert split is not None
    assert split.speaker_dependent
    table = corpora.load(f"{corpus}:{plant(tmp_path, corpus)}")
    table = table[table["split"].notna() & table["speaker"].notna()]
    table.loc[table["split"] == "test", "speaker"] = table["speaker"].iloc[0]
    with pytest.raises(SplitError, match="speaker"):
        make_folds(table, "official")


def test_only_one_test_set_of_msp_podcast_is_the_official_one(tmp_path: Path) -> None:
    table = corpora.load(f"msp-podcast:{plant(tmp_path, 'msp-podcast')}")
    with pytest.raises(SplitError, match="test2"):
        make_folds(table, "official", allow_unknown_speakers=True)
    one = table[table["split"].isin(["train", "validation", "test"])]
    (fold,) = make_folds(one, "official", allow_unknown_speakers=True).folds
    assert [len(part) for part in (fold.train, fold.validation, fold.test)] == [1, 1, 1]


def test_an_earlier_spelling_of_the_msp_podcast_list_is_read(tmp_path: Path) -> None:
    plant(tmp_path, "msp-podcast")
    (tmp_path / "Labels" / "labels_consensus.csv").rename(tmp_path / "Labels" / "labels_concensus.csv")
    assert len(corpora.load(f"msp-podcast:{tmp_path}")) == 4


def test_a_lost_clip_of_meld_is_no_missing_one_and_another_is(tmp_path: Path) -> None:
    plant(tmp_path, "meld")
    (tmp_path / "train_splits" / "dia0_utt1.mp4").unlink()
    (finding,) = [
        one for one in check_corpus(f"meld:{tmp_path}", quick=True).findings if one.code == "missing_file"
    ]
    assert finding.files == ("train_splits/dia0_utt1",)
