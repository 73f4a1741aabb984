"""The benchmark's rectifier, after RARE (Shi et al., CVPR 2016): control points from a small network, then a spline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from recognizers.dtrb.spline import TwoStepSpline
from recognizers.rectification import Points, edge_points, localiser_view, warp

WIDTHS = (64, 128, 256, 512)
POINTS = 20


class Rectifier(nn.Module):
    """Straightens text to images of one size; its modules carry the names of the benchmark's files.

    Args:
        in_channels: that the localiser looks at.
        size: (height, width) of what comes out.
        widths: channels of the localiser's four convolutions.
        points: control points, even.
    """

    def __init__(self, in_channels: int, *, size: tuple[int, int], widths: Sequence[int], points: int) -> None:
        super().__init__()
        self.size = size
        self.LocalizationNetwork = Localiser(in_channels, widths=widths, points=points)
        self.spline = TwoStepSpline(points, size)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return images (N, C, H, W) straightened to (N, C, *size), and the control points (N, K, 2) in [-1, 1]."""
        seen = localiser_view(images, self.LocalizationNetwork.in_channels)
        control_points = self.LocalizationNetwork(seen)
        grid = self.spline(control_points).reshape(-1, *self.size, 2)
        return warp(images, grid.to(images.dtype)), control_points


class Localiser(nn.Module):
    """Control points (N, K, 2) on the upper, then the lower edge of the text; -1 and 1 are the image's outer pixels.

    It starts, whatever the image, with two edges that rise from left to right, as in RARE (figure 6a), and learns from
    there.

    Args:
        in_channels: of the images.
        widths: channels of the four convolutions; the layer before the points is half as wide as the last.
        points: how many, even.
    """

    def __init__(self, in_channels: int, *, widths: Sequence[int], points: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = in_channels
        for number, width in enumerate(widths):
            layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            layers.append(nn.MaxPool2d(2) if number < len(widths) - 1 else nn.AdaptiveAvgPool2d(1))
            inputs = width
        self.conv = nn.Sequential(*layers)
        self.localization_fc1 = nn.Sequential(nn.Linear(inputs, inputs // 2), nn.ReLU(inplace=True))
        self.localization_fc2 = nn.Linear(inputs // 2, points * 2)
        nn.init.zeros_(self.localization_fc2.weight)
        with torch.no_grad():
            self.localization_fc2.bias.copy_(torch.from_numpy(_slanted_edges(points).ravel()))

    @property
    def in_channels(self) -> int:
        """Channels of the images; more after its first convolution was widened."""
        first = self.conv[0]
        assert isinstance(first, nn.Conv2d)
        return first.in_channels

    def forward(self, images: Tensor) -> Tensor:
        """Return points of images (N, C, H, W), H and W at least 8; in float32, since half precision is a pixel off."""
        # oneDNN sums in another order than the plain convolutions of the published runs; spline and decoder enlarge
        # such last bits of the points to 1e-2 in the logits, plain ones stay at 1e-3, and cost no more time.
        with torch.backends.mkldnn.flags(enabled=False, allow_tf32=None):
            features = self.conv(images).flatten(1)
        with torch.autocast(images.device.type, enabled=False):
            hidden = self.localization_fc1(features.to(self.localization_fc2.weight.dtype))
            points: Tensor = self.localization_fc2(hidden)
        return points.reshape(-1, self.localization_fc2.out_features // 2, 2)


def _slanted_edges(points: int) -> Points:
    """Return (points, 2), an edge from middle left to upper right, and one from lower left to middle right."""
    edges = edge_points(points, low=(-1, 0), high=(1, 1))
    slope = np.linspace(0, -1, points // 2)
    return edges + np.stack((np.zeros(points), np.concatenate((slope, slope))), axis=1)
