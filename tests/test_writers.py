"""Rows in every format read back as they were."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt import UsageError, parquet_files, writers

COLUMNS = ["file", "start", "confidence", "message"]
ROWS: list[dict[str, Any]] = [
    {"file": 'a "b", c.wav', "start": 0.0, "confidence": 0.25, "message": None},
    {"file": "zwei\nZeilen ß.wav", "start": 1.5, "confidence": None, "message": "no, not so"},
]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with writers.to_file(path, COLUMNS, writers.format_of(path)) as put:
        for row in rows:
            put(row)


def read(path: Path) -> list[dict[str, Any]]:
    match path.suffix:
        case ".json":
            return list(json.loads(path.read_text()))
        case ".jsonl":
            return [json.loads(line) for line in path.read_text().splitlines()]
        case ".parquet":
            return list(pyarrow.parquet.read_table(path).to_pylist())
        case _:
            with path.open(newline="") as stream:
                return list(csv.DictReader(stream))


@pytest.mark.parametrize("form", ["json", "jsonl", "parquet"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_rows_come_back(tmp_path: Path, form: str, count: int) -> None:
    path = tmp_path / f"out.{form}"
    write(path, ROWS[:count])
    assert read(path) == ROWS[:count]


def test_csv_comes_back_as_text(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write(path, ROWS)
    as_text = [{key: "" if value is None else str(value) for key, value in row.items()} for row in ROWS]
    assert read(path) == as_text


def test_parquet_writes_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    rows = [ROWS[0] | {"start": float(number)} for number in range(20_000)]
    write(path, rows)
    assert pd.read_parquet(path)["start"].tolist() == [row["start"] for row in rows]


@pytest.mark.parametrize("form", writers.TABLES)
def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"out.{form}"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), writers.to_file(path, COLUMNS, form) as put:
        put(ROWS[0])
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@given(st.text(st.characters(exclude_characters="\0\r", codec="utf-8")))
def test_any_name_survives_csv(name: str) -> None:
    stream = io.StringIO(newline="")
    with writers.to_stream(stream, ["file"], "csv") as put:
        put({"file": name})
        put({"file": "next"})
    stream.seek(0)
    assert [row[0] for row in csv.reader(stream) if row][1:] == [name, "next"]


def test_a_suffix_that_names_no_format_is_refused() -> None:
    with pytest.raises(UsageError, match=r"out\.cvs: its suffix names no format; did you mean 'csv'\?"):
        writers.format_of(Path("out.cvs"))


def test_sets_of_labels_are_text_in_parquet(tmp_path: Path) -> None:
    with writers.to_file(tmp_path / "a.parquet", ["file", "labels"], "parquet") as put:
        put({"file": "a.wav", "labels": "anger+fear"})
    assert pd.read_parquet(tmp_path / "a.parquet")["labels"].tolist() == ["anger+fear"]


@pytest.mark.parametrize("count", [0, 1, 10, 25])
def test_partitions_are_read_as_one_table(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_files, "PARTITION_ROWS", 10)
    rows = [ROWS[0] | {"start": float(number), "message": None} for number in range(count)]
    path, form = writers.target(f"{tmp_path}/out/", "parquet")
    for _ in range(2):
        with writers.to_file(path, COLUMNS, form) as put:
            for row in rows:
                put(row)
    files = [f"part-{number:06}.parquet" for number in range(max(1, -(-count // 10)))]
    assert sorted(one.name for one in path.iterdir()) == files
    frame = pd.read_parquet(path)
    assert list(frame) == COLUMNS
    assert frame["start"].tolist() == [row["start"] for row in rows]
    schemas = [pyarrow.parquet.read_schema(path / name) for name in files]
    assert all(schema == schemas[0] for schema in schemas)


def test_partitions_that_fail_leave_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_files, "PARTITION_ROWS", 1)
    folder = tmp_path / "out"
    with writers.to_file(folder, COLUMNS, writers.PARTITIONS) as put:
        put(ROWS[0])
    with pytest.raises(KeyboardInterrupt), writers.to_file(folder, COLUMNS, writers.PARTITIONS) as put:
        put(ROWS[1])
        put(ROWS[1])
        raise KeyboardInterrupt
    assert pd.read_parquet(folder)["file"].tolist() == [ROWS[0]["file"]]
    assert list(tmp_path.iterdir()) == [folder]


def test_what_partitions_may_replace(tmp_path: Path) -> None:
    """Nothing but partitions: a home folder named by mistake stays as it is."""
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(UsageError, match=r"holds 'thesis\.doc', which is no partition"):
        writers.target(tmp_path, "parquet")
    with pytest.raises(UsageError, match="a folder, and csv is one file; name one, or take --format parquet"):
        writers.target(f"{tmp_path}/new/", "csv")
    with pytest.raises(UsageError, match="is a file; name another folder"):
        writers.target(f"{tmp_path}/thesis.doc/", "parquet")
    with pytest.raises(UsageError, match="add --format parquet for partitions"):
        writers.target(tmp_path, None)
    assert writers.target(tmp_path / "a.parquet", None) == (tmp_path / "a.parquet", "parquet")
    assert writers.target(f"{tmp_path}/a.parquet/", None) == (tmp_path / "a.parquet", writers.PARTITIONS)


def test_parquet_needs_a_file() -> None:
    with (
        pytest.raises(UsageError, match=r"-o NAME\.parquet"),
        writers.to_stream(io.StringIO(), COLUMNS, "parquet"),
    ):
        pass
