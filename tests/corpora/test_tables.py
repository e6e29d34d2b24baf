"""Tables: what is read, what is refused and by which row, and that writing loses nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affekt import corpora
from affekt.errors import AffektError, CorpusError, MissingExtraError, UsageError


def table_at(path: Path, text: str, encoding: str = "utf-8") -> str:
    path.write_bytes(text.encode(encoding))
    return str(path)


def test_speakers_keep_their_leading_zeros(tmp_path: Path) -> None:
    table = corpora.load(table_at(tmp_path / "t.csv", "file,speaker,emotion\na.wav,007,happy\n"))
    assert table["speaker"].tolist() == ["007"]
    assert table["emotion"].tolist() == ["happiness"]
    assert table["label"].tolist() == ["happy"]
    assert table["path"].tolist() == [str(tmp_path.resolve() / "a.wav")]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_separators_line_ends_and_byte_order_marks_are_read(
    tmp_path: Path, separator: str, end: str, encoding: str
) -> None:
    text = "File,speaker,emotion\nüb er/a.wav,Zoë,anger\n".replace(",", separator).replace("\n", end)
    table = corpora.load(table_at(tmp_path / "t.csv", text, encoding))
    assert table[["file", "speaker", "emotion"]].to_numpy().tolist() == [["üb er/a.wav", "Zoë", "anger"]]


def test_tables_of_others_are_read(tmp_path: Path) -> None:
    hugging_face = corpora.load(table_at(tmp_path / "metadata.csv", "file_name,label\nx/a.wav,sad\n"))
    assert hugging_face[["file", "emotion"]].to_numpy().tolist() == [["x/a.wav", "sadness"]]
    nkululeko = corpora.load(
        table_at(
            tmp_path / "n.csv", ",file,speaker,gender,emotion\n0,a.wav,s1,f,angry\n1,b.wav,s2,male,neu\n"
        )
    )
    assert nkululeko["gender"].tolist() == ["female", "male"]
    assert nkululeko["emotion"].tolist() == ["anger", "neutral"]


def test_an_audformat_index_is_read_from_csv_and_parquet(tmp_path: Path) -> None:
    times = pd.to_timedelta([0.5, None], unit="s"), pd.to_timedelta([2.25, None], unit="s")
    index = pd.MultiIndex.from_arrays([["a.wav", "b.wav"], *times], names=["file", "start", "end"])
    frame = pd.DataFrame({"emotion": ["fear", "joy"]}, index=index)
    frame.to_csv(tmp_path / "a.csv")
    frame.to_parquet(tmp_path / "a.parquet")
    assert "0 days 00:00:00.5" in (tmp_path / "a.csv").read_text()
    for name in ("a.csv", "a.parquet"):
        table = corpora.load(f"table:{tmp_path / name}")
        assert table["start"].fillna(-1).tolist() == [0.5, -1]
        assert table["end"].fillna(-1).tolist() == [2.25, -1]
        assert table["emotion"].tolist() == ["fear", "happiness"]


def test_seconds_and_durations_may_stand_in_one_column(tmp_path: Path) -> None:
    text = "file,start,end\na.wav,0 days 00:00:01.5,2\na.wav,2.0,\n"
    table = corpora.load(table_at(tmp_path / "t.csv", text))
    assert table["start"].tolist() == [1.5, 2.0]
    assert table["end"].isna().tolist() == [False, True]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_what_is_written_is_read_back(tmp_path: Path, suffix: str) -> None:
    text = (
        "file,start,end,speaker,emotion,label,text,split,valence,take\n"
        'a.wav,0,1.25,01,anger,W,"eins, zwei\n""drei""",train,0.1,01\n'
        "b.wav,1,,2,,,,dev,-3,02\n"
    )
    table = corpora.load(table_at(tmp_path / "in.csv", text))
    corpora.write(table, tmp_path / f"out{suffix}")
    again = corpora.load(str(tmp_path / f"out{suffix}"))
    pd.testing.assert_frame_equal(again, table)
    assert again["valence"].tolist() == [0.1, -3]
    assert again["take"].tolist() == ["01", "02"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_place_on_this_machine_is_never_written(tmp_path: Path) -> None:
    table = corpora.load(table_at(tmp_path / "t.csv", "file\na.wav\n"))
    assert corpora.to_csv(table[["file", "path"]]) == "file\na.wav\n"
    corpora.write(table, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "file\na.wav\n"
    with pytest.raises(UsageError, match=r"\.parquet"):
        corpora.write(table, tmp_path / "out.xlsx")


def test_the_root_of_the_files_may_be_given(tmp_path: Path) -> None:
    source = table_at(tmp_path / "t.csv", "file\nx/../a.wav\n/abs/b.wav\nc\\d.wav\n")
    table = corpora.load(source, tmp_path / "audio")
    base = tmp_path.resolve() / "audio"
    assert table["path"].tolist() == [f"{base}/a.wav", "/abs/b.wav", f"{base}/c/d.wav"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty|no column 'file'"),
        ("speaker,emotion\na,b\n", "no column 'file'; it has speaker, emotion"),
        ("file,speaker,speaker\na,b,c\n", "twice in the header"),
        ("file,emotion\na.wav,anger,x\n", "not a table"),
        ("file,emotion\na.wav,anger\n,anger\n", "row 2: column 'file' is empty"),
        ("file,start\na.wav,soon\n", "row 1, column 'start': 'soon' is no time"),
        ("file,start\na.wav,inf\n", "row 1, column 'start'"),
        ("file,start,end\na.wav,2,1\n", "row 1: from 2.0 s to 1.0 s is no segment"),
        ("file,start,end\na.wav,-1,1\n", "row 1: from -1.0 s"),
        ("file\na.wav\n./a.wav\n", "row 2: './a.wav' is listed twice"),
        ("file,emotion\na.wav,angr\n", r"'angr' \(1 times, first a.wav, near 'anger'\)"),
    ],
)
def test_a_wrong_table_is_refused_by_row_and_column(tmp_path: Path, text: str, message: str) -> None:
    source = table_at(tmp_path / "t.csv", text)
    with pytest.raises(CorpusError, match=message):
        corpora.load(source)


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="UTF-8"):
        corpora.load(table_at(tmp_path / "t.csv", "file\nä.wav\n", "latin-1"))


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="not a Parquet table"):
        corpora.load(table_at(tmp_path / "t.parquet", "PAR1 but no"))


