"""Learning to tell pictures apart: random crops, mirrored, in other colours.

Every draw is a function of (seed, epoch, picture).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from affekt.augment import draws
from affekt.models.attention_fcn import AttentionFcn
from affekt.pictures import Pictures
from affekt.recipe import ImagesRecipe, Recipe
from affekt.training import distributed
from affekt.training.batches import IntArray
from affekt.training.task import Moment

MEAN, SPREAD = 0.45, 0.225
"""Of the pictures of ImageNet over all channels, by which public networks normalise."""

_DRAWS = 7
_SCORED_AT_ONCE = 256


class PictureNetwork(nn.Module):
    """A network of system C as the loop takes it, with pictures in the place of spectrograms."""

    def __init__(self, network: AttentionFcn) -> None:
        super().__init__()
        self.network = network

    def frontend(self, pictures: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        """They are seen as they come."""
        return pictures, sizes

    def score(self, pictures: Tensor, sizes: Tensor) -> dict[str, Tensor]:
        """Logits and embedding of pictures [batch, 3, size, size]."""
        return self.network.look(pictures.contiguous(memory_format=torch.channels_last))

    def levels(self) -> list[list[nn.Module]]:
        """All but the attention: pictures are too small to look at one part of them."""
        return [*self.network.trunk_levels(), [self.network.head]]


class PictureTask:
    """Pictures with their classes; an example is a picture.

    Args:
        train: the pictures to learn from, as positions.
    """

    def __init__(self, pictures: Pictures, train: IntArray, recipe: Recipe) -> None:
        self._pictures, self._recipe = pictures, recipe
        self._targets = torch.from_numpy(pictures.targets)
        self.ids: Sequence[int] = pictures.ids
        # All are of one size: so short, they bound no batch. At 0 they would never change places.
        self.seconds: NDArray[np.float64] = np.full(len(pictures), 1e-3)
        self.train = train

    def collate(self, examples: IntArray, epoch: int) -> tuple[Tensor, Tensor]:
        """Changed pictures [batch, 3, size, size], and their sizes [batch]."""
        settings = self._recipe.images
        ids = [self.ids[int(one)] for one in examples]
        numbers = torch.from_numpy(draws(ids, _DRAWS, seed=self._recipe.seed, epoch=epoch))
        pictures = change(self._pictures.pixels[examples], numbers, settings)
        return pictures, torch.full((len(examples),), settings.size)

    def changed(self, examples: IntArray) -> Tensor:
        """None: what changes spectrograms is not for pictures."""
        return torch.zeros(len(examples), dtype=torch.bool)

    def loss(self, logits: Tensor, examples: IntArray, moment: Moment) -> tuple[Tensor, Tensor]:
        """Cross-entropy."""
        targets = self._targets[torch.from_numpy(examples)].to(logits.device)
        smoothing = self._recipe.train.label_smoothing
        losses = functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")
        return losses, torch.ones_like(losses)

    def watch(self, network: nn.Module) -> dict[str, float]:
        """Nothing: the last epoch is kept, and the pictures tested on choose nothing."""
        return {}

    def digest(self) -> bytes:
        """Of names, classes and the part that is learnt from."""
        digest = hashlib.sha256(json.dumps([self._pictures.names, self._pictures.classes]).encode())
        digest.update(self.train.tobytes())
        digest.update(str(self._pictures.pixels.shape).encode())
        return digest.digest()


def change(pixels: NDArray[np.uint8], numbers: Tensor, settings: ImagesRecipe) -> Tensor:
    """Pictures [batch, side, side, 3] as the network sees them in training [batch, 3, size, size].

    `numbers` are uniform in [0, 1) [batch, 7].
    """
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    factors = 1 + settings.colour * (2 * numbers[:, 4:7, None, None, None] - 1)
    brightness, contrast, saturation = factors.unbind(1)
    grey = pictures.mean(1, keepdim=True)
    pictures = grey + saturation * (pictures - grey)
    middle = grey.mean((2, 3), keepdim=True)
    pictures = (brightness * (middle + contrast * (pictures - middle))).clamp(0, 1)
    share = 1 - (1 - settings.smallest_crop) * numbers[:, 0]
    mirrored = torch.where(numbers[:, 3] < settings.flip, -1.0, 1.0)
    place = (1 - share)[:, None] * (2 * numbers[:, 1:3] - 1)
    zero = torch.zeros_like(share)
    rows = [torch.stack([mirrored * share, zero, place[:, 0]], 1), torch.stack([zero, share, place[:, 1]], 1)]
    return _seen(pictures, torch.stack(rows, 1), settings.size)


def plain(pixels: NDArray[np.uint8], settings: ImagesRecipe) -> Tensor:
    """The same whole and unchanged, as they are tested on."""
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    return _seen(pictures, torch.eye(2, 3).expand(len(pixels), 2, 3), settings.size)


def _seen(pictures: Tensor, views: Tensor, size: int) -> Tensor:
    grid = functional.affine_grid(views, [len(pictures), 3, size, size], align_corners=False)
    scaled = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return (scaled - MEAN) / SPREAD


@torch.inference_mode()
def classify(network: AttentionFcn, pictures: Pictures, rows: IntArray, settings: ImagesRecipe) -> IntArray:
    """The likeliest class of each of these pictures [rows], in whole precision."""
    network.eval()
    device = distributed.device()
    found = []
    for part in np.array_split(rows, -(-len(rows) // _SCORED_AT_ONCE)):
        seen = plain(pictures.pixels[part], settings).to(device)
        found.append(network.look(seen)["logits"].argmax(1).cpu().numpy())
    return np.concatenate(found)


def picture_parts(pictures: Pictures, recipe: Recipe) -> tuple[IntArray, IntArray]:
    """The pictures to learn from and those to test on, as positions.

    Those below a folder `test`, or a share of each class, drawn by the seed.
    """
    parts = np.array(pictures.parts)
    test = parts == "test"
    if not test.any():
        rng = np.random.default_rng([recipe.seed, len(pictures)])
        for at in range(len(pictures.classes)):
            rows = rng.permutation(np.flatnonzero(pictures.targets == at))
            test[rows[: max(1, round(recipe.images.test_share * len(rows)))]] = True
    return np.flatnonzero(~test), np.flatnonzero(test)
