"""The loop: it learns, it stops where it should, and a stopped run ends as if it had not been stopped."""

from __future__ import annotations

import hashlib
import json
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from affekt.errors import CorpusError, TrainingError, UsageError
from affekt.models import build
from affekt.recipe import Recipe
from affekt.training import state
from affekt.training.emotions import EmotionTask, Examples
from affekt.training.fit import Fit
from affekt.training.journal import Journal
from affekt.training.scoring import score_rows
from affekt.training.step import autocast
from tests.fixtures import toy


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Two epochs of three steps."""
    return toy.recipe(toy.corpus(tmp_path_factory.mktemp("corpus"), speakers=4))


@pytest.fixture(scope="module")
def examples(recipe: Recipe) -> Examples:
    """The toy corpus, read once."""
    return toy.examples(recipe)


def start(recipe: Recipe, examples: Examples, folder: Path) -> Fit:
    """A run that has not begun."""
    folder.mkdir(parents=True, exist_ok=True)
    task = EmotionTask(examples, recipe, lambda: autocast(recipe))
    return Fit(build(recipe, len(examples.targets.labels)), task, recipe, folder)


def digest(folder: Path) -> str:
    """All tensors of the checkpoint, the position, and the log, to the bit."""
    content = hashlib.sha256((folder / "log.jsonl").read_bytes())
    for name, value in sorted(load_file(folder / state.CHECKPOINT).items()):
        content.update(name.encode() + value.contiguous().numpy().tobytes())
    return content.hexdigest()


def weights(network: nn.Module) -> bytes:
    """The network's tensors as bytes."""
    return b"".join(value.contiguous().numpy().tobytes() for value in network.state_dict().values())


class Interrupter(Journal):
    """Sends this process a signal at a chosen step, as Ctrl-C does."""

    def __init__(self, path: Path, at: int, number: signal.Signals = signal.SIGINT) -> None:
        super().__init__(path)
        self.at, self.number = at, number

    def step(self, done: int, total: int, epoch: int, loss: float) -> None:
        super().step(done, total, epoch, loss)
        if done == self.at:
            signal.raise_signal(self.number)


def test_the_toy_classes_are_learnt(tmp_path: Path, recipe: Recipe, examples: Examples) -> None:
    changes = {"epochs": 16, "learning_rate": 0.01}
    longer = recipe.model_copy(update={"train": recipe.train.model_copy(update=changes)})
    fit = start(longer, examples, tmp_path)
    network = fit.run(Journal(tmp_path / "log.jsonl"))
    losses = [row["train_loss"] for row in fit.position.history]
    assert losses[-1] < 0.8 * losses[0]
    assert max(row["validation_uar"] for row in fit.position.history) > 0.8
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows == fit.position.history
    assert [row["epoch"] for row in rows] == list(range(1, 17))
    best = max(rows, key=lambda row: (row["validation_uar"], -row["validation_loss"]))
    assert fit.position.best_epoch == best["epoch"]
    scores = score_rows(network, examples.clips, examples.validation)
    right = torch.from_numpy(scores).argmax(1) == examples.targets.positions[examples.validation]
    assert float(right.float().mean()) == pytest.approx(best["validation_uar"])


def test_a_run_stopped_at_any_step_ends_as_one_that_was_not(
    tmp_path: Path, recipe: Recipe, examples: Examples
) -> None:
    whole = tmp_path / "whole"
    fit = start(recipe, examples, whole)
    network = fit.run(Journal(whole / "log.jsonl"))
    assert fit.steps == 6
    expected = digest(whole), weights(network)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    for step in range(1, fit.steps + 1):
        folder = tmp_path / str(step)
        number = signal.SIGINT if step % 2 else signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            start(recipe, examples, folder).run(Interrupter(folder / "log.jsonl", step, number))
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
        assert digest(folder) != expected[0]
        resumed = start(recipe, examples, folder).run(Journal(folder / "log.jsonl"), resume=True)
        assert (digest(folder), weights(resumed)) == expected
    again = start(recipe, examples, whole).run(Journal(whole / "log.jsonl"), resume=True)
    assert (digest(whole), weights(again)) == expected