def test_labels_map_words_and_a_wrong_target_is_refused(tmp_path: Path) -> None:
    source = table_at(tmp_path / "t.csv", "file,emotion\na.wav,exc\nb.wav,XXX\n")
    table = corpora.load(source, labels={"excitement": "happy", "xxx": None})
    assert table["emotion"].tolist() == ["happiness", None]
    with pytest.raises(UsageError, match="'xxx' is mapped to 'angr'"):
        corpora.load(source, labels={"xxx": "angr"})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("emodb", "Write emodb:FOLDER"),
        ("emodbb:x", "did you mean 'emodb'"),
        ("nothing", "no table"),
        ("absent.csv", "no such table"),
    ],
)
def test_a_wrong_source_is_refused_with_a_way_out(source: str, message: str) -> None:
    with pytest.raises(AffektError, match=message):
        corpora.load(source)


def test_a_bare_folder_is_asked_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"folder:{tmp_path}"):
        corpora.load(str(tmp_path))


def test_sources_are_put_under_one_another(tmp_path: Path) -> None:
    first = table_at(tmp_path / "a.csv", "file,corpus,take\nx.wav,one,3\n")
    second = table_at(tmp_path / "b.csv", "file,emotion\nx.wav,sad\n")
    table = corpora.load_many([first, second])
    assert table["file"].tolist() == ["x.wav", "x.wav"]
    assert table["emotion"].tolist() == [None, "sadness"]
    assert table.index.tolist() == [0, 1]
    assert table.columns[-1] == "path"
    with pytest.raises(UsageError, match="given twice"):
        corpora.load_many([first, first])
    with pytest.raises(UsageError, match="no source"):
        corpora.load_many([])


def test_without_pandas_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"affekt\[train\]"):
        corpora.load(table_at(tmp_path / "t.csv", "file\na.wav\n"))


CELLS = st.one_of(
    st.sampled_from(
        ["", "a.wav", "anger", "happy", "0", "1.5", "-1", "nan", "NA", "inf", "0 days 00:00:01", '"', "\x00"]
    ),
    st.text(max_size=6),
)
HEADERS = st.lists(
    st.sampled_from(
        ["file", "file_name", "start", "end", "speaker", "emotion", "label", "x", "", '"', "Unnamed: 0"]
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HEADERS, st.lists(st.lists(CELLS, max_size=6), max_size=4), st.sampled_from([",", ";", "\t"]))
def test_no_manifest_ends_in_a_traceback(
    tmp_path: Path, header: list[str], rows: list[list[str]], separator: str
) -> None:
    text = "\n".join(separator.join(cells) for cells in [header, *rows])
    source = table_at(tmp_path / "any.csv", text.encode("utf-8", "replace").decode())
    try:
        table = corpora.load(source)
    except AffektError as error:
        assert "any.csv" in str(error)
        assert "\n" not in str(error)
    else:
        assert table["file"].notna().all()
