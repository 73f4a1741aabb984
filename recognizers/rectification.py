"""Straightening an image with a thin plate spline between control points, and what finds these points in the image.

Source of the spline: Bookstein 1989; Shi et al., TPAMI 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recognizers.colour_channels import colour_channels
from recognizers.preprocess import InputSpec

if TYPE_CHECKING:
    from recognizers.configuration import RecognizerNetwork

Points = NDArray[np.float64]


class Rectified(NamedTuple):
    """Straightened images (N, C, h, w) and the control points (N, K, 2) of their spline, shares of the image's size."""

    images: Tensor
    control_points: Tensor


class ThinPlateSpline(nn.Module):
    """Where each target pixel lies in the source, as one matrix times the source's control points.

    The spline's system depends on the target alone, so it is solved once, here. The matrix is not part of the state
    dict: it follows from the sizes.

    Args:
        control_points: (K, 2) in the target, no three of all on one line with every other.
        coordinates: (P, 2), the target's pixels, in the same units.
    """

    matrix: Tensor

    def __init__(self, control_points: Points, coordinates: Points) -> None:
        super().__init__()
        self._solved = _spline_matrix(control_points, coordinates).astype(np.float32)
        self.register_buffer("matrix", torch.tensor(self._solved), persistent=False)

    def reset_derived(self) -> None:
        """Put the matrix back after the module was built or moved without its data."""
        self.matrix = torch.tensor(self._solved, device=self.matrix.device)

    def forward(self, source_points: Tensor) -> Tensor:
        """Return (N, P, 2), source coordinates of the target's pixels, in the units of `source_points` (N, K, 2)."""
        with torch.autocast(source_points.device.type, enabled=False):
            return self.matrix @ source_points.float()


def warp(images: Tensor, grid: Tensor) -> Tensor:
    """Return (N, C, h, w), images (N, C, H, W) at the points of the grid (N, h, w, 2), x and y in [-1, 1]; bilinear.

    -1 and 1 are the centres of the outer pixels (`align_corners=True`, as it was when the public weights were trained);
    beyond them the border's values go on. Batches with the channels last in memory come out so.
    """
    warped = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=True)
    channels_last = len(images) > 1 and images.is_contiguous(memory_format=torch.channels_last)
    return warped.contiguous(memory_format=torch.channels_last) if channels_last else warped


def edge_points(count: int, *, low: tuple[float, float], high: tuple[float, float]) -> Points:
    """Return (count, 2), x and y of points on the upper edge from left to right, then on the lower one.

    Args:
        count: even, at least 4.
        low: x of the left, y of the upper end.
        high: x of the right, y of the lower end.
    """
    across = np.linspace(low[0], high[0], count // 2)
    edges = [np.stack((across, np.full_like(across, y)), axis=1) for y in (low[1], high[1])]
    return np.concatenate(edges)


def pixel_points(across: NDArray[np.float64], down: NDArray[np.float64]) -> Points:
    """Return (len(down) * len(across), 2), x and y of all pixels, row by row."""
    x, y = np.meshgrid(across, down)
    return np.stack((x.ravel(), y.ravel()), axis=1)


def _spline_matrix(control_points: Points, coordinates: Points) -> Points:
    """Return (P, K), the linear map from control points' source places to pixels' source places."""
    count = len(control_points)
    system = np.zeros((count + 3, count + 3))
    system[:count] = _basis(control_points, control_points)
    system[count:, :count] = system[:count, count:].T
    inverse = np.linalg.inv(system)
    return np.asarray((_basis(coordinates, control_points) @ inverse)[:, :count])


def _basis(points: Points, control_points: Points) -> Points:
    """Return (P, K + 3), the radial basis d^2 log d to each control point, then 1, x and y."""
    squared = ((points[:, None] - control_points[None]) ** 2).sum(axis=2)
    radial = 0.5 * squared * np.log(np.where(squared == 0, 1.0, squared))
    return np.concatenate((radial, np.ones((len(points), 1)), points), axis=1)


def localiser_channels(spec: InputSpec, mask_in_rectifier: bool) -> int:
    """Return input channels of the localiser of a recognizer that takes `spec`."""
    return spec.channels - int(spec.mask and not mask_in_rectifier)


def localiser_view(images: Tensor, channels: int) -> Tensor:
    """Return (N, channels, H, W) of images (N, C, H, W): all, colour without the mask, or the luma of the colour.

    Raises:
        ValueError: a localiser of that many channels cannot look at such images.
    """
    return images if channels == images.shape[1] else colour_channels(images, channels)


def localiser_parameters(model: RecognizerNetwork) -> list[nn.Parameter]:
    """Return the weights of a recognizer's localiser, none for one without: in training they learn more slowly.

    A grid that moves as fast as the readers learn drifts away from the frame it starts with.
    """
    first = model.rectifier_layer
    return [] if first is None else list(model.get_submodule(first.split(".")[0]).parameters())