def test_the_average_of_the_weights_is_kept_and_resumed_to_the_bit(
    tmp_path: Path, recipe: Recipe, examples: Examples
) -> None:
    changed = recipe.model_copy(update={"train": recipe.train.model_copy(update={"average": 0.8})})
    everything = replace(examples, validation=examples.validation[:0])

    class Keeper(Journal):
        def __init__(self, path: Path, fit: Fit) -> None:
            super().__init__(path)
            self.fit, self.seen = fit, list[dict[str, torch.Tensor]]()

        def step(self, done: int, total: int, epoch: int, loss: float) -> None:
            self.seen.append({k: v.detach().clone() for k, v in self.fit.network.state_dict().items()})

    whole = tmp_path / "whole"
    fit = start(changed, everything, whole)
    keeper = Keeper(whole / "log.jsonl", fit)
    kept = fit.run(keeper)
    shares = torch.tensor([0.8**age for age in reversed(range(len(keeper.seen)))], dtype=torch.float64)
    for name, value in kept.state_dict().items():
        values = torch.stack([one[name].double() for one in keeper.seen])
        mean = (shares.view(-1, *(1,) * value.ndim) * values).sum(0) / shares.sum()
        expected = mean if value.is_floating_point() else values[-1]
        assert torch.allclose(value.double(), expected, atol=1e-5), name
    assert not torch.allclose(kept.state_dict()["bn1.running_var"], keeper.seen[-1]["bn1.running_var"])
    expected_bits = digest(whole), weights(kept)
    for step in (1, 4):
        folder = tmp_path / str(step)
        with pytest.raises(KeyboardInterrupt):
            start(changed, everything, folder).run(Interrupter(folder / "log.jsonl", step))
        resumed = start(changed, everything, folder).run(Journal(folder / "log.jsonl"), resume=True)
        assert (digest(folder), weights(resumed)) == expected_bits


def test_the_average_is_what_validation_hears(tmp_path: Path, recipe: Recipe, examples: Examples) -> None:
    changed = recipe.model_copy(update={"train": recipe.train.model_copy(update={"average": 0.9})})
    fit = start(changed, examples, tmp_path)
    network = fit.run(Journal(None))
    best = fit.position.history[fit.position.best_epoch - 1]
    found = EmotionTask(examples, changed, lambda: autocast(changed)).watch(network)
    assert found == pytest.approx({name: best[name] for name in found}, rel=1e-5)


