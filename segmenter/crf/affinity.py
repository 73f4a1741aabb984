"""The affinity of pixels over colour and place: its exact product with maps, and that of a cheap stand-in."""

from __future__ import annotations

import torch
from torch import Tensor

DISTANCES = (1, 2, 4, 8)
"""Distances, in working pixels, of the eight neighbours that a pixel is compared with."""

HALF_RING = ((0, 1), (1, -1), (1, 0), (1, 1))
"""Directions (down, right) of one half of the neighbours; the affinity is symmetric, so the other half follows."""

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


def gated_times(features: Tensor, maps: Tensor) -> Tensor:
    """Return the product of maps and the affinity of each pixel to itself and to 8 neighbours at each distance.

    The entries are those of the dense affinity, all others are 0. It costs a fraction of the dense forms and draws
    the mask to edges of colour. It cannot compare pixels more than 8 working pixels apart, so the inside of a false
    positive region is compared with itself only: where the dense kernel shrinks the region (Fig. 3 of the paper), this
    one lets it stand or grow up to the next edge of colour.

    Args:
        features: (5, h, w) of `pixel_features`.
        maps: (R, h, w), any range.
    """
    height, width = features.shape[1:]
    total = maps.clone()  # the diagonal, 1
    for distance in DISTANCES:
        for down, right in HALF_RING:
            rows, others = _overlap(distance * down, height)
            columns, beside = _overlap(distance * right, width)
            here, there = (..., rows, columns), (..., others, beside)
            weight = (features[here] - features[there]).square().sum(0).mul(-0.5).exp()
            total[here] += weight * maps[there]
            total[there] += weight * maps[here]
    return total


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    """Return the positions that have a neighbour `shift` further on, and these neighbours; empty when there is none."""
    common = max(0, size - abs(shift))
    before, after = max(0, -shift), max(0, shift)
    return slice(before, before + common), slice(after, after + common)
