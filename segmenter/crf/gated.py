"""A cheap stand-in for the dense affinity: each pixel with a few neighbours at growing distances."""

from __future__ import annotations

from torch import Tensor

DISTANCES = (1, 2, 4, 8)
"""Distances, in working pixels, of the eight neighbours that a pixel is compared with."""

HALF_RING = ((0, 1), (1, -1), (1, 0), (1, 1))
"""Directions (down, right) of one half of the neighbours; the affinity is symmetric, so the other half follows."""


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
