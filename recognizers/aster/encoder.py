"""ASTER's encoder: a residual network that keeps 25 columns of a word, and bidirectional LSTMs over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from recognizers.two_streams import Streams

BLOCKS = (3, 4, 6, 6, 3)
WIDTHS = (32, 32, 64, 128, 256, 512)
STRIDES = ((2, 2), (2, 2), (2, 1), (2, 1), (2, 1))
"""Of the first block of each stage; together they take 32 rows to 1 and 100 columns to 25."""
LAYERS = ("layer0", "layer1", "layer2", "layer3", "layer4", "layer5")
"""The convolutions' parts, one after another."""
JOINT = "layer3"
"""Behind it, at an eighth of the height, a stream that reads the mask joins."""


class Encoder(nn.Module):
    """(N, C, 32, W) images to (N, W / 4, 2 * hidden) features.

    Args:
        in_channels: of the images.
        widths: channels of the first convolution and of the five stages.
        blocks: residual blocks of each stage; the public network's 3, 4, 6, 6, 3 make 45 layers.
        hidden: units of each LSTM direction.
    """

    def __init__(self, in_channels: int, *, widths: Sequence[int], blocks: Sequence[int], hidden: int) -> None:
        super().__init__()
        self.layer0 = nn.Sequential(
            nn.Conv2d(in_channels, widths[0], 3, padding=1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        for number in range(1, 6):
            stage = _stage(widths[number - 1], widths[number], blocks[number - 1], STRIDES[number - 1])
            self.add_module(f"layer{number}", stage)
        self.rnn = nn.LSTM(widths[-1], hidden, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, images: Tensor) -> Tensor:
        """Return features of each column, in reading order."""
        features: Tensor = self.rnn(self.columns(images))[0]
        return features

    def columns(self, images: Tensor) -> Tensor:
        """Return (N, W / 4, C5), what the convolutions see in each column, before the LSTMs."""
        return self.maps(images).flatten(2).transpose(1, 2)  # (N, C5, 1, W / 4) -> (N, W / 4, C5)

    def maps(self, images: Tensor) -> Tensor:
        """Return (N, C5, 1, W / 4), what the convolutions give."""
        maps = images
        for name in LAYERS:
            maps = self.get_submodule(name)(maps)
        return maps

    def streamed(self) -> StreamedEncoder:
        """Return this encoder with a second stream."""
        return StreamedEncoder(self)


class StreamedEncoder(Streams, Encoder):
    """An encoder whose parts up to `JOINT` have a copy that reads the mask.

    Args:
        plain: takes 1 or 3 channels.
    """

    def __init__(self, plain: Encoder) -> None:
        first, block = plain.layer0[0], plain.get_submodule(f"{JOINT}.0")
        assert isinstance(first, nn.Conv2d) and isinstance(block, ResidualBlock)
        layers = LAYERS.index(JOINT) + 1
        super().__init__(plain, LAYERS, layers, channels=first.in_channels, width=block.conv2.out_channels)


class ResidualBlock(nn.Module):
    """A 1x1 convolution that may stride, a 3x3 one, and a shortcut; the names are aster.pytorch's."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != (1, 1) or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """Return (N, outputs, H / stride, W / stride) of maps (N, inputs, H, W)."""
        shortcut = maps if self.downsample is None else self.downsample(maps)
        residual = self.bn2(_convolved(self.relu(self.bn1(self.conv1(maps))), self.conv2))
        summed: Tensor = self.relu(residual + shortcut)
        return summed


def _convolved(maps: Tensor, convolution: nn.Conv2d) -> Tensor:
    """Return a 3x3 convolution of maps (N, C, H, W); a single row does without the weights that would meet padding."""
    if maps.shape[2] > 1:
        return cast(Tensor, convolution(maps))
    return functional.conv2d(maps, convolution.weight[:, :, 1:2], padding=(0, 1))


def _stage(inputs: int, outputs: int, blocks: int, stride: tuple[int, int]) -> nn.Sequential:
    first = ResidualBlock(inputs, outputs, stride)
    return nn.Sequential(first, *(ResidualBlock(outputs, outputs, (1, 1)) for _ in range(blocks - 1)))
