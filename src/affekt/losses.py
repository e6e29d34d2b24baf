"""Losses over logits [batch, classes]: one value for each clip, which the caller weighs and spreads."""

from __future__ import annotations

import torch
from torch import Tensor


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
