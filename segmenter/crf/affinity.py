"""The Gaussian affinity of pixels over colour and place, and its exact product with maps."""

from __future__ import annotations

import torch
from torch import Tensor

ROWS = 1024
"""Rows of the exact affinity that are formed at once."""


def pixel_features(image: Tensor, *, sigma_rgb: float, sigma_xy: float) -> Tensor:
    """Return (5, h, w): red, green, blue, x and y of each pixel, each in units of its sigma.

    Args:
        image: (3, h, w), RGB in 0..255, floating point.
        sigma_rgb: in grey values.
        sigma_xy: as a share of the longer side.
    """
    height, width = image.shape[1:]
    unit = sigma_xy * max(height, width)
    y = torch.arange(height, dtype=image.dtype, device=image.device) / unit
    x = torch.arange(width, dtype=image.dtype, device=image.device) / unit
    places = torch.stack([x.expand(height, width), y[:, None].expand(height, width)])
    return torch.cat([image / sigma_rgb, places])


def gaussian(features: Tensor, others: Tensor) -> Tensor:
    """Return `exp(-|f - g|^2 / 2)` for every pair, (..., P, Q); 1 for equal features.

    The squares are summed feature by feature: `|f|^2 + |g|^2 - 2 fg` cancels, and a matrix product may round more
    coarsely than its dtype.

    Args:
        features: (..., P, F).
        others: (..., Q, F).
    """
    squares = features.new_zeros(*features.shape[:-1], others.shape[-2])
    for f, g in zip(features.unbind(-1), others.unbind(-1), strict=True):
        difference = f[..., :, None] - g[..., None, :]
        squares.addcmul_(difference, difference)
    return squares.mul_(-0.5).exp_()


def exact_times(points: Tensor, maps: Tensor) -> Tensor:
    """Return the product of maps and the exact affinity, (R, P); its diagonal is 1.

    Args:
        points: (P, F) features.
        maps: (R, P), any range.
    """
    return torch.cat([maps @ gaussian(points, part) for part in torch.split(points, ROWS)], dim=1)
