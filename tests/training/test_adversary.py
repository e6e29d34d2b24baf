"""Speakers unlearnt: the gradient turns round, no model has the head, a stopped run goes on exactly."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from affekt import recipe as recipes
from affekt.errors import CorpusError, UsageError
from affekt.losses import reversal_at, reversed_gradient
from affekt.model_folder import open_folder, read_weights
from affekt.models import build
from affekt.recipe import Recipe
from affekt.training import transfer
from affekt.training.adversary import Adversary
from affekt.training.emotions import EmotionTask
from affekt.training.journal import Journal
from affekt.training.step import autocast
from affekt.training.task import Moment
from affekt.verbs.train import train
from tests.fixtures import toy
from tests.training.test_fit import Interrupter, digest, start, weights


def adversarial(table: Path, weight: float = 1.0, **more: object) -> Recipe:
    """The toy recipe with an adversary."""
    keys = {"losses": f"{{adversarial: {weight}, adversarial_rise: 10}}"} | more
    return toy.recipe(table, **keys)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four speakers."""
    return toy.corpus(tmp_path_factory.mktemp("corpus"), speakers=4)


def test_the_gradient_is_turned_round_and_scaled() -> None:
    values = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    weights_ = torch.randn(3, 4, dtype=torch.float64)
    turned = reversed_gradient(values, 0.3)
    assert torch.equal(turned, values)
    (turned * weights_).sum().backward()  # type: ignore[no-untyped-call]
    assert torch.allclose(values.grad, -0.3 * weights_)  # type: ignore[arg-type]


def test_the_strength_rises_from_nothing_to_nearly_one() -> None:
    rise = [reversal_at(step, 100, gamma=10.0) for step in range(101)]
    assert rise[0] == 0 and rise == sorted(rise)
    assert rise[50] == pytest.approx(2 / (1 + math.exp(-5)) - 1) and 0.999 < rise[100] < 1


def test_embeddings_flee_from_what_the_head_learns(table: Path) -> None:
    recipe = adversarial(table, 2.0)
    head = Adversary(8, 3, recipe)
    embeddings = torch.randn(6, 8, requires_grad=True)
    speakers = torch.tensor([0, 1, 2, 0, 1, 2])

    def loss(vectors: torch.Tensor, step: int) -> torch.Tensor:
        return functional.cross_entropy(head(vectors, Moment(0, step, 10)), speakers)

    loss(embeddings, 10).backward()  # type: ignore[no-untyped-call]
    assert embeddings.grad is not None
    with torch.no_grad():
        assert loss(embeddings - 0.1 * embeddings.grad, 10) > loss(embeddings, 10)
        for one in head.parameters():
            assert one.grad is not None
            one.sub_(0.1 * one.grad)
    before = torch.randn(6, 8, requires_grad=True)
    loss(before, 0).backward()  # type: ignore[no-untyped-call]
    assert before.grad is not None and not before.grad.any()


def test_an_adversary_takes_speakers_out_of_embeddings_and_leaves_emotions(table: Path) -> None:
    classes, speakers = torch.arange(48) % 3, torch.arange(48) // 16
    heard = torch.cat([functional.one_hot(one, 3).float() for one in (classes, speakers)], 1)
    heard = heard * torch.tensor([1.0] * 3 + [2.0] * 3)
    found = {}
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        trunk, head = nn.Linear(6, 8), nn.Linear(8, 3)
        adversary = Adversary(8, 3, adversarial(table, weight))
        learning = [*trunk.parameters(), *head.parameters(), *adversary.parameters()]
        for step in range(300):
            vectors = trunk(heard)
            whose = functional.cross_entropy(adversary(vectors, Moment(0, step, 300)), speakers)
            loss = functional.cross_entropy(head(vectors), classes) + whose
            for one, gradient in zip(learning, torch.autograd.grad(loss, learning), strict=True):
                one.data.sub_(0.1 * (1 - step / 300) * gradient)
        found[weight] = float(whose.detach()), between(vectors.detach(), speakers)
    # As good as a guess among three, and less of the variance.
    assert found[0.0][0] < 0.2 and found[1.0][0] > 0.9 * math.log(3), found
    assert found[1.0][1] < 0.75 * found[0.0][1], found
    assert (head(trunk(heard)).argmax(1) == classes).all()


