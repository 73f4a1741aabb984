"""The dense CRF loss: how much of an image's affinity a soft mask cuts.

The paper prints x'Ax, whose minimum is an empty mask; this form is that of its reference [27] (Tang et al., ECCV 2018),
divided by the sum of A. The normalisation and the sigmas, which are those of [27] at 512 x 512, are not stated in the
paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

import torch
from torch import Tensor

from segmenter.choices import Backend
from segmenter.crf.affinity import exact_times, gated_times, pixel_features
from segmenter.crf.nystrom import nystrom_times
from segmenter.crf.shrinking import shrink, shrunk_size

BACKENDS: tuple[str, ...] = get_args(Backend)
"""How the affinity is applied: approximated by landmarks, exactly (small images only), or among neighbours only."""

EXACT_SIDE = 96
"""Side of the largest square that "exact" takes: 85 million affinities per image."""

WORKING_SIDE = 256
"""The longer side to which larger images are averaged down."""


def dense_crf_loss(
    logits: Tensor,
    images: Tensor,
    valid: Tensor | None = None,
    *,
    backend: str = "nystrom",
    sigma_rgb: float = 15.0,
    sigma_xy: float = 100 / 512,
    landmarks: int = 256,
    working_side: int = WORKING_SIDE,
) -> Tensor:
    """Return `x'A(1 - x) / 1'A1` of Eq. 4 for each map, (N, K): the share of the affinity that the mask x cuts.

    x is the sigmoid of the logits; A holds `exp(-|f - g|^2 / 2)` for the features (RGB / sigma_rgb, xy / sigma_xy) of
    two pixels, 1 on its diagonal: so a pixel also pays x(1 - x) for its own doubt, in every backend. The value is 0
    for a constant mask of 0 or 1 and .25 for one of .5.

    Images and masks are averaged down to the working size; smaller ones are taken as they are. Half-precision logits
    are computed in float32, float64 in float64, also under autocast. The affinity of an image is built once for its K
    maps and not kept for the backward pass, so there is no second derivative. No gradient flows into images.

    Args:
        logits: (N, K, H, W), any range.
        images: (N, 3, H, W), RGB in 0..255, any dtype.
        valid: (N, 1, H, W) bool, False where a pixel has no affinity at all; None counts all. An image without a
            valid pixel has the loss 0 and no gradient.
        backend: "nystrom" approximates A by landmarks, see `nystrom_times`; "exact" is for images of up to 96 x 96
            pixels; "gated" knows neighbours only, see `gated_times`.
        sigma_rgb, sigma_xy: standard deviations in grey values, and as a share of the image's longer side.
        landmarks: number of landmarks of "nystrom".
        working_side: longer side of the working size, at most.

    Raises:
        ValueError: for other shapes, an unknown backend, a setting that is not positive, or "exact" on larger images.
        RuntimeError: in a backward pass with create_graph.
    """
    _check_tensors(logits, images, valid)
    _check_settings(backend, sigma_rgb, sigma_xy, landmarks, working_side)
    size = shrunk_size((logits.shape[2], logits.shape[3]), working_side)
    _check_exact(backend, size, working_side)

    def cut(x: Tensor, image: Tensor, ignored: Tensor | None) -> Tensor:
        image, maps, weight = _at_working_size(image, x, ignored, size)
        features = pixel_features(image, sigma_rgb=sigma_rgb, sigma_xy=sigma_xy)
        return _cut_share(maps, features, weight, backend=backend, landmarks=landmarks)

    with _exact_arithmetic(logits.device):
        x = (logits if logits.dtype == torch.float64 else logits.float()).sigmoid()
        cuts = [cut(x[n], images[n], None if valid is None else valid[n])[None] for n in range(len(x))]
        return torch.cat([x[:0, :, 0, 0], *cuts])  # an empty batch has a gradient too


def fits_exact(size: tuple[int, int], *, working_side: int = WORKING_SIDE) -> bool:
    """Return whether the backend "exact" takes images of this (height, width)."""
    height, width = shrunk_size(size, working_side)
    return height * width <= EXACT_SIDE**2


def _at_working_size(
    image: Tensor, x: Tensor, valid: Tensor | None, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return image (3, h, w), maps (K, h * w) and the share (h * w,) of each working pixel that is valid.

    Image and maps are averages over the valid pixels, so that the others change nothing.
    """
    with torch.no_grad():
        image = image.to(x.dtype)
        weight = x.new_ones(1, *x.shape[1:]) if valid is None else valid.to(x.dtype)
        share = shrink(weight, size)
        inverse = torch.where(share > 0, 1 / share, 0)
        image = shrink(image.where(weight > 0, 0), size) * inverse
    maps = shrink(x * weight, size) * inverse
    return image, maps.flatten(1), share.flatten()


