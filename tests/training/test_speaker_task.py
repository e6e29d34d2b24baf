"""Speakers as a task: pieces of clips, each a function of its seed, and classes for each speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from affekt import corpora
from affekt.errors import UsageError
from affekt.recipe import Recipe
from affekt.training.clips import Clips
from affekt.training.speakers import SpeakerTask
from affekt.training.task import Moment
from tests.fixtures import toy


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy corpus of clips between one and two seconds."""
    return toy.corpus(tmp_path_factory.mktemp("corpus"), speakers=3, clips=1, seconds=(1.0, 2.0))


def task(table: Path, **speakers: object) -> SpeakerTask:
    """The task on a table; `speakers` are keys of the recipe's section of that name."""
    recipe = Recipe.model_validate({"task": "speakers", "speakers": {"crop_seconds": 0.5, **speakers}})
    rows = corpora.load(str(table))
    return SpeakerTask(Clips(rows), list(corpora.speaker_key(rows)), recipe)


def test_each_speaker_at_each_speed_is_a_class(table: Path) -> None:
    made = task(table, speeds=(1.0, 0.9))
    assert made.labels == ("toy/s0", "toy/s1", "toy/s2", "toy/s0 at 0.9", "toy/s1 at 0.9", "toy/s2 at 0.9")
    seconds = Clips(corpora.load(str(table))).seconds
    pieces = int(np.maximum(1, np.round(seconds / 0.5)).sum())
    assert len(made.train) == len(made.ids) == 2 * pieces
    assert len(set(made.ids)) == len(made.ids)
    logits = torch.full((len(made.train), 6), -1.0)
    losses, weights = made.loss(logits, made.train, Moment(0, 0, 10))
    assert losses.isfinite().all() and (weights == 1).all()


def test_a_piece_depends_on_seed_epoch_and_example_alone(table: Path) -> None:
    made = task(table, noise=1.0, reverberation=1.0)
    together, lengths = made.collate(np.array([3, 0, 5]), 2)
    assert together.shape == (3, 8000) and lengths.tolist() == [8000] * 3
    alone, _ = task(table, noise=1.0, reverberation=1.0).collate(np.array([0]), 2)
    assert torch.equal(together[1], alone[0])
    assert not torch.equal(made.collate(np.array([0]), 3)[0], alone)


def test_nothing_is_distorted_unless_asked_for(table: Path) -> None:
    made = task(table, noise=0.0, reverberation=0.0, speeds=(1.0,))
    piece = made.collate(np.array([0]), 0)[0][0].numpy()
    clip = Clips(corpora.load(str(table))).samples(0)
    found = np.lib.stride_tricks.sliding_window_view(clip, len(piece))
    assert (found == piece).all(axis=1).any()


def test_noise_comes_from_the_folder_that_is_named(table: Path, tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 3000 * np.arange(32_000) / 16_000)
    soundfile.write(tmp_path / "tone.wav", tone, 16_000)
    made = task(table, noise=1.0, reverberation=0.0, noises=str(tmp_path), snr=(-30.0, -30.0))
    piece = made.collate(np.array([0]), 0)[0][0].numpy()
    spectrum = np.abs(np.fft.rfft(piece))
    assert abs(np.argmax(spectrum) * 16_000 / len(piece) - 3000) < 5
    with pytest.raises(UsageError, match=r"speakers\.noises: .* holds no recordings"):
        task(table, noises=str(tmp_path / "nothing"))


def test_the_margin_rises_on_the_way(table: Path) -> None:
    made = task(table, margin=0.3, loss="am", margin_start=0.0, margin_end=1.0)
    logits = torch.zeros(4, len(made.labels))
    first, last = (made.loss(logits, made.train[:4], Moment(0, step, 10))[0].mean() for step in (0, 9))
    assert last > first + 5
