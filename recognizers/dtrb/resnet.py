"""The benchmark's ResNet: from an image of height 32 to one row of columns (Cheng et al., ICCV 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

BLOCKS = (1, 2, 5, 3)


class ResNet(nn.Module):
    """(N, C, 32, W) -> (N, widths[-1], 1, W // 4 + 1); its modules carry the names of the benchmark's files.

    Args:
        in_channels: of the image.
        widths: output channels of the two first convolutions and of the four stages.
    """

    def __init__(self, in_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        first, second, *stages = widths
        self.conv0_1 = _conv(in_channels, first)
        self.bn0_1 = nn.BatchNorm2d(first)
        self.conv0_2 = _conv(first, second)
        self.bn0_2 = nn.BatchNorm2d(second)
        self.maxpool1 = nn.MaxPool2d(2)
        self.layer1 = _stage(second, stages[0], BLOCKS[0])
        self.conv1 = _conv(stages[0], stages[0])
        self.bn1 = nn.BatchNorm2d(stages[0])
        self.maxpool2 = nn.MaxPool2d(2)
        self.layer2 = _stage(stages[0], stages[1], BLOCKS[1])
        self.conv2 = _conv(stages[1], stages[1])
        self.bn2 = nn.BatchNorm2d(stages[1])
        self.maxpool3 = nn.MaxPool2d(2, stride=(2, 1), padding=(0, 1))  # words keep columns
        self.layer3 = _stage(stages[1], stages[2], BLOCKS[2])
        self.conv3 = _conv(stages[2], stages[2])
        self.bn3 = nn.BatchNorm2d(stages[2])
        self.layer4 = _stage(stages[2], stages[3], BLOCKS[3])
        self.conv4_1 = nn.Conv2d(stages[3], stages[3], 2, stride=(2, 1), padding=(0, 1), bias=False)
        self.bn4_1 = nn.BatchNorm2d(stages[3])
        self.conv4_2 = nn.Conv2d(stages[3], stages[3], 2, bias=False)
        self.bn4_2 = nn.BatchNorm2d(stages[3])
        self.relu = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of images (N, C, 32, W)."""
        features = self.relu(self.bn0_1(self.conv0_1(images)))
        features = self.relu(self.bn0_2(self.conv0_2(features)))  # (N, C, 32, W)
        features = self.layer1(self.maxpool1(features))
        features = self.relu(self.bn1(self.conv1(features)))  # (N, C, 16, W // 2)
        features = self.layer2(self.maxpool2(features))
        features = self.relu(self.bn2(self.conv2(features)))  # (N, C, 8, W // 4)
        features = self.layer3(self.maxpool3(features))
        features = self.relu(self.bn3(self.conv3(features)))  # (N, C, 4, W // 4 + 1)
        features = self.layer4(features)
        features = self.relu(self.bn4_1(self.conv4_1(features)))  # (N, C, 2, W // 4 + 2)
        row: Tensor = self.relu(self.bn4_2(self.conv4_2(features)))  # (N, C, 1, W // 4 + 1)
        return row


class BasicBlock(nn.Module):
    """Two convolutions beside a shortcut, which has a convolution of its own where the channels change."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = _conv(in_channels, out_channels)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = _conv(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same size, (N, out_channels, H, W)."""
        shortcut = features if self.downsample is None else self.downsample(features)
        changed = self.relu(self.bn1(self.conv1(features)))
        summed: Tensor = self.relu(self.bn2(self.conv2(changed)) + shortcut)
        return summed


def _conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)


def _stage(in_channels: int, out_channels: int, blocks: int) -> nn.Sequential:
    """Return `blocks` blocks, of which the first may change the channels."""
    inputs = [in_channels] + [out_channels] * (blocks - 1)
    return nn.Sequential(*(BasicBlock(channels, out_channels) for channels in inputs))
