"""The training loop: one for every system."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, cast

import torch
from torch import Tensor, nn

from affekt.errors import CorpusError, TrainingError, UsageError
from affekt.models.masking import MaskedBatchNorm2d
from affekt.recipe import Recipe
from affekt.training import distributed, state
from affekt.training.adversary import Adversary
from affekt.training.averaging import averaged
from affekt.training.batches import IntArray, limited, plan_balanced, plan_batches
from affekt.training.clips import prefetch
from affekt.training.journal import Journal
from affekt.training.levels import groups_beside, is_frozen, parameter_groups, rest
from affekt.training.memory import keep_freed_memory
from affekt.training.metric import Metric
from affekt.training.step import Said, Step, wrapped
from affekt.training.task import Adversarial, Moment, Task


class Fit:
    """One run in one folder. The caller holds the folder's lock."""

    def __init__(self, network: nn.Module, task: Task, recipe: Recipe, folder: Path) -> None:
        self.task, self.recipe, self.folder = task, recipe, folder
        if len(task.train) < self._at_least():
            raise CorpusError(
                f"{folder}: {len(task.train)} clips to train on, and batches need {self._at_least()}; "
                "add clips or lower train.validation_speakers"
            )
        self.network = network.to(distributed.device())
        self.kinds: IntArray | None = getattr(task, "kinds", None)
        self.corpora: IntArray | None = getattr(task, "corpora", None)
        self.metric = Metric.wanted(self.network, recipe)
        train, losses = recipe.train, recipe.train.losses
        told = self.metric or train.balance != "none" or train.corpus_clips or losses.adversarial
        if told and not hasattr(task, "positions"):
            raise UsageError(
                "train.balance, train.corpus_clips, train.losses: for emotions alone; leave them as they are"
            )
        groups = parameter_groups(self.network, recipe)
        for group in groups:
            # Before DDP looks: what never learns has no gradient to wait for.
            for one in group["params"]:
                still = is_frozen(group["depth"], recipe.train.epochs, recipe)
                headless = group["depth"] == 0 and not losses.cross_entropy
                one.requires_grad_(not (still or headless))
        self.adversary = Adversary.wanted(getattr(task, "speakers", 0), recipe)
        if self.adversary is not None:
            groups += groups_beside(self.adversary, recipe)
        step = Step(self.network, recipe, self.adversary).to(distributed.device())
        self.norms = [one for one in self.network.modules() if isinstance(one, MaskedBatchNorm2d)]
        for norm in self.norms:
            norm.shared = recipe.train.statistics == "batch"
        self.model = wrapped(step)
        self.optimiser = torch.optim.AdamW(groups, lr=recipe.train.learning_rate)
        self.average = averaged(self.network, recipe.train.average)
        beside = {"network": self.network, "average": self.average, "adversary": self.adversary}
        self.modules = {name: one for name, one in beside.items() if one is not None}
        self.best: dict[str, Tensor] = {}
        self.position = state.Position(self._identity())
        self.steps = sum(len(self._plan(epoch)) for epoch in range(recipe.train.epochs))
        self.done = 0
        self.interrupted = False

    def run(self, journal: Journal, *, resume: bool = False) -> nn.Module:
        """Trains to the end and returns the network with its best weights.

        Raises:
            KeyboardInterrupt: on Ctrl-C or SIGTERM, after the step under way and a checkpoint.
            TrainingError: a loss or gradient is not finite; the weights before it are kept.
        """
        keep_freed_memory()
        checkpoint = self.folder / state.CHECKPOINT
        # The first process looks, and all do the same: it may be writing the file by now.
        if distributed.largest(int(distributed.rank() == 0 and resume and checkpoint.exists())):
            self.best, self.position = state.load(
                checkpoint, self.modules, self.optimiser, self.position.identity
            )
            self.done = (
                sum(len(self._plan(epoch)) for epoch in range(self.position.epoch)) + self.position.step
            )
        else:
            # Written before the first step, so that a full disk is met now and not after an epoch.
            self._save()
        journal.begin(self.position.history)
        with self._signals():
            while not self.position.finished:
                self._epoch(journal)
                if distributed.largest(int(self.interrupted)):
                    raise KeyboardInterrupt
        self.network.load_state_dict(self.best)
        return self.network

    def _epoch(self, journal: Journal) -> None:
        position = self.position
        plan = self._plan(position.epoch)
        rest(self.network, position.epoch, self.recipe)
        for batch, samples, lengths in prefetch(self._collate, plan[position.step :]):
            self._step(batch, samples, lengths)
            position.step += 1
            self.done += 1
            journal.step(self.done, self.steps, position.epoch + 1, self._mean_loss())
            if distributed.largest(int(self.interrupted)):
                self._save()
                raise KeyboardInterrupt
        row = {"epoch": position.epoch + 1, "train_loss": self._mean_loss()}
        if self.adversary is not None:
            row["speaker_loss"] = position.speaker_sum / position.step
        row |= {"learning_rate": self._learning_rate(self.done - 1)} | self._watch()
        position.history.append(row)
        position.epoch, position.step = position.epoch + 1, 0
        position.loss_sum = position.weight_sum = position.speaker_sum = 0.0
        self._choose(row)
        self._save()
        journal.epoch(row)

    def _step(self, batch: IntArray, samples: Tensor, lengths: Tensor) -> None:
        device = distributed.device()
        mine = batch[distributed.rank() :: distributed.world()]
        ids = [self.task.ids[one] for one in mine]
        moment, rate = Moment(self.position.epoch, self.done, self.steps), self._learning_rate(self.done)
        for group in self.optimiser.param_groups:
            frozen = is_frozen(group["depth"], moment.epoch, self.recipe)
            group["lr"] = 0.0 if frozen else rate * group["share"]
        changed = self.task.changed(mine).to(device)
        said: Said = self.model(samples.to(device), lengths.to(device), ids, changed, moment)
        losses, weights = self.task.loss(said.logits, mine, moment)
        weighted = (losses * weights).sum()
        sums = distributed.total(torch.stack([weighted.detach(), weights.sum()]))
        # DDP averages gradients over processes; their sum over the whole batch's weight is wanted.
        loss = weighted / sums[1] * distributed.world()
        if self.metric is not None:
            targets = cast(Any, self.task).positions(mine).to(device)
            loss, sums = self.metric.join(loss, sums, said.embeddings, targets)
        if said.speakers is not None:
            theirs = cast(Adversarial, self.task).speaker_loss(said.speakers, mine, moment).sum() / len(batch)
            loss = loss + theirs * distributed.world()
            self.position.speaker_sum += float(distributed.total(theirs.detach()))
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.train.clip_norm)
        if not (torch.isfinite(sums[0]) and torch.isfinite(norm)):
            self.optimiser.zero_grad()
            raise TrainingError(
                f"epoch {self.position.epoch + 1}, step {self.position.step + 1}: loss or gradient is "
                f"not finite in the batch of rows {', '.join(map(str, batch[:8]))}; lower "
                "train.learning_rate or look at these clips"
            )
        self.optimiser.step()
        self.optimiser.zero_grad()
        self._share_statistics()
        if self.average is not None:
            self.average.update_parameters(self.network)
        self.position.loss_sum += float(sums[0])
        self.position.weight_sum += float(sums[1])

    def _share_statistics(self) -> None:
        """Where each process has its own, what is stored is their mean: all that was heard counts."""
        if self.recipe.train.statistics == "process":
            stored = [(one.running_mean, one.running_var) for one in self.norms if one.training]
            distributed.average([cast(Tensor, one) for pair in stored for one in pair])

    @property
    def _watched(self) -> nn.Module:
        """The network that is measured and kept: the average, where there is one."""
        return self.network if self.average is None else self.average.module

    def _watch(self) -> dict[str, float]:
        try:
            return self.task.watch(self._watched)
        except TrainingError as error:
            raise TrainingError(f"epoch {self.position.epoch + 1}: {error}") from None

    def _choose(self, row: dict[str, float]) -> None:
        position = self.position
        measured, loss = row.get("validation_uar", 0.0), row.get("validation_loss", 0.0)
        better = (measured, -loss) > (position.best_uar, -position.best_loss)
        if better or "validation_uar" not in row:
            position.best_uar, position.best_loss, position.best_epoch = measured, loss, position.epoch
            self.best = {name: value.detach().clone() for name, value in self._watched.state_dict().items()}
        patience = self.recipe.train.patience or self.recipe.train.epochs
        waited = position.epoch - position.best_epoch
        position.finished = position.epoch >= self.recipe.train.epochs or waited >= patience

    def _save(self) -> None:
        if distributed.rank() == 0:
            path = self.folder / state.CHECKPOINT
            state.save(path, self.modules, self.optimiser, self.best, self.position)
        distributed.barrier()

    def _plan(self, epoch: int) -> list[IntArray]:
        train, seconds, rows = self.recipe.train, self.task.seconds, self.task.train
        bounds: dict[str, Any] = {
            "batch_clips": train.batch_clips,
            "batch_seconds": train.batch_seconds,
            "seed": self.recipe.seed,
            "epoch": epoch,
            "at_least": self._at_least(),
        }
        if train.corpus_clips is not None and self.corpora is not None:
            rows = limited(rows, self.corpora, train.corpus_clips, seed=self.recipe.seed, epoch=epoch)
        if self.kinds is None:
            return plan_batches(seconds, rows, **bounds)
        return plan_balanced(seconds, rows, self.kinds, together=train.batch_classes, **bounds)

    def _at_least(self) -> int:
        """Fewest clips in a batch: statistics need two, and each process needs one."""
        alone = self.recipe.train.statistics == "process"
        return 2 * distributed.world() if alone else max(2, distributed.world())

    def _collate(self, batch: IntArray) -> tuple[Tensor, Tensor]:
        mine = batch[distributed.rank() :: distributed.world()]
        return self.task.collate(mine, self.position.epoch)

    def _learning_rate(self, step: int) -> float:
        """One cycle (Smith and Topin, 2019): half a cosine up from 1/25 of the peak, another down to 0."""
        train = self.recipe.train
        rise = max(1, round(train.warmup * self.steps))
        if step < rise:
            start, end, share = train.learning_rate / 25, train.learning_rate, step / rise
        else:
            start, end, share = train.learning_rate, 0.0, (step - rise) / max(1, self.steps - rise)
        return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2

    def _mean_loss(self) -> float:
        return self.position.loss_sum / max(self.position.weight_sum, 1e-12)

    def _identity(self) -> str:
        # Keys that recipes got since, and that say nothing here, leave a run what it was.
        settings = json.dumps(
            self.recipe.model_dump(mode="json", exclude_defaults=True), sort_keys=True
        ).encode()
        return hashlib.sha256(settings + self.task.digest()).hexdigest()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the step under way instead of the process; a second one ends at once."""

        def note(number: int, frame: FrameType | None) -> None:
            if self.interrupted:
                raise KeyboardInterrupt
            self.interrupted = True

        # Python delivers signals to its main thread alone; in another one there is nothing to catch.
        caught = (signal.SIGINT, signal.SIGTERM) if current_thread() is main_thread() else ()
        before = {number: signal.signal(number, note) for number in caught}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