def _cut_share(x: Tensor, features: Tensor, weight: Tensor, *, backend: str, landmarks: int) -> Tensor:
    """Return `x'A(1 - x) / 1'A1`, (K,), of maps (K, h * w) of one image."""
    with torch.no_grad():
        maps = torch.cat([torch.ones_like(x[:1]), 1 - x])
        products = _affinity_times(maps, features, weight, backend=backend, landmarks=landmarks)
        everything, outside = products[:1], products[1:]  # A1 and A(1 - x)
        total = everything.sum()
        scale = torch.where(total > 0, 1 / total, 0)
        value = (x * outside).sum(1) * scale
        slope = (2 * outside - everything) * scale  # A(1 - x) - Ax, where Ax = A1 - A(1 - x)
    share: Tensor = _WithGradient.apply(x, value, slope)
    return share


def _affinity_times(maps: Tensor, features: Tensor, weight: Tensor, *, backend: str, landmarks: int) -> Tensor:
    """Return `diag(weight) A diag(weight)` times maps (R, h * w), the same shape."""
    weighted = maps * weight
    if backend == "gated":
        return gated_times(features, torch.unflatten(weighted, 1, features.shape[1:])).flatten(1) * weight
    kept = weight.nonzero().squeeze(1)
    if not len(kept):
        return torch.zeros_like(maps)
    points, weighted = features.flatten(1).T[kept], weighted[:, kept]  # (P, 5), (R, P)
    if backend == "exact":
        products = exact_times(points, weighted)
    else:
        products = nystrom_times(points, weighted, landmarks=landmarks)
    return torch.zeros_like(maps).index_copy_(1, kept, products) * weight


@contextmanager
def _exact_arithmetic(device: torch.device) -> Iterator[None]:
    """Compute in the tensors' own precision: without autocast, TF32 or bfloat16 products."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


class _WithGradient(torch.autograd.Function):
    """A value whose gradient is known: only the gradient waits for the backward pass, and the affinity is let go."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor, slope: Tensor) -> Tensor:
        """Return value (K,), for maps x (K, P) and its gradient slope (K, P)."""
        ctx.save_for_backward(slope)
        return value

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient of the maps, (K, P).

        Raises:
            RuntimeError: when this gradient is to be differentiated again.
        """
        if torch.is_grad_enabled():
            raise RuntimeError("the CRF loss has no second derivative; call backward without create_graph")
        (slope,) = ctx.saved_tensors
        return gradient[:, None] * slope, None, None


def _check_exact(backend: str, size: tuple[int, int], working_side: int) -> None:
    if backend == "exact" and not fits_exact(size, working_side=working_side):
        raise ValueError(
            f"the exact CRF loss takes at most {EXACT_SIDE}x{EXACT_SIDE} pixels at its working size, "
            f"got {size[0]}x{size[1]}; use backend='nystrom', or working_side={EXACT_SIDE}"
        )


def _check_tensors(logits: Tensor, images: Tensor, valid: Tensor | None) -> None:
    if logits.ndim != 4 or not logits.is_floating_point() or 0 in logits.shape[2:]:
        expected = "floating point (N, K, H, W) of at least one pixel"
        raise ValueError(f"logits must be {expected}, got {logits.dtype} {tuple(logits.shape)}")
    batch, (height, width) = len(logits), logits.shape[2:]
    if images.shape != (batch, 3, height, width):
        raise ValueError(f"images must be {(batch, 3, height, width)} for these logits, got {tuple(images.shape)}")
    if valid is not None and (valid.shape != (batch, 1, height, width) or valid.dtype != torch.bool):
        expected = f"bool {(batch, 1, height, width)}"
        raise ValueError(f"valid must be {expected} for these logits, got {valid.dtype} {tuple(valid.shape)}")


def _check_settings(backend: str, sigma_rgb: float, sigma_xy: float, landmarks: int, working_side: int) -> None:
    if backend not in BACKENDS:
        raise ValueError(f"unknown CRF backend {backend!r}; use one of {', '.join(BACKENDS)}")
    if not (sigma_rgb > 0 and sigma_xy > 0):
        raise ValueError(f"sigma_rgb and sigma_xy must be positive, got {sigma_rgb} and {sigma_xy}")
    if landmarks < 1 or working_side < 1:
        raise ValueError(f"landmarks and working_side must be at least 1, got {landmarks} and {working_side}")