def test_a_signal_while_an_epoch_is_scored_stops_too(
    tmp_path: Path, recipe: Recipe, examples: Examples
) -> None:
    class Late(Journal):
        def epoch(self, row: dict[str, float]) -> None:
            super().epoch(row)
            if row["epoch"] == 2:
                signal.raise_signal(signal.SIGTERM)

    fit = start(recipe, examples, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit.run(Late(tmp_path / "log.jsonl"))
    assert fit.position.finished


def test_a_run_in_a_thread_of_its_own_works(tmp_path: Path, recipe: Recipe, examples: Examples) -> None:
    fit = start(recipe, examples, tmp_path)
    thread = threading.Thread(target=fit.run, args=(Journal(None),))
    thread.start()
    thread.join()
    assert fit.position.finished


def test_another_runs_checkpoint_is_refused(tmp_path: Path, recipe: Recipe, examples: Examples) -> None:
    start(recipe, examples, tmp_path).run(Journal(None))
    before = (tmp_path / state.CHECKPOINT).read_bytes()
    other = recipe.model_copy(update={"seed": 1})
    fewer = replace(examples, train=examples.train[1:])
    for wanted, heard in ((other, examples), (recipe, fewer)):
        with pytest.raises(UsageError, match="another recipe or other clips"):
            start(wanted, heard, tmp_path).run(Journal(None), resume=True)
    assert (tmp_path / state.CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_checkpoint_is_refused_in_one_line(
    tmp_path: Path, recipe: Recipe, examples: Examples, damage: bytes
) -> None:
    (tmp_path / state.CHECKPOINT).write_bytes(damage)
    with pytest.raises(UsageError, match="not a checkpoint") as caught:
        start(recipe, examples, tmp_path).run(Journal(None), resume=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_before_it_does_harm(
    tmp_path: Path, recipe: Recipe, examples: Examples, broken: float
) -> None:
    fit = start(recipe, examples, tmp_path)
    before = weights(fit.network)

    class Breaker(Journal):
        def step(self, done: int, total: int, epoch: int, loss: float) -> None:
            if done == 4:
                assert isinstance(fit.task, EmotionTask)
                fit.task.weights = fit.task.weights * broken
                self.seen = [value.detach().clone() for value in fit.network.parameters()]

    journal = Breaker(tmp_path / "log.jsonl")
    with pytest.raises(TrainingError, match=r"epoch 2, step 2: .* rows \d") as caught:
        fit.run(journal)
    assert "\n" not in str(caught.value)
    for now, then in zip(fit.network.parameters(), journal.seen, strict=True):
        assert torch.equal(now, then)
    stored = load_file(tmp_path / state.CHECKPOINT)
    assert all(value.isfinite().all() for value in stored.values())
    kept = b"".join(stored[f"network.{name}"].numpy().tobytes() for name in fit.network.state_dict())
    assert kept != before
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1


def test_validation_that_is_not_finite_stops_the_run(
    tmp_path: Path, recipe: Recipe, examples: Examples
) -> None:
    fit = start(recipe, examples, tmp_path)

    class Breaker(Journal):
        def step(self, done: int, total: int, epoch: int, loss: float) -> None:
            if done == 3:
                fit.network.bn1.running_var.fill_(float("inf"))  # type: ignore[operator,union-attr]
                fit.network.bn1.running_mean.fill_(float("inf"))  # type: ignore[operator,union-attr]

    with pytest.raises(TrainingError, match="validation"):
        fit.run(Breaker(tmp_path / "log.jsonl"))
    assert (tmp_path / "log.jsonl").read_text() == ""


def test_patience_stops_early(tmp_path: Path, recipe: Recipe, examples: Examples) -> None:
    changes = {"epochs": 30, "patience": 2, "learning_rate": 1e-12}
    patient = recipe.model_copy(update={"train": recipe.train.model_copy(update=changes)})
    fit = start(patient, examples, tmp_path)
    fit.run(Journal(None))
    assert fit.position.epoch == fit.position.best_epoch + 2 < 30


def test_without_validation_the_last_weights_are_kept(
    tmp_path: Path, recipe: Recipe, examples: Examples
) -> None:
    everything = torch.arange(len(examples.clips)).numpy()
    fit = start(recipe, replace(examples, train=everything, validation=everything[:0]), tmp_path)
    network = fit.run(Journal(tmp_path / "log.jsonl"))
    assert fit.position.best_epoch == 2
    assert "validation_uar" not in fit.position.history[-1]
    stored = load_file(tmp_path / state.CHECKPOINT)
    assert all(torch.equal(value, stored[f"network.{name}"]) for name, value in network.state_dict().items())


def test_too_few_clips_are_refused_in_one_line(tmp_path: Path, recipe: Recipe, examples: Examples) -> None:
    with pytest.raises(CorpusError, match="1 clips to train on"):
        start(recipe, replace(examples, train=examples.train[:1]), tmp_path)


def test_scores_do_not_depend_on_the_batches(recipe: Recipe, examples: Examples, tmp_path: Path) -> None:
    network = start(recipe, examples, tmp_path).run(Journal(None))
    rows = torch.randperm(len(examples.clips)).numpy()
    alone = score_rows(network, examples.clips, rows, batch_seconds=0.01)
    together = score_rows(network, examples.clips, rows, batch_seconds=1000)
    assert abs(alone - together).max() < 1e-5


def test_the_front_end_stays_in_whole_precision(recipe: Recipe, examples: Examples, tmp_path: Path) -> None:
    rough = recipe.model_copy(update={"train": recipe.train.model_copy(update={"precision": "bfloat16"})})
    fit = start(rough, examples, tmp_path)
    kinds: dict[str, set[torch.dtype]] = {"frontend": set(), "conv1": set()}
    for name, seen in kinds.items():
        fit.network.get_submodule(name).register_forward_hook(
            lambda module, given, made, seen=seen: seen.add(
                (made[0] if isinstance(made, tuple) else made).dtype
            )
        )
    fit.run(Journal(None))
    assert kinds == {"frontend": {torch.float32}, "conv1": {torch.bfloat16}}


def test_the_learning_rate_rises_and_falls_to_nothing(
    recipe: Recipe, examples: Examples, tmp_path: Path
) -> None:
    fit = start(recipe, examples, tmp_path)
    rates = [fit._learning_rate(step) for step in range(fit.steps + 1)]
    assert rates[0] == pytest.approx(recipe.train.learning_rate / 25)
    assert max(rates) == pytest.approx(recipe.train.learning_rate)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
