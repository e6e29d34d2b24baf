"""Embeddings: a row for every clip or window, also for those that fail, and a map of what sorts them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from affekt import cli
from affekt.embedding_map import agreement, draw, embedding_map
from affekt.errors import UsageError
from affekt.verbs.embed import COLUMNS, Embedder, columns, embed, plot
from tests.fixtures import tiny, toy


@pytest.fixture(scope="module")
def embedder(tiny_model_folder: Path) -> Embedder:
    """The tiny network: the energy in eight bands."""
    return Embedder(tiny_model_folder, threads=1)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three speakers' clips in a folder, with a table of them."""
    return toy.corpus(tmp_path_factory.mktemp("clips"), speakers=3, clips=1)


def vector(row: dict[str, object]) -> list[object]:
    """The row's vector."""
    return [value for key, value in row.items() if key not in COLUMNS]


def test_a_row_for_every_recording_also_for_those_that_fail(
    embedder: Embedder, clips: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    found = list(embed([clips.parent / "toy", bad, tmp_path / "none.wav"], embedder))
    assert len(found) == 11 and all(list(row) != [] and set(row) == set(columns(embedder)) for row in found)
    assert [row["error"] is None for row in found] == [True] * 9 + [False] * 2
    assert all(value is None for row in found[9:] for value in vector(row))
    assert found[9]["status"] == f"error:{found[9]['error']}" and str(bad) in str(found[9]["message"])
    samples, _ = soundfile.read(found[0]["file"], dtype="float32")
    assert vector(found[0]) == pytest.approx(embedder(samples).tolist(), rel=1e-5)
    assert found[0]["end"] == pytest.approx(len(samples) / toy.RATE)


def test_windows_leave_nothing_out(embedder: Embedder, tmp_path: Path) -> None:
    samples = np.concatenate([toy.clip("anger", 1, 1.3), toy.clip("sadness", 1, 1.3)])
    soundfile.write(tmp_path / "long.wav", samples, toy.RATE, subtype="FLOAT")
    found = list(embed(tmp_path / "long.wav", embedder, window=1.0))
    assert [(row["start"], row["end"]) for row in found] == [
        (0.0, 1.0), (0.5, 1.5), (1.0, 2.0), (1.5, 2.5), (1.6, 2.6),
    ]  # fmt: skip
    assert vector(found[-1]) == pytest.approx(embedder(samples[-16_000:]).tolist(), rel=1e-4)
    assert len(list(embed(tmp_path / "long.wav", embedder, window=5.0))) == 1
    for window, hop, problem in ((None, 1.0, "give --window"), (1.0, 2.0, "gaps"), (0.0, None, "at least")):
        with pytest.raises(UsageError, match=problem):
            embed(tmp_path / "long.wav", embedder, window=window, hop=hop)


def test_labelled_sources_bring_their_labels(embedder: Embedder, clips: Path, tmp_path: Path) -> None:
    found = list(embed([str(clips)], embedder))
    assert {row["speaker"] for row in found} == {"s0", "s1", "s2"}
    assert {row["emotion"] for row in found} == set(toy.SWEEPS) and found[0]["corpus"] == "toy"
    lines = plot(found, tmp_path / "map.png", title="tiny")
    assert (tmp_path / "map.png").read_bytes()[:4] == b"\x89PNG"
    assert "emotion" in lines[0] and "speaker" in lines[1]
    with pytest.raises(UsageError, match="0 clips with an emotion and a speaker"):
        plot([], tmp_path / "map.png")


def test_the_map_tells_emotions_from_speakers(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    emotions = np.repeat(["anger", "neutral", "sadness"], 40).tolist()
    speakers = np.tile(["s1", "s2", "s3", "s4"], 30).tolist()
    by_emotion = np.eye(8)[[ord(one[0]) % 8 for one in emotions]] + 0.1 * random.standard_normal((120, 8))
    found = embedding_map(by_emotion, emotions, speakers)
    assert found.by_emotion.neighbours > 0.95 and found.by_emotion.chance == pytest.approx(1 / 3, abs=0.02)
    assert abs(found.by_speaker.neighbours - found.by_speaker.chance) < 0.15
    assert found.by_emotion.silhouette is not None and found.by_emotion.silhouette > 0.5
    assert found.by_speaker.silhouette is not None and found.by_speaker.silhouette < 0.1
    by_speaker = np.eye(8)[[int(one[1]) for one in speakers]] + 0.1 * random.standard_normal((120, 8))
    other = embedding_map(by_speaker, emotions, speakers, method="tsne")
    assert other.by_speaker.neighbours > 0.95 and other.points.shape == (120, 2)
    draw(other, tmp_path / "map.png")


def test_neighbours_are_those_that_differ_in_the_other_label() -> None:
    units = np.array([[1.0, 0], [0.99, 0.14], [0, 1.0], [0.6, 0.8]])
    # Each against the two of the other speaker: only the first finds its own emotion nearest.
    found = agreement(units, ["anger", "sadness", "anger", "anger"], ["s1", "s1", "s2", "s2"])
    assert found.neighbours == pytest.approx(1 / 4) and found.chance == pytest.approx((1 + 0 + 0.5 + 0.5) / 4)


def test_the_command_writes_a_table_and_a_map(tiny_model_folder: Path, clips: Path, tmp_path: Path) -> None:
    table, picture = tmp_path / "v.csv", tmp_path / "map.png"
    words = ["embed", str(clips), "--model", str(tiny_model_folder), "-o", str(table), "--plot", str(picture)]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("by emotion, among other speakers: ")
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 9 and float(rows[0][f"e{tiny.BANDS - 1}"]) != 0 and picture.exists()
    missing = CliRunner().invoke(
        cli.app, ["embed", str(tmp_path / "no.wav"), "--model", str(tiny_model_folder)]
    )
    assert missing.exit_code == 1 and "error:not_found" in missing.stdout.replace("-", "_")
