"""Learning from a teacher: labels by name, none that has heard whom it is tested on, and it is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import affekt
from affekt import model_folder
from affekt.config import TrainingCorpus, TrainingRecord
from affekt.errors import UsageError
from affekt.losses import distillation
from affekt.recipe import Recipe
from affekt.recognizer import Recognizer
from affekt.training.clips import Clips
from affekt.training.emotions import EmotionTask, Examples
from affekt.training.examples import Taught, labelled, selected, targets
from affekt.training.step import autocast
from affekt.training.task import Moment
from affekt.verbs.teaching import listen_all
from tests.fixtures import tiny, toy
from tests.fixtures.threads import one_thread

__all__ = ["one_thread"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus"), speakers=4, clips=1)


def teacher(folder: Path, corpus: str = "elsewhere", **changes: Any) -> Path:
    """The folder of a teacher that learnt from a corpus of this name."""
    learnt = TrainingCorpus(
        name=corpus, licence="for friends", non_commercial=True, citation="none", clips=9, speakers=3
    )
    record = TrainingRecord(corpora=[learnt], seconds=0.0, seed=0, command="none", commit="none", versions={})
    tiny.write(folder, training=record, **changes)
    return folder


def taught_by(recipe: Recipe, folder: Path, **keys: Any) -> Recipe:
    changes = {"teacher": str(folder), **keys}
    return recipe.model_copy(update={"distil": recipe.distil.model_copy(update=changes)})


def test_a_model_learns_from_a_teacher_and_names_its_corpora(table: Path, tmp_path: Path) -> None:
    recipe = taught_by(toy.recipe(table), teacher(tmp_path / "teacher"))
    lines: list[str] = []
    result = affekt.train(recipe, tmp_path / "run", say=lines.append)
    assert result.model is not None
    config = model_folder.open_folder(result.model).config
    assert [one.name for one in config.training.corpora] == ["toy", "elsewhere"]
    assert "elsewhere (for friends)" in config.licence
    alone = affekt.train(toy.recipe(table), tmp_path / "alone")
    assert alone.model is not None
    both = [(one / "model.safetensors").read_bytes() for one in (result.model, alone.model)]
    assert both[0] != both[1]
    assert not any("WARNING" in line for line in lines)


def test_labels_are_matched_by_name_and_scores_are_calibrated(table: Path, tmp_path: Path) -> None:
    heard = Recognizer.load(teacher(tmp_path / "teacher", temperature=2.0))
    recipe = toy.recipe(table).model_copy(update={"labels": ("sadness", "anger", "neutral")})
    rows, _ = labelled(selected(recipe), recipe.labels)
    clips = Clips(rows)
    found = listen_all(heard, clips, targets(rows, recipe.labels))
    expected = heard.logits([clips.samples(5)])[0] / 2
    assert found.logits[5].tolist() == pytest.approx([expected[3], expected[0], expected[2]])
    assert found.logits.shape == (len(clips), 3)


def test_a_teacher_of_the_tested_corpus_is_refused_and_of_validation_speakers_warned_of(
    table: Path, tmp_path: Path
) -> None:
    recipe = taught_by(toy.recipe(table), teacher(tmp_path / "teacher", "toy"))
    with pytest.raises(UsageError, match=r"learnt from toy, so it has heard the speakers") as caught:
        affekt.train(recipe, tmp_path / "cv", protocol="loso")
    assert "\n" not in str(caught.value)
    lines: list[str] = []
    affekt.train(recipe, tmp_path / "run", say=lines.append)
    assert any(line.startswith("WARNING: the teacher learnt from toy") for line in lines)


def test_a_teacher_that_does_not_know_an_emotion_is_refused(table: Path, tmp_path: Path) -> None:
    folder = teacher(tmp_path / "teacher", labels=["anger", "happiness", "neutral", "boredom"])
    with pytest.raises(UsageError, match="does not know sadness"):
        affekt.train(taught_by(toy.recipe(table), folder), tmp_path / "run")
    with pytest.raises(UsageError, match="neither a known model nor a folder"):
        affekt.train(taught_by(toy.recipe(table), tmp_path / "none"), tmp_path / "other")


def test_the_share_of_the_loss_is_what_was_asked(table: Path) -> None:
    recipe = toy.recipe(table)
    examples = toy.examples(recipe)
    said = torch.randn(len(examples.clips), 3, generator=torch.Generator().manual_seed(0))
    taught = Examples(examples.clips, examples.targets, examples.train, examples.validation, Taught(said, ()))
    rows, logits = examples.train[:4], torch.randn(4, 3, generator=torch.Generator().manual_seed(1))

    def losses(of: Examples, share: float) -> torch.Tensor:
        changed = taught_by(recipe, Path("any"), weight=share, temperature=3.0)
        return EmotionTask(of, changed, lambda: autocast(changed)).loss(logits, rows, Moment(0, 0, 1))[0]

    labels, scores, mixed = losses(examples, 0.3), losses(taught, 1.0), losses(taught, 0.3)
    assert torch.allclose(mixed, 0.7 * labels + 0.3 * scores)
    assert torch.allclose(losses(taught, 0.0), labels)
    softened = [(one / 3).log_softmax(1) for one in (said[rows], logits)]
    expected = 9 * (softened[0].exp() * (softened[0] - softened[1])).sum(1)
    assert torch.allclose(scores, expected, atol=1e-6)
    digests = {EmotionTask(of, recipe, lambda: autocast(recipe)).digest() for of in (examples, taught)}
    assert len(digests) == 2


@given(st.integers(0, 99), st.floats(0.5, 20), st.integers(1, 5))
def test_divergence_is_least_where_both_say_the_same(seed: int, temperature: float, allowed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    logits, taught = (3 * torch.randn(4, 5, generator=random) for _ in range(2))
    known = torch.arange(5).expand(4, 5) < allowed
    logits.requires_grad_()
    losses = distillation(logits, taught, known, temperature=temperature)
    assert (losses >= -1e-5).all() and losses.isfinite().all()
    losses.sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    said, meant = ((one / temperature).masked_fill(~known, -np.inf).softmax(1) for one in (logits, taught))
    assert torch.allclose(logits.grad, temperature * (said - meant), atol=1e-4)
    same = distillation(taught + 7, taught, known, temperature=temperature)
    assert same.abs().max() < 1e-3
