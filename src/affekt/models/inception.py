"""Inception-ResNet-v1 (Szegedy et al., AAAI 2017) in the shape and with the names of facenet-pytorch.

Shapes: pictures [pictures, 3, rows, columns], at least 75 a side; maps [pictures, channels, rows, columns].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.models.masking import MaskedBatchNorm2d

SMALLEST = 75
"""Fewest rows and columns of a picture that leave a place at the end."""

Kernel = int | tuple[int, int]


class BasicConv2d(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, before: int, after: int, kernel: Kernel, stride: int = 1, padding: Kernel = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        # He et al., ICCV 2015: before the statistics are learnt, torch's own start fades from layer to layer.
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        self.bn = MaskedBatchNorm2d(after, eps=0.001)

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(maps)))


class Residual(nn.Module):
    """Branches beside one another, brought back to the map's channels and added to it.

    Args:
        channels: of the map.
        branches: modules from the map to a part of the residual.
        sizes: the sum of their channels.
        scale: how much of the residual is added.
        relu: whether a ReLU follows.
    """

    def __init__(
        self, channels: int, branches: list[nn.Module], sizes: int, *, scale: float, relu: bool = True
    ) -> None:
        super().__init__()
        for at, branch in enumerate(branches):
            self.add_module(f"branch{at}", branch)
        self.branches, self.scale, self.relu = len(branches), scale, relu
        self.conv2d = nn.Conv2d(sizes, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        found = [self.get_submodule(f"branch{at}")(maps) for at in range(self.branches)]
        maps = self.conv2d(torch.cat(found, 1)) * self.scale + maps
        return functional.relu(maps) if self.relu else maps


class Reduction(nn.Module):
    """Branches beside one another that each halve rows and columns, and a pooling of the map itself."""

    def __init__(self, branches: list[nn.Module]) -> None:
        super().__init__()
        for at, branch in enumerate(branches):
            self.add_module(f"branch{at}", branch)
        self.branches = len(branches)

    def forward(self, maps: Tensor) -> Tensor:
        found = [self.get_submodule(f"branch{at}")(maps) for at in range(self.branches)]
        return torch.cat([*found, functional.max_pool2d(maps, 3, 2)], 1)


class InceptionResNet(nn.Module):
    """The trunk: pictures to features.

    Args:
        width: channels of every layer, as a share of the published ones.
    """

    def __init__(self, width: float) -> None:
        super().__init__()

        def of(channels: int) -> int:
            return max(2, round(width * channels))

        self.conv2d_1a = BasicConv2d(3, of(32), 3, 2)
        self.conv2d_2a = BasicConv2d(of(32), of(32), 3)
        self.conv2d_2b = BasicConv2d(of(32), of(64), 3, padding=1)
        self.conv2d_3b = BasicConv2d(of(64), of(80), 1)
        self.conv2d_4a = BasicConv2d(of(80), of(192), 3)
        self.conv2d_4b = BasicConv2d(of(192), of(256), 3, 2)
        channels = of(256)
        self.repeat_1 = nn.Sequential(*(_block35(channels, of(32)) for _ in range(5)))
        self.mixed_6a = Reduction(
            [
                BasicConv2d(channels, of(384), 3, 2),
                nn.Sequential(
                    BasicConv2d(channels, of(192), 1),
                    BasicConv2d(of(192), of(192), 3, padding=1),
                    BasicConv2d(of(192), of(256), 3, 2),
                ),
            ]
        )
        channels += of(384) + of(256)
        self.repeat_2 = nn.Sequential(*(_block17(channels, of(128)) for _ in range(10)))
        self.mixed_7a = Reduction(
            [
                nn.Sequential(BasicConv2d(channels, of(256), 1), BasicConv2d(of(256), of(384), 3, 2)),
                nn.Sequential(BasicConv2d(channels, of(256), 1), BasicConv2d(of(256), of(256), 3, 2)),
                nn.Sequential(
                    BasicConv2d(channels, of(256), 1),
                    BasicConv2d(of(256), of(256), 3, padding=1),
                    BasicConv2d(of(256), of(256), 3, 2),
                ),
            ]
        )
        channels += of(384) + 2 * of(256)
        self.repeat_3 = nn.Sequential(*(_block8(channels, of(192), scale=0.2) for _ in range(5)))
        self.block8 = _block8(channels, of(192), scale=1.0, relu=False)
        self.size = channels

    def trunk(self, pictures: Tensor) -> Tensor:
        """Pictures to the mean over all places of the last map: [pictures, size]."""
        maps = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(pictures)))
        maps = self.conv2d_3b(functional.max_pool2d(maps, 3, 2))
        maps = self.repeat_1(self.conv2d_4b(self.conv2d_4a(maps)))
        maps = self.repeat_2(self.mixed_6a(maps))
        maps = self.block8(self.repeat_3(self.mixed_7a(maps)))
        features: Tensor = maps.mean((2, 3))
        return features

    def trunk_levels(self) -> list[list[nn.Module]]:
        """The trunk's parts, from the input on."""
        return [
            [self.conv2d_1a, self.conv2d_2a, self.conv2d_2b],
            [self.conv2d_3b, self.conv2d_4a, self.conv2d_4b],
            [self.repeat_1],
            [self.mixed_6a, self.repeat_2],
            [self.mixed_7a, self.repeat_3, self.block8],
        ]


def _block35(channels: int, inner: int) -> Residual:
    branches: list[nn.Module] = [
        BasicConv2d(channels, inner, 1),
        nn.Sequential(BasicConv2d(channels, inner, 1), BasicConv2d(inner, inner, 3, padding=1)),
        nn.Sequential(
            BasicConv2d(channels, inner, 1),
            BasicConv2d(inner, inner, 3, padding=1),
            BasicConv2d(inner, inner, 3, padding=1),
        ),
    ]
    return Residual(channels, branches, 3 * inner, scale=0.17)


def _block17(channels: int, inner: int) -> Residual:
    return _crossed(channels, inner, 7, scale=0.1)


def _block8(channels: int, inner: int, *, scale: float, relu: bool = True) -> Residual:
    return _crossed(channels, inner, 3, scale=scale, relu=relu)


def _crossed(channels: int, inner: int, reach: int, *, scale: float, relu: bool = True) -> Residual:
    """One point, and a cross of a row and a column."""
    branches: list[nn.Module] = [
        BasicConv2d(channels, inner, 1),
        nn.Sequential(
            BasicConv2d(channels, inner, 1),
            BasicConv2d(inner, inner, (1, reach), padding=(0, reach // 2)),
            BasicConv2d(inner, inner, (reach, 1), padding=(reach // 2, 0)),
        ),
    ]
    return Residual(channels, branches, 2 * inner, scale=scale, relu=relu)
