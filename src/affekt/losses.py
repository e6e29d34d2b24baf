"""Losses over logits or cosines [batch, classes], and over embeddings [batch, size]."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, cast

import torch
from torch import Tensor
from torch.nn import functional

Margin: TypeAlias = Literal["softmax", "am", "aam"]

_LEAST_SQUARED_SINE = 1e-6


def cross_entropy(
    logits: Tensor, targets: Tensor, allowed: Tensor | None = None, *, smoothing: float = 0.0
) -> Tensor:
    """Cross-entropy [batch] over the classes that a clip's corpus can have.

    Args:
        logits: [batch, classes].
        targets: class positions [batch].
        allowed: [batch, classes] bool; classes a corpus lacks are left out of its softmax. None: all.
        smoothing: probability spread evenly over the allowed classes (Szegedy et al., CVPR 2016, eq. 3).
    """
    if allowed is None:
        allowed = torch.ones_like(logits, dtype=torch.bool)
    log_probabilities = logits.masked_fill(~allowed, float("-inf")).log_softmax(-1)
    hit = -log_probabilities.gather(1, targets[:, None])[:, 0]
    if not smoothing:
        return hit
    spread = -log_probabilities.masked_fill(~allowed, 0).sum(-1) / allowed.sum(-1)
    return (1 - smoothing) * hit + smoothing * spread


def distillation(logits: Tensor, taught: Tensor, allowed: Tensor, *, temperature: float) -> Tensor:
    """Kullback-Leibler divergence [batch] of what is said from what a teacher says, both softened.

    Hinton, Vinyals and Dean, 2015 (arXiv 1503.02531), section 2: times the temperature squared, so that its
    gradients keep their size.

    Args:
        logits, taught: [batch, classes], the teacher's without gradient.
        allowed: [batch, classes] bool; the others are left out of both.
    """
    said, meant = (
        (one / temperature).masked_fill(~allowed, float("-inf")).log_softmax(-1).masked_fill(~allowed, 0)
        for one in (logits, taught.detach())
    )
    shares = meant.exp() * allowed
    return temperature**2 * (shares * (meant - said)).sum(-1)


def class_weights(targets: Tensor, classes: int) -> Tensor:
    """Weights [classes] inverse to frequency, whose mean over `targets` is 1; absent classes weigh 0."""
    counts = torch.bincount(targets, minlength=classes).float()
    present = counts > 0
    weights = torch.where(present, len(targets) / counts.clamp(min=1), 0.0)
    return weights / present.sum()


def margin_softmax(cosines: Tensor, targets: Tensor, *, kind: Margin, scale: float, margin: float) -> Tensor:
    """Cross-entropy [batch] of scaled cosines, where a clip must win over the other classes by a margin.

    - `softmax`: the normalised softmax, without a margin.
    - `am`: AM-softmax, cos(theta) - margin (Wang et al., IEEE Signal Processing Letters 25(7), 2018, eq. 6).
    - `aam`: AAM-softmax or ArcFace, cos(theta + margin) (Deng et al., CVPR 2019, eq. 3). Beyond
      theta + margin = pi, where that would rise again, cos(theta) - margin * sin(margin) takes its place and
      falls on, as in the authors' own code with `easy_margin` off.

    Gradients are finite everywhere: within 0.06 degrees of a cosine of 1 or -1, the sine is held.

    Args:
        cosines: [batch, classes] of the embedding with each class's weights, -1 to 1, in float32 or finer.
        targets: class positions [batch].
        kind: the kind of margin.
        scale: what every cosine is multiplied with, about 30.
        margin: 0 to 0.5, as a cosine (`am`) or in radians (`aam`); 0 makes all three kinds one.
    """
    if kind == "softmax":
        return cross_entropy(scale * cosines, targets)
    places = targets[:, None]
    cosine = cosines.gather(1, places)
    lowered = cosine - margin if kind == "am" else _cosine_beyond(cosine, margin)
    return cross_entropy(scale * cosines.scatter(1, places, lowered), targets)


def margin_at(step: int, steps: int, *, start_share: float, end_share: float, margin: float) -> float:
    """The margin at a step of `steps`: 0 up to `start_share` of them, all of `margin` from `end_share` on.

    Between the two it rises exponentially, fast at first, as margin * (1 - 0.001**progress): WeSpeaker's
    schedule (`MarginScheduler`, `exp`), whose recipes for VoxCeleb rise from epoch 20 to 40 of 150.
    """
    start, end = start_share * steps, end_share * steps
    if step >= end:
        return margin
    if step <= start:
        return 0.0
    progress = (step - start) / (end - start)
    return margin * (1 - math.pow(0.001, progress))


def _cosine_beyond(cosine: Tensor, margin: float) -> Tensor:
    """cos(theta + margin) of cos(theta), falling all the way to theta = pi."""
    # The root's slope has no bound at 0; rounding may also put a cosine a little beyond 1.
    sine = ((1 - cosine) * (1 + cosine)).clamp(min=_LEAST_SQUARED_SINE).sqrt()
    turned = cosine * math.cos(margin) - sine * math.sin(margin)
    return torch.where(cosine > -math.cos(margin), turned, cosine - margin * math.sin(margin))


def triplet(embeddings: Tensor, targets: Tensor, *, margin: float) -> Tensor:
    """Mean triplet loss with semi-hard mining (Schroff et al., CVPR 2015, section 3), a scalar.

    Distances are squared ones on the unit sphere. Each pair of one class is an anchor and its positive; its
    negative is the nearest one that is farther from the anchor than the positive, and where all are nearer,
    the farthest of them. The mean is over triplets that do not keep the margin; without any it is 0.

    Args:
        embeddings: [batch, size], of any length.
        targets: class positions [batch].
        margin: 0 to 4; the paper's is 0.2.
    """
    units = functional.normalize(embeddings.float())
    distances = (2 - 2 * units @ units.T).clamp(min=0)
    same = targets[:, None] == targets
    positive = same & ~torch.eye(len(targets), dtype=torch.bool, device=targets.device)
    # [anchor, positive, other]: how much farther the other is than the positive.
    gaps = distances[:, None, :] - distances[:, :, None]
    negative = ~same[:, None, :].expand_as(gaps)
    semi_hard = (negative & (gaps > 0)).detach()
    nearest = gaps.masked_fill(~semi_hard, float("inf")).amin(2)
    farthest = gaps.masked_fill(~negative, float("-inf")).amax(2)
    gap = torch.where(semi_hard.any(2), nearest, farthest)
    losses = (margin - gap).clamp(min=0)
    used = positive & negative.any(2) & (losses > 0)
    return torch.where(used, losses, 0.0).sum() / used.sum().clamp(min=1)


def centre(embeddings: Tensor, targets: Tensor, centres: Tensor) -> Tensor:
    """Centre loss [batch]: half the squared distance to the centre of one's class.

    Wen et al., ECCV 2016, equation 2, on the unit sphere.

    Args:
        embeddings: [batch, size], of any length.
        targets: class positions [batch].
        centres: [classes, size]; no gradient flows into them, see `moved_centres`.
    """
    units = functional.normalize(embeddings.float())
    return (units - centres.detach()[targets]).square().sum(1) / 2


def moved_centres(centres: Tensor, sums: Tensor, counts: Tensor, *, rate: float = 0.5) -> Tensor:
    """Centres [classes, size] after a batch (Wen et al., ECCV 2016, equation 4).

    Args:
        sums, counts: of the batch's unit embeddings of each class, [classes, size] and [classes].
        rate: the paper's alpha, how far they move.
    """
    return centres - rate * (counts[:, None] * centres - sums) / (1 + counts[:, None])


def reversed_gradient(values: Tensor, strength: float) -> Tensor:
    """The values as they are, whose gradient is turned round: -`strength` times what flows back.

    The gradient reversal layer of Ganin and Lempitsky, ICML 2015, section 3.
    """
    return cast(Tensor, _Reversal.apply(values, strength))  # type: ignore[no-untyped-call]


def reversal_at(step: int, steps: int, *, gamma: float) -> float:
    """How strong the reversal is at a step of `steps`, 0 to 1: 2 / (1 + exp(-gamma * step / steps)) - 1.

    So a head that knows nothing yet teaches nothing (Ganin and Lempitsky, ICML 2015, section 4, where gamma
    is 10).
    """
    return 2 / (1 + math.exp(-gamma * step / max(1, steps))) - 1


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradient, None


def centroid_layer(embeddings: Tensor, targets: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Weights [classes, size] and biases [classes] of a linear layer that decides for the nearest centroid.

    Its outputs are -|e - c|^2 / (2 s^2) but for what all classes share: log-posteriors of Gaussians around
    the centroids c with the mean squared distance s^2 of a class's own embeddings. A class without
    embeddings is never nearest.
    """
    counts = torch.bincount(targets, minlength=classes)
    sums = embeddings.new_zeros(classes, embeddings.shape[1]).index_add(0, targets, embeddings)
    centroids = sums / counts.clamp(min=1)[:, None]
    spread = (embeddings - centroids[targets]).square().sum(1).mean().clamp(min=1e-6)
    biases = -centroids.square().sum(1) / (2 * spread)
    return centroids / spread, torch.where(counts > 0, biases, _NEVER)


_NEVER = -1e4
"""Below every log-posterior that counts, and still a number that can be stored."""
