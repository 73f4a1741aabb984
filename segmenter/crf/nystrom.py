"""The dense affinity at low cost: landmarks for pixels far apart, exact blocks for pixels that are alike."""

from __future__ import annotations

import torch
from torch import Tensor

from segmenter.crf.affinity import gaussian

CANDIDATES = 8192
"""Most pixels among which the landmarks are sought."""

LLOYD_STEPS = 5
"""Steps of k-means; five more raise the lowest cosine to the exact gradient by less than .001."""

RIDGE = 1e-5
"""Added to the landmarks' own affinity, whose diagonal is 1, so that alike landmarks do not blow up rounding errors."""

RIDGES = 4
"""Ridges that are tried, each ten times the one before, until the affinity is positive definite."""

BLOCK = 256
"""Most pixels of a block whose affinities are exact."""

ROWS = 2048
"""Rows of the affinity that are formed at once: a processor's cache holds them."""

ROWS_ON_A_GPU = 32768
"""The same on a GPU, where each operation has a cost of its own."""


def nystrom_times(points: Tensor, maps: Tensor, *, landmarks: int) -> Tensor:
    """Return the product of maps and the approximate affinity, (R, P).

    Between any two pixels the affinity is Nystrom's, `C (W + ridge)^-1 C'` with C the affinity to the landmarks and W
    that among them. Its error is largest between pixels that are alike and have no landmark near, so within blocks of
    at most `BLOCK` pixels near each other in colour and place the exact affinities replace it; this includes
    the diagonal, 1. Both parts are symmetric, so this is the gradient's matrix too. Memory: P * landmarks numbers.

    Measured on 270 patches of 64 x 64 pixels from photographs, ten masks each, 256 landmarks: the cosine of the
    gradient to the exact one is at least .995 (masks of noise on noisy patches), at least .9995 for masks that are
    not noise, and .9998 in the mean.

    Args:
        points: (P, F) features, P at least 1.
        maps: (R, P), any range.
        landmarks: their number; with P points or fewer they are the points themselves.

    Raises:
        ValueError: points are not finite.
    """
    order = halved(points, BLOCK)  # (blocks, size), a permutation of P points and some padding
    blocks, size = order.shape
    padding = order.numel() - len(points)
    points_there = torch.cat([points, points[-1:].expand(padding, -1)])[order]  # (blocks, size, F)
    maps_there = torch.cat([maps, maps.new_zeros(len(maps), padding)], dim=1)[:, order]  # (R, blocks, size)
    centres = find_landmarks(points, landmarks)
    whitening = _inverse_root(gaussian(centres, centres))
    factor = points.new_empty(blocks, size, len(centres))  # B, with B B' the approximation
    summary = maps.new_zeros(len(maps), len(centres))  # maps times B
    near = torch.empty_like(maps_there)
    step = max(1, (ROWS if points.device.type == "cpu" else ROWS_ON_A_GPU) // size)
    for part in (slice(start, start + step) for start in range(0, blocks, step)):
        own, own_maps = points_there[part], maps_there[:, part]
        torch.matmul(gaussian(own, centres), whitening, out=factor[part])
        summary += own_maps.flatten(1) @ factor[part].flatten(0, 1)
        error = torch.baddbmm(gaussian(own, own), factor[part], factor[part].transpose(1, 2), alpha=-1)
        near[:, part] = (own_maps.transpose(0, 1) @ error).transpose(0, 1)
    products = near.flatten(1) + summary @ factor.flatten(0, 1).T
    return products[:, order.flatten().argsort()[: len(points)]]


def find_landmarks(points: Tensor, count: int) -> Tensor:
    """Return (min(count, P), F): the k-means centres of (a sample of) the points, the same on every call.

    Measured on patches of photographs, they approximate the affinity better than a regular grid of pixels,
    farthest-point sampling or pivoted Cholesky.
    """
    if count >= len(points):
        return points
    sample = points[_spread(len(points), max(CANDIDATES, count), points.device)]
    centres = sample[_spread(len(sample), count, points.device)]
    names = torch.arange(count, device=points.device)
    for _ in range(LLOYD_STEPS):
        nearest = (centres.square().sum(1) - 2 * sample @ centres.T).argmin(1)
        members = (nearest[:, None] == names).to(points.dtype)  # (sample, count)
        sizes = members.sum(0)[:, None]
        centres = torch.where(sizes > 0, (sample.T @ members).T / sizes.clamp(min=1), centres)
    return centres


def halved(points: Tensor, size: int) -> Tensor:
    """Return (2^n, at most size) positions: the points split at the median of the widest feature, again and again.

    Positions from P on are padding that makes all blocks the same size; they count as copies of the last point.
    """
    blocks = 1
    while -(-len(points) // blocks) > size:
        blocks *= 2
    width = -(-len(points) // blocks)
    order = torch.arange(blocks * width, device=points.device)[None]
    padded = torch.cat([points, points[-1:].expand(order.numel() - len(points), -1)])
    while len(order) < blocks:
        groups = padded[order]  # (groups, members, F)
        widest = (groups - groups.mean(1, keepdim=True)).square().sum(1).argmax(1)
        values = groups.gather(2, widest[:, None, None].expand(-1, groups.shape[1], 1)).squeeze(2)
        order = order.gather(1, values.argsort(dim=1, stable=True)).reshape(2 * len(order), -1)
    return order


def _inverse_root(affinity: Tensor) -> Tensor:
    """Return R with `R R' = (affinity + ridge)^-1`, found in float64 where the device has it.

    Raises:
        ValueError: the affinity has no such root, as one of points that are not finite.
    """
    exact = affinity if affinity.device.type == "mps" else affinity.double()
    identity = torch.eye(len(exact), dtype=exact.dtype, device=exact.device)
    for ridge in (RIDGE * 10**attempt for attempt in range(RIDGES)):
        lower, failed = torch.linalg.cholesky_ex(exact + ridge * identity)
        if not failed:
            root: Tensor = torch.linalg.solve_triangular(lower, identity, upper=False)
            return root.T.to(affinity.dtype)
    raise ValueError(
        f"the affinity of {len(exact)} landmarks is not positive definite, even with {ridge:g} on its diagonal; "
        "give images and sigmas that are finite, or fewer landmarks"
    )


def _spread(total: int, count: int, device: torch.device) -> Tensor:
    """Return `count` positions below `total`, or all of them, evenly spread but in step with no row length."""
    if count >= total:
        return torch.arange(total, device=device)
    steps = torch.arange(1, count + 1, dtype=torch.float64) * ((5**0.5 - 1) / 2)
    return (steps.frac() * total).long().to(device)