def between(vectors: torch.Tensor, kinds: torch.Tensor) -> float:
    """The share of the variance that lies between kinds."""
    means = torch.stack([vectors[kinds == kind].mean(0) for kind in range(3)])[kinds]
    return float((means - vectors.mean(0)).square().sum() / (vectors - vectors.mean(0)).square().sum())


def test_speakers_that_are_watched_have_no_place_in_the_head(table: Path) -> None:
    recipe = adversarial(table)
    examples = toy.examples(recipe)
    task = EmotionTask(examples, recipe, lambda: autocast(recipe))
    assert task.speakers == 3
    assert set(task._speaker[examples.train].tolist()) == {0, 1, 2}
    assert set(task._speaker[examples.validation].tolist()) == {-1}
    rows = examples.train[:4]
    logits = torch.randn(4, 3)
    expected = functional.cross_entropy(logits, task._speaker[rows], reduction="none")
    assert torch.allclose(task.speaker_loss(logits, rows, Moment(0, 0, 1)), expected)
    mixed = recipe.model_copy(update={"augment": recipe.augment.model_copy(update={"mixup": 1.0})})
    task = EmotionTask(examples, mixed, lambda: autocast(mixed))
    theirs = [task._partner(int(row), 0) for row in rows]
    other = functional.cross_entropy(logits, task._speaker[[row for row, _ in theirs]], reduction="none")
    shares = torch.tensor([share for _, share in theirs])
    assert torch.allclose(
        task.speaker_loss(logits, rows, Moment(0, 0, 1)), (1 - shares) * expected + shares * other
    )


def test_a_run_stopped_at_any_step_ends_as_one_that_was_not(tmp_path: Path, table: Path) -> None:
    recipe = adversarial(table, average=0.5)
    examples = toy.examples(recipe)
    whole = tmp_path / "whole"
    fit = start(recipe, examples, whole)
    network = fit.run(Journal(whole / "log.jsonl"))
    expected = digest(whole), weights(network)
    assert fit.adversary is not None and all(one.grad is None for one in fit.adversary.parameters())
    plain = toy.recipe(table, average=0.5)
    assert weights(start(plain, examples, tmp_path / "plain").run(Journal(None))) != expected[1]
    for step in (1, 3, 5):
        folder = tmp_path / str(step)
        with pytest.raises(KeyboardInterrupt):
            start(recipe, examples, folder).run(Interrupter(folder / "log.jsonl", step))
        resumed = start(recipe, examples, folder).run(Journal(folder / "log.jsonl"), resume=True)
        assert (digest(folder), weights(resumed)) == expected


def test_the_head_is_in_no_model_and_joins_transfer_and_balance(tmp_path: Path, table: Path) -> None:
    recipe = adversarial(table, epochs=1, balance="classes")
    first = train(recipe, tmp_path / "first")
    assert first.model is not None
    folder = open_folder(first.model)
    assert set(read_weights(folder)) == set(build(recipe, 3).state_dict())
    assert folder.config.recipe["train"]["losses"]["adversarial"] == 1.0
    again = recipe.model_copy(update={"init": str(first.model)})
    fit = start(again, toy.examples(again), tmp_path / "second")
    transfer.start(fit.network, again, ("anger", "neutral", "sadness"), transfer.from_folder(first.model))
    assert set(fit.run(Journal(None)).state_dict()) == set(read_weights(folder))
    assert fit.position.history[0]["speaker_loss"] > 0


def test_what_cannot_be_unlearnt_is_refused(tmp_path: Path, table: Path) -> None:
    recipe = adversarial(table)
    examples = toy.examples(recipe)
    nobody = replace(examples, targets=replace(examples.targets, speakers=None))
    with pytest.raises(CorpusError, match="needs the speaker of every clip"):
        EmotionTask(nobody, recipe, lambda: autocast(recipe))
    codes = examples.targets.speakers
    assert codes is not None
    alone = replace(examples, train=np.flatnonzero(codes == codes[examples.train[0]]))
    with pytest.raises(CorpusError, match="1 speakers to train on"):
        start(recipe, alone, tmp_path)
    plain = recipe.model_dump(mode="json") | {"init": "somewhere", "transfer": {"freeze": True}}
    with pytest.raises(UsageError, match="leaves it nothing to change"):
        recipes.parse(plain, "test")
