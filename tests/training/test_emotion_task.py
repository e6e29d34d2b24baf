"""Emotions as a task: masked copies are more samples; classes that a corpus lacks weigh what is asked."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from affekt.recipe import Recipe
from affekt.training.emotions import EmotionTask
from affekt.training.step import autocast
from affekt.training.task import Moment
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
    losses, weights = copied.loss(logits, rows, Moment(0, 0, 1))
    assert len(set(losses.tolist())) == 1 and len(set(weights.tolist())) == 1


def test_classes_that_a_corpus_lacks_weigh_what_is_asked(two: Recipe) -> None:
    fewer = np.flatnonzero(~task(two, "train").examples.targets.allowed[:, 2].numpy())[:1]
    logits = torch.tensor([[1.0, 0.0, 2.0]])
    losses = [
        float(
            task(two, "train", absent_classes=weight, label_smoothing=0.0).loss(
                logits, fewer, Moment(0, 0, 1)
            )[0]
        )
        for weight in (0.0, 0.1, 1.0)
    ]
    target = int(task(two, "train").examples.targets.positions[fewer[0]])
    weighed = torch.tensor([[0.0, 0.0, w] for w in (0.0, 0.1, 1.0)])
    weighed[:, :2] = 1
    expected = -(logits.exp() * weighed / (logits.exp() * weighed).sum(1, keepdim=True)).log()[:, target]
    assert losses == pytest.approx(expected.tolist(), rel=1e-5)
    assert losses[0] < losses[1] < losses[2]


def test_samples_are_changed_by_seed_epoch_and_clip_alone(two: Recipe) -> None:
    changed = task(
        two, "augment", speed=0.1, noise=0.5, reverberation=0.5, mixup=0.5, gain=0.5, telephone=0.5, codec=0.3
    )
    rows = changed.train
    together, lengths = changed.collate(rows, 3)
    for place, row in enumerate(rows[:4]):
        alone, length = changed.collate(rows[place : place + 1], 3)
        assert int(length[0]) == int(lengths[place]), row
        assert torch.equal(alone[0], together[place, : len(alone[0])]), row
    other, other_lengths = changed.collate(rows, 4)
    assert other.shape != together.shape or not torch.equal(other, together)
    plain = task(two, "augment", speed=0.0).collate(rows, 3)[1]
    # Speed, and up to a tenth of a second that a codec adds.
    assert (lengths != plain).any() and ((lengths - plain).abs() <= 0.12 * plain + 1600).all()
    assert len(set(other_lengths.tolist())) > 1


def test_what_is_mixed_in_has_its_share_of_the_loss(two: Recipe) -> None:
    mixed, plain = task(two, "augment", mixup=1.0), task(two, "augment", mixup=0.0)
    row = mixed.train[:1]
    logits = torch.tensor([[1.0, -0.5, 2.0]])
    partner, share = mixed._partner(int(row[0]), 5)
    assert 0 < share <= 0.5
    moment = Moment(5, 0, 1)
    (own, weight), (other, theirs) = (
        plain.loss(logits, np.array([one]), moment) for one in (int(row[0]), partner)
    )
    losses, weights = mixed.loss(logits, row, moment)
    assert float(weights) == pytest.approx(float((1 - share) * weight + share * theirs))
    expected = (1 - share) * weight * own + share * theirs * other
    assert float(losses * weights) == pytest.approx(float(expected), rel=1e-5)


def test_clips_are_left_alone_where_only_copies_change(two: Recipe) -> None:
    copied = task(two, "augment", copies=1, mixup=1.0, speed=0.1)
    clips = len(copied.examples.clips)
    samples, lengths = copied.collate(np.array([0]), 0)
    assert torch.equal(samples[0], torch.from_numpy(copied.examples.clips.samples(0)))
    assert int(copied.collate(np.array([clips]), 0)[1][0]) != int(lengths[0])
    logits = torch.tensor([[1.0, 0.0, 2.0]])
    plain = task(two, "augment", copies=1)
    same = [float(one.loss(logits, np.array([0]), Moment(0, 0, 1))[0]) for one in (copied, plain)]
    assert same[0] == pytest.approx(same[1])


def test_a_class_of_one_corpus_alone_does_not_outweigh_the_others_there(two: Recipe) -> None:
    made = task(two, "train")
    learnt = made.examples.targets
    few = np.bincount(learnt.positions.numpy())
    assert few[2] < few[0]
    # As many clips of each class within each corpus: nothing to make up for.
    assert torch.equal(made.weights, torch.ones(len(learnt.positions)))
    assert torch.equal(made.loss(torch.zeros(4, 3), np.arange(4), Moment(0, 0, 1))[1], torch.ones(4))

    anger = np.flatnonzero((learnt.corpora == learnt.corpora[0]) & (learnt.positions.numpy() == 0))
    made.examples = dataclasses.replace(made.examples, train=np.setdiff1d(made.train, anger[1:]))
    weights = made._weights()
    own = made.examples.train[learnt.corpora[made.examples.train] == learnt.corpora[0]]
    assert weights[own].mean() == pytest.approx(1) and weights[anger[0]] > 1.2
    others = np.flatnonzero(learnt.corpora != learnt.corpora[0])
    assert torch.equal(weights[others], torch.ones(len(others)))
