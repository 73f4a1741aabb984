"""ASTER's rectifier: a small network finds the text's edges, a thin plate spline straightens them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.rectification import ThinPlateSpline, edge_points, pixel_points, warp

WIDTHS = (32, 64, 128, 256, 256, 256)
INPUT_SIZE = (32, 64)
RECTIFIED_SIZE = (32, 100)
POINTS = 20
_SOURCE_MARGIN, _TARGET_MARGIN = 0.01, 0.05


class Localiser(nn.Module):
    """Control points (N, K, 2) on the upper, then the lower edge of the text, x and y as shares of the image's size.

    It starts with the image's own frame, whatever the image, and learns from there. The names are aster.pytorch's.

    Args:
        in_channels: of the images.
        widths: channels of the six convolutions.
        hidden: units of the layer before the points.
        points: how many, even.
    """

    def __init__(
        self, in_channels: int, *, widths: Sequence[int] = WIDTHS, hidden: int = 512, points: int = POINTS
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = in_channels
        for number, width in enumerate(widths):
            layers.append(
                nn.Sequential(nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
            )
            if number < len(widths) - 1:
                layers.append(nn.MaxPool2d(2))
            inputs = width
        self.stn_convnet = nn.Sequential(*layers)
        left = (INPUT_SIZE[0] >> 5) * (INPUT_SIZE[1] >> 5) * inputs
        self.stn_fc1 = nn.Sequential(nn.Linear(left, hidden), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True))
        self.stn_fc2 = nn.Linear(hidden, points * 2)
        self._start_at_the_frame(points)

    @property
    def in_channels(self) -> int:
        """Channels that the localiser looks at, which widening may change."""
        first = self.get_submodule("stn_convnet.0.0")
        assert isinstance(first, nn.Conv2d)
        return first.in_channels

    def _start_at_the_frame(self, points: int) -> None:
        frame = edge_points(points, low=(_SOURCE_MARGIN,) * 2, high=(1 - _SOURCE_MARGIN,) * 2)
        nn.init.zeros_(self.stn_fc2.weight)
        with torch.no_grad():
            self.stn_fc2.bias.copy_(torch.from_numpy(frame.ravel()))

    def forward(self, images: Tensor) -> Tensor:
        """Return points of images (N, C, 32, 64)."""
        features = self.stn_fc1(self.stn_convnet(images).flatten(1))
        points: Tensor = self.stn_fc2(0.1 * features)  # a tenth: points move slowly while the readers learn
        return points.reshape(-1, self.stn_fc2.out_features // 2, 2)


class Rectifier(nn.Module):
    """The spline from `points` control points to an image of `size`; it has no weights of its own."""

    def __init__(self, points: int = POINTS, size: tuple[int, int] = RECTIFIED_SIZE) -> None:
        super().__init__()
        self.size = size
        target = edge_points(points, low=(_TARGET_MARGIN,) * 2, high=(1 - _TARGET_MARGIN,) * 2)
        self.spline = ThinPlateSpline(target, pixel_points(np.linspace(0, 1, size[1]), np.linspace(0, 1, size[0])))

    def forward(self, images: Tensor, control_points: Tensor) -> Tensor:
        """Return images (N, C, H, W) straightened to (N, C, h, w); points outside the image are drawn to its edge."""
        grid = self.spline(control_points).clamp(0, 1) * 2 - 1
        return warp(images, grid.reshape(-1, *self.size, 2).to(images.dtype))


def shrink(images: Tensor) -> Tensor:
    """Return images (N, C, H, W) at the localiser's size (N, C, 32, 64)."""
    return functional.interpolate(images, INPUT_SIZE, mode="bilinear", align_corners=True)
