"""Clips: read once, named when they cannot be, and padded with nothing but zeros."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from affekt import corpora
from affekt.errors import CorpusError
from affekt.training import clips as module
from affekt.training.clips import Clips, prefetch
from affekt.training.examples import labelled, targets
from tests.fixtures import toy


def test_clips_are_read_padded_and_numbered(tmp_path: Path) -> None:
    table = corpora.load(str(toy.corpus(tmp_path, speakers=2, clips=1)))
    seen: list[tuple[int, int]] = []
    read = Clips(table, lambda done, total: seen.append((done, total)))
    assert seen == [(at + 1, 6) for at in range(6)]
    assert len(set(read.ids)) == 6
    batch, lengths = read.collate([4, 1])
    for row, length, at in zip(batch, lengths, (4, 1), strict=True):
        expected, _ = soundfile.read(table["path"][at], dtype="float32")
        assert np.abs(row[: int(length)].numpy() - expected).max() < 1e-4
        assert read.seconds[at] == pytest.approx(len(expected) / 16_000)
        assert not row[int(length) :].any()
    backwards = Clips(table.iloc[::-1].reset_index(drop=True))
    assert backwards.ids == read.ids[::-1]


def test_spans_of_one_recording_are_clips_of_their_own(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "call.wav", toy.speech(), 16_000)
    table = tmp_path / "spans.csv"
    table.write_text("file,start,end,emotion\ncall.wav,0.5,1.25,anger\ncall.wav,1.25,,sadness\n")
    read = Clips(corpora.load(str(table)))
    assert read.seconds.tolist() == [0.75, 0.75]
    assert read.ids[0] != read.ids[1]
    assert np.abs(read.samples(0) - toy.speech()[8_000:20_000]).max() < 1e-4


def test_clips_beyond_the_memory_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = corpora.load(str(toy.corpus(tmp_path, speakers=2, clips=1)))
    kept = Clips(table)
    monkeypatch.setattr(module, "MEMORY_BYTES", 60_000)
    forgotten = Clips(table)
    for row in range(len(table)):
        assert np.array_equal(kept.samples(row), forgotten.samples(row))


def test_clips_that_cannot_be_used_are_named_together(tmp_path: Path) -> None:
    table = toy.corpus(tmp_path, speakers=2)
    for name in ("s0-anger-0", "s1-sadness-1"):
        (tmp_path / "toy" / f"{name}.wav").write_bytes(b"RIFF....WAVE, or is it?")
    (tmp_path / "toy" / "s1-neutral-0.wav").unlink()
    with pytest.raises(CorpusError) as caught:
        Clips(corpora.load(str(table)))
    message = str(caught.value)
    assert message.startswith("3 clips cannot be used")
    for name in ("s0-anger-0.wav", "s1-sadness-1.wav", "s1-neutral-0.wav"):
        assert name in message
    assert "\n" not in message


def test_prefetching_keeps_the_order_and_passes_errors_on() -> None:
    def make(number: int) -> tuple[torch.Tensor, torch.Tensor]:
        if number == 7:
            raise ValueError("seven")
        return torch.tensor(number), torch.tensor(-number)

    assert [(item, int(one), int(other)) for item, one, other in prefetch(make, range(5))] == [
        (at, at, -at) for at in range(5)
    ]
    with pytest.raises(ValueError, match="seven"):
        list(prefetch(make, range(9)))


def test_a_class_that_a_corpus_lacks_is_not_allowed_for_its_clips(tmp_path: Path) -> None:
    first = toy.corpus(tmp_path, speakers=1, clips=1)
    second = toy.corpus(tmp_path, speakers=1, clips=1, emotions=("sadness", "anger"), name="other")
    table, left_out = labelled(corpora.load_many([str(first), str(second)]), None)
    learnt = targets(table, None)
    assert (left_out, learnt.labels) == (0, ("anger", "neutral", "sadness"))
    assert learnt.allowed.tolist() == [[True] * 3] * 3 + [[True, False, True]] * 2
    assert [learnt.labels[at] for at in learnt.positions.tolist()] == table["emotion"].tolist()
    some, left_out = labelled(table, ["sadness", "anger"])
    assert (len(some), left_out) == (4, 1)
    assert targets(some, ["sadness", "anger"]).labels == ("sadness", "anger")
    with pytest.raises(CorpusError, match="fear"):
        targets(table, ["anger", "fear"])
    with pytest.raises(CorpusError, match="two are needed"):
        labelled(table, ["anger"])
