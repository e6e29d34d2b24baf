"""Losses of embeddings in the loop: a head of centroids, centres that are kept, batches over corpora."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from affekt import recipe as recipes
from affekt.errors import UsageError
from affekt.models import build
from affekt.recipe import Recipe
from affekt.training.emotions import EmotionTask
from affekt.training.fit import Fit
from affekt.training.journal import Journal
from affekt.training.scoring import score_rows
from affekt.training.step import Step, autocast
from tests.fixtures import toy


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One corpus three times as large as the other."""
    folder = tmp_path_factory.mktemp("corpora")
    return toy.corpus(folder, speakers=3, clips=2), toy.corpus(folder, speakers=3, clips=1, name="less")


def changed(recipe: Recipe, **train: Any) -> Recipe:
    """The recipe with other keys of `train`, checked."""
    plain = recipe.model_dump(mode="json")
    plain["train"] |= train
    return recipes.parse(plain, "test")


def start(recipe: Recipe, folder: Path) -> tuple[Fit, EmotionTask]:
    """A run that has not begun, and its task."""
    task = EmotionTask(toy.examples(recipe), recipe, lambda: autocast(recipe))
    return Fit(build(recipe, len(task.examples.targets.labels)), task, recipe, folder), task


def test_without_cross_entropy_the_nearest_centroid_decides(
    corpora: tuple[Path, Path], tmp_path: Path
) -> None:
    losses = {"cross_entropy": 0.0, "triplet": 1.0}
    recipe = changed(toy.recipe(corpora[0]), losses=losses, balance="classes", epochs=8, learning_rate=0.01)
    fit, task = start(recipe, tmp_path)
    network = fit.run(Journal(tmp_path / "log.jsonl"))
    learnt, rows = task.examples.targets, task.examples.train
    vectors = torch.from_numpy(score_rows(network, task.examples.clips, rows, output="embedding"))
    logits = torch.from_numpy(score_rows(network, task.examples.clips, rows))
    positions = learnt.positions[rows]
    centroids = torch.stack([vectors[positions == at].mean(0) for at in range(3)])
    nearest = torch.cdist(vectors, centroids).argmin(1)
    assert (logits.argmax(1) == nearest).float().mean() > 0.95
    assert max(row["validation_uar"] for row in fit.position.history) > 0.6


def test_centres_are_those_of_the_classes_and_are_kept(corpora: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = changed(toy.recipe(corpora[0]), losses={"centre": 0.1}, epochs=3)
    fit, task = start(recipe, tmp_path)
    network = fit.run(Journal(tmp_path / "log.jsonl"))
    centres = network.state_dict()["head.centres"]
    assert centres.shape == (3, 8) and (centres.norm(dim=1) > 0.1).all()
    rows = task.examples.train
    vectors = torch.from_numpy(score_rows(network, task.examples.clips, rows, output="embedding"))
    units, positions = functional.normalize(vectors), task.examples.targets.positions[rows]
    own = (units - centres[positions]).square().sum(1).mean()
    assert own < (units - centres[(positions + 1) % 3]).square().sum(1).mean()
    resumed, _ = start(recipe, tmp_path)
    again = resumed.run(Journal(tmp_path / "log.jsonl"), resume=True)
    assert torch.equal(again.state_dict()["head.centres"], centres)


def test_corpora_share_every_batch(corpora: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = changed(toy.recipe(*corpora), balance="corpora", batch_clips=6)
    fit, task = start(recipe, tmp_path)
    plans = [fit._plan(epoch) for epoch in range(8)]
    codes = task.examples.targets.corpora
    for batch in (one for plan in plans for one in plan):
        assert np.bincount(codes[batch]).tolist() == [len(batch) // 2] * 2
    assert {int(row) for plan in plans for one in plan for row in one} == set(task.examples.train.tolist())
    assert str(plans[0]) == str(fit._plan(0)) != str(plans[1])


@pytest.mark.parametrize("balance", ["none", "corpora"])
def test_an_epoch_hears_a_part_of_each_corpus(
    balance: str, corpora: tuple[Path, Path], tmp_path: Path
) -> None:
    fit, task = start(changed(toy.recipe(*corpora), balance=balance, corpus_clips=4), tmp_path)
    plans = [fit._plan(epoch) for epoch in range(12)]
    for plan in plans:
        assert np.bincount(task.examples.targets.corpora[np.concatenate(plan)]).tolist() == [4, 4]
    assert {int(row) for plan in plans for one in plan for row in one} == set(task.examples.train.tolist())
    assert fit.steps == sum(map(len, plans[: fit.recipe.train.epochs]))


def test_settings_that_cannot_be_met_are_refused(corpora: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = toy.recipe(corpora[0])
    with pytest.raises(UsageError, match="balance=classes"):
        changed(recipe, losses={"triplet": 1.0})
    with pytest.raises(UsageError, match="one must count"):
        changed(recipe, losses={"cross_entropy": 0.0})
    with pytest.raises(UsageError, match="say balance=classes"):
        changed(recipe, batch_classes=2)


def test_a_waveforms_picture_is_masked_in_time_alone(corpora: tuple[Path, Path]) -> None:
    words = ["system=facenet", *toy.SHAPES["facenet"], "augment.time_masks=1"]
    steps = {
        picture: Step(build(made, 3), made)
        for picture in ("spectrogram", "waveform")
        for made in [recipes.load(None, [*words, f"network.picture={picture}"])]
    }
    assert steps["spectrogram"].changes == steps["spectrogram"].recipe.augment
    assert steps["waveform"].changes.frequency_masks == 0 and steps["waveform"].changes.warp == 0
    assert steps["waveform"].changes.time_masks == 1
