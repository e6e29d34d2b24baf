"""Losses over logits or cosines [batch, classes]: one for each clip, which the caller weighs and spreads."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
from torch import Tensor

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
