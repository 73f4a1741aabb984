"""The benchmark's thin plate spline, with its constants and in its order of products."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recognizers.rectification import Points, edge_points, pixel_points

_NEARLY_ZERO = 1e-6
"""Added to pixels' distances before their logarithm is taken, as it was when the public weights were trained."""


class TwoStepSpline(nn.Module):
    """Where each pixel of the rectified image lies in the source, equal to the benchmark's to the last bit.

    `ThinPlateSpline` folds the two products below into one, which is nearer to the true spline. The public weights
    were trained with constants rounded to float32 and products rounded in between, 1e-5 of the image's width away.
    Both constants follow from the sizes alone and are not part of the state dict.

    Args:
        points: how many control points, even.
        size: (height, width) of the rectified image.
    """

    basis: Tensor
    inverse: Tensor

    def __init__(self, points: int, size: tuple[int, int]) -> None:
        super().__init__()
        control_points = edge_points(points, low=(-1, -1), high=(1, 1))
        self._constants = {
            "basis": _basis(pixel_points(_centres(size[1]), _centres(size[0])), control_points).astype(np.float32),
            "inverse": _inverse(control_points).astype(np.float32),
        }
        for name, constant in self._constants.items():
            self.register_buffer(name, torch.tensor(constant), persistent=False)

    def reset_derived(self) -> None:
        """Put the constants back after the module was built or moved without its data."""
        for name, constant in self._constants.items():
            setattr(self, name, torch.tensor(constant, device=self.get_buffer(name).device))

    def forward(self, source_points: Tensor) -> Tensor:
        """Return (N, P, 2), the source coordinates of the pixels, in the units of `source_points` (N, K, 2)."""
        with torch.autocast(source_points.device.type, enabled=False):
            return self.basis @ (self.inverse @ source_points.to(self.inverse.dtype))


def _centres(count: int) -> NDArray[np.float64]:
    """Return (count,), the centres of pixels that together span [-1, 1]."""
    return (2 * np.arange(count) + 1) / count - 1


def _inverse(control_points: Points) -> Points:
    """Return (K + 3, K), from control points' source places to the spline's coefficients."""
    count = len(control_points)
    distances = _distances(control_points, control_points)
    radial = distances**2 * np.log(np.where(distances == 0, 1.0, distances))
    ends = np.concatenate((np.ones((count, 1)), control_points), axis=1)
    system = np.block([[ends, radial], [np.zeros((3, 3)), ends.T]])
    return np.asarray(np.linalg.inv(system)[:, :count])


def _basis(coordinates: Points, control_points: Points) -> Points:
    """Return (P, K + 3): 1, x, y, then d^2 log d to each control point."""
    distances = _distances(coordinates, control_points)
    radial = distances**2 * np.log(distances + _NEARLY_ZERO)
    return np.concatenate((np.ones((len(coordinates), 1)), coordinates, radial), axis=1)


def _distances(coordinates: Points, control_points: Points) -> Points:
    return np.asarray(np.linalg.norm(coordinates[:, None] - control_points[None], axis=2))
