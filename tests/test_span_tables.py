"""Tables of recordings and stretches, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import affekt
from affekt import Recognizer, UsageError
from affekt.errors import AudioError
from affekt.inputs import expand
from affekt.span_tables import Span
from tests.fixtures import tiny

CLIP = sorted(tiny.EXAMPLES.glob("*.flac"))[0]


def told(path: Path) -> list[tuple[str, float, float | None] | str]:
    return [
        str(item)
        if isinstance(item, AudioError)
        else (Path(item).name, item.start, item.end)
        if isinstance(item, Span)
        else Path(item).name
        for item in expand([path], tables=True)
    ]


def test_times_in_whatever_shape(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "\ufefffile,start,end,emotion\n"
        "a.wav,0.5,1.75,anger\n"
        "a.wav,0 days 00:00:01.5,0 days 00:01:00,\n"
        "b/c.wav,00:10,,\n"
        "whole.wav,,NaT,\n"
    )
    assert told(path) == [("a.wav", 0.5, 1.75), ("a.wav", 1.5, 60.0), ("c.wav", 10.0, None), "whole.wav"]
    assert str(list(expand([path], tables=True))[2]) == str(tmp_path / "b" / "c.wav")
    assert told(tmp_path / "none.csv") == ["none.csv"]


def test_a_wrong_row_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("file\tstart\tend\na.wav\tsoon\t2\na.wav\t3\t2\n\t1\t2\nb.wav\t1\tinf\nok.wav\t1\t2\n")
    found = told(path)
    assert "row 2: 'soon' is no time" in found[0]
    assert "row 3: 3 to 2 is no stretch" in found[1]
    assert "row 4: no file" in found[2]
    assert "row 5: 'inf' is no time" in found[3]
    assert found[4] == ("ok.wav", 1.0, 2.0)


def test_parquet_with_times_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    times = pd.to_timedelta(["0.25s", None])
    pd.DataFrame({"file": ["a.wav", "b.wav"], "start": times, "end": [1.0, None]}).to_parquet(path)
    assert told(path) == [("a.wav", 0.25, 1.0), "b.wav"]


def test_no_table_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for data in (b"", b"name,start\na,1\n", b"\xff\xfe\x00", b"PAR1"):
        path.write_bytes(data)
        with pytest.raises(UsageError) as error:
            told(path)
        assert "\n" not in str(error.value)
    bad = tmp_path / "t.parquet"
    bad.write_bytes(b"PAR1 and no more")
    with pytest.raises(UsageError, match="no Parquet"):
        told(bad)


def test_stretches_are_scored(tiny_model_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"file,start,end\n{CLIP},0.5,1.5\n{CLIP},,\n")
    with affekt.predict(path, Recognizer.load(tiny_model_folder), threads=1) as rows:
        assert [(row["start"], row["end"], row["error"]) for row in rows] == [
            (0.5, 1.5, None),
            (0.0, 2.0, None),
        ]
