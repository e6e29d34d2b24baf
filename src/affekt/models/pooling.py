"""From a map over time to one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StatisticsPooling(nn.Module):
    """Mean and standard deviation over the real frames (Snyder et al., Interspeech 2017, section 2).

    [batch, channels, frequency, time] and mask [batch, 1, 1, time] -> [batch, 2 * channels * frequency].
    """

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        features, mask = features.float().flatten(1, 2), mask.flatten(1, 2)
        count = mask.sum(-1).clamp(min=1)
        mean = (features * mask).sum(-1) / count
        centred = (features - mean[..., None]) * mask
        deviation = torch.sqrt(centred.square().sum(-1) / count + 1e-6)
        return torch.cat([mean, deviation], dim=1)
