"""From a map over time to one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.models.masking import MaskedBatchNorm2d


class StatisticsPooling(nn.Module):
    """Mean and standard deviation over the real frames (Snyder et al., Interspeech 2017, section 2).

    [batch, channels, frequency, time] and mask [batch, 1, 1, time] -> [batch, 2 * channels * frequency].

    Args:
        unbiased: divide the squares by one frame less than there are, as WeSpeaker does.
        epsilon: added to the variance under the root.
    """

    def __init__(self, *, unbiased: bool = False, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.unbiased, self.epsilon = unbiased, epsilon

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        features, mask = features.float().flatten(1, 2), mask.flatten(1, 2)
        frames = mask.sum(-1)
        mean = (features * mask).sum(-1) / frames.clamp(min=1)
        centred = (features - mean[..., None]) * mask
        divisor = (frames - int(self.unbiased)).clamp(min=1)
        deviation = torch.sqrt(centred.square().sum(-1) / divisor + self.epsilon)
        return torch.cat([mean, deviation], dim=1)


class AttentiveStatisticsPooling(nn.Module):
    """Mean and standard deviation over the real frames, each channel's frames weighed by attention.

    Okabe et al., Interspeech 2018, equations 1 to 6, with weights for each channel as in ECAPA-TDNN
    (Desplanques et al., Interspeech 2020, equations 1 to 3), after SpeechBrain's ResNet.

    [batch, channels, frequency, time] and mask [batch, 1, 1, time] -> [batch, 2 * channels * frequency].

    Args:
        size: channels * frequency.
        attention: size of the layer that decides where to look.
    """

    def __init__(self, size: int, attention: int = 128) -> None:
        super().__init__()
        self.reduce = nn.Conv1d(size, attention, 1)
        self.bn = MaskedBatchNorm2d(attention)
        # No bias: a softmax over time would take it away again.
        self.weigh = nn.Conv1d(attention, size, 1, bias=False)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        features = features.flatten(1, 2)
        hidden = functional.relu(self.reduce(features))
        hidden = self.bn(hidden[:, :, None], mask)[:, :, 0]
        scores = self.weigh(hidden).float().masked_fill(mask[:, 0] == 0, float("-inf"))
        weights, features = scores.softmax(-1), features.float()
        mean = (weights * features).sum(-1)
        variance = (weights * (features - mean[..., None]).square()).sum(-1)
        return torch.cat([mean, variance.clamp(min=1e-5).sqrt()], dim=1)
