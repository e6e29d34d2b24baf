"""Emotions as a task: masked copies are more samples; classes that a corpus lacks weigh what is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from affekt.recipe import Recipe
from affekt.training.emotions import EmotionTask
from affekt.training.fit import autocast
from tests.fixtures import toy


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Two corpora, one of which knows no sadness."""
    folder = tmp_path_factory.mktemp("corpora")
    known = toy.corpus(folder, speakers=2, clips=1)
    fewer = toy.corpus(folder, speakers=2, clips=1, emotions=("anger", "neutral"), name="fewer")
    return toy.recipe(known, fewer, validation_speakers=0)


def task(recipe: Recipe, section: str, **keys: Any) -> EmotionTask:
    """The task with these keys of one section of the recipe."""
    made = recipe.model_copy(update={section: getattr(recipe, section).model_copy(update=keys)})
    return EmotionTask(toy.examples(made), made, lambda: autocast(made))


def test_copies_are_additional_samples_with_draws_of_their_own(two: Recipe) -> None:
    plain, copied = task(two, "augment", copies=0), task(two, "augment", copies=2)
    clips = len(plain.examples.clips)
    assert len(plain.train) == clips and len(copied.train) == 3 * clips
    assert plain.changed(plain.train).all()
    assert copied.changed(copied.train).tolist() == [False] * clips + [True] * 2 * clips
    assert len(set(copied.ids)) == 3 * clips and list(copied.ids[:clips]) == list(plain.ids)
    rows = np.array([1, 1 + clips, 1 + 2 * clips])
    samples, _ = copied.collate(rows, 0)
    assert torch.equal(samples[0], samples[1]) and torch.equal(samples[0], samples[2])
    logits = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))[:1].expand(3, 3)
    losses, weights = copied.loss(logits, rows, 0, 1)
    assert len(set(losses.tolist())) == 1 and len(set(weights.tolist())) == 1


def test_classes_that_a_corpus_lacks_weigh_what_is_asked(two: Recipe) -> None:
    fewer = np.flatnonzero(~task(two, "train").examples.targets.allowed[:, 2].numpy())[:1]
    logits = torch.tensor([[1.0, 0.0, 2.0]])
    losses = [
        float(task(two, "train", absent_classes=weight, label_smoothing=0.0).loss(logits, fewer, 0, 1)[0])
        for weight in (0.0, 0.1, 1.0)
    ]
    target = int(task(two, "train").examples.targets.positions[fewer[0]])
    weighed = torch.tensor([[0.0, 0.0, w] for w in (0.0, 0.1, 1.0)])
    weighed[:, :2] = 1
    expected = -(logits.exp() * weighed / (logits.exp() * weighed).sum(1, keepdim=True)).log()[:, target]
    assert losses == pytest.approx(expected.tolist(), rel=1e-5)
    assert losses[0] < losses[1] < losses[2]
