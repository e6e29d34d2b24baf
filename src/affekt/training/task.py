"""What the loop asks of what is learnt, be it emotions or speakers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from affekt.training.batches import IntArray


class Moment(NamedTuple):
    """When in a run: `step` of `steps` is under way, in `epoch` (all counted from 0)."""

    epoch: int
    step: int
    steps: int


class Adversarial(Protocol):
    """What the loop asks of a task whose speakers are to be unlearnt: how many there are, and a loss."""

    @property
    def speakers(self) -> int: ...

    def speaker_loss(self, logits: Tensor, examples: IntArray, moment: Moment) -> Tensor:
        """A loss for each example [batch], of logits [batch, speakers]."""
        ...


class Task(Protocol):
    """Examples by number, their loss, and how well a network does on others.

    Attributes:
        seconds: length of each example [examples].
        ids: a number for each example that follows from its clip alone; it seeds the augmentation.
        train: the examples to learn from.
    """

    @property
    def seconds(self) -> NDArray[np.float64]: ...
    @property
    def ids(self) -> Sequence[int]: ...
    @property
    def train(self) -> IntArray: ...

    def collate(self, examples: IntArray, epoch: int) -> tuple[Tensor, Tensor]:
        """Samples [batch, samples], padded with zeros, and lengths [batch]."""
        ...

    def changed(self, examples: IntArray) -> Tensor:
        """Which of the examples are augmented [batch] bool."""
        ...

    def loss(self, logits: Tensor, examples: IntArray, moment: Moment) -> tuple[Tensor, Tensor]:
        """A loss and a weight for each example [batch]."""
        ...

    def watch(self, network: nn.Module) -> dict[str, float]:
        """`validation_loss` and `validation_uar` on examples kept aside; nothing where there are none."""
        ...

    def digest(self) -> bytes:
        """A digest of the examples: another task's checkpoint is refused."""
        ...
