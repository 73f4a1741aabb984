"""The residual encoders of CENet, DeepLab-v3 and SMANet, of torchvision's blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

from segrec.core.packages import package

MISSING_TORCHVISION = "this network needs torchvision, which does not start ({reason}); pip install torchvision"
BLOCKS = (3, 4, 6, 3)
"""Blocks of each stage of ResNet-34 and ResNet-50; K. He et al., CVPR 2016, Table 1."""


class ResNet(nn.Module):
    """ResNet-34 or ResNet-50 without its classifier; at width 64 the weights have torchvision's names and shapes.

    Args:
        depth: 34 or 50.
        width: channels of the first stage's blocks.
        in_channels: channels of the image.
        dilated: the last two stages keep 1/8 of the size and widen their convolutions instead of halving the maps.

    Raises:
        LibraryError: torchvision is missing or does not start.
    """

    def __init__(self, depth: Literal[34, 50], *, width: int, in_channels: int, dilated: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = width
        rates = ((1, 1), (1, 1), (1, 2), (2, 4)) if dilated else ((1, 1),) * 4
        for stage, (count, (first, others)) in enumerate(zip(BLOCKS, rates, strict=True)):
            stride = 1 if stage == 0 or (dilated and stage > 1) else 2
            planes = width * 2**stage
            layers = [_block(depth, channels, planes, stride, first)]
            channels = planes * (1 if depth == 34 else 4)
            layers += [_block(depth, channels, planes, 1, others) for _ in range(1, count)]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps of the four stages: at 1/4, 1/8, 1/16 and 1/32 of the size, or 1/4 and three of 1/8."""
        maps = [self.maxpool(self.relu(self.bn1(self.conv1(images))))]
        for stage in range(1, 5):
            maps.append(self.get_submodule(f"layer{stage}")(maps[-1]))
        return maps[1:]


def _block(depth: int, before: int, planes: int, stride: int, dilation: int) -> nn.Module:
    basic, bottleneck = torchvision_blocks()
    after = planes * (1 if depth == 34 else 4)
    shortcut = None
    if stride != 1 or before != after:
        shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))
    make = basic if depth == 34 else bottleneck
    return make(before, planes, stride, shortcut, dilation=dilation)


def torchvision_blocks() -> tuple[Callable[..., nn.Module], Callable[..., nn.Module]]:
    """Return torchvision's residual blocks of two and of three convolutions.

    Raises:
        LibraryError: torchvision is missing or does not start.
    """
    resnet = package("torchvision.models.resnet", MISSING_TORCHVISION)
    return resnet.BasicBlock, resnet.Bottleneck
