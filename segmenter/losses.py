"""The semi-supervised loss of the mutually guided network, each term a plain function on logits."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from segmenter.network import Outputs

EPSILON = 1.0
"""One pixel, added to both sides of the IoU fraction: an empty target then still pulls the output down."""


def soft_iou_loss(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return the negative soft intersection over union, Eq. 1: per image, then the mean over the batch; in [-1, 0].

    One pixel is added to numerator and denominator (not stated in the paper), so that an image without text has its
    minimum, -1, at an empty output. An image without a valid pixel adds -1 and no gradient.

    Args:
        logits: (N, 1, H, W), any range.
        target: the same shape, [0, 1], any dtype.
        valid: the same shape, True or 1 where a pixel counts; None counts all.

    Raises:
        ValueError: when the shapes differ.
    """
    return _soft_iou_per_image(logits, target, valid).mean()


def subset_loss(text_logits: Tensor, region_logits: Tensor) -> Tensor:
    """Return one (Z, Y) pair of Eq. 3, at least 0: the mean over all pixels of `-Z (Y log Z + (1 - Y) log(1 - Z))`.

    It is high where text is likely and region is not. Z is differentiable as a weight too: with a constant weight the
    minimum is a text mask that fills the region.

    Args:
        text_logits: (N, 1, H, W), any range.
        region_logits: the same shape.

    Raises:
        ValueError: when the shapes differ.
    """
    _check_shapes("region logits", region_logits, text_logits)
    text, region = _full_precision(text_logits), _full_precision(region_logits)
    z, y = text.sigmoid(), region.sigmoid()
    return -(z * (y * F.logsigmoid(text) + (1 - y) * F.logsigmoid(-text))).mean()


def semi_supervised_loss(
    outputs: Outputs,
    text_target: Tensor | None = None,
    region_target: Tensor | None = None,
    *,
    text_valid: Tensor | None = None,
    region_valid: Tensor | None = None,
    has_text: Tensor | None = None,
    has_region: Tensor | None = None,
    lambda1: float = 10.0,
) -> dict[str, Tensor]:
    """Return `loss`, `iou` and `subset`, scalars, with `loss = iou + lambda1 * subset` (Eq. 5).

    `iou` sums Eq. 1 over the outputs whose ground truth an image has and is the mean over the batch. `subset` sums
    Eq. 3 over its four pairs; after one phase it is 0, as in the paper's first training phase.

    Args:
        outputs: logits of the network, (N, 1, H, W) each; `text2` and `region2` may be None.
        text_target: (N, 1, H, W) in [0, 1], or None when no image of the batch has one.
        region_target: the same for regions.
        text_valid: the same shape, True where a pixel of the text target counts; None counts all.
        region_valid: the same for regions.
        has_text: (N,) bool, whether an image has a text target; None is True for all when there is a target.
        has_region: the same for regions.
        lambda1: weight of the subset loss; the paper's is 10.

    Raises:
        ValueError: when there is no target at all, or when shapes differ.
    """
    if text_target is None and region_target is None:
        raise ValueError("semi_supervised_loss needs a text target, a region target or both; got neither")
    iou = _full_precision(outputs.text).new_zeros(())
    if text_target is not None:
        iou = iou + _supervised(outputs.text, outputs.text2, text_target, text_valid, has_text)
    if region_target is not None:
        iou = iou + _supervised(outputs.region, outputs.region2, region_target, region_valid, has_region)
    subset = torch.zeros_like(iou)
    if outputs.text2 is not None and outputs.region2 is not None:
        for text in (outputs.text, outputs.text2):
            for region in (outputs.region, outputs.region2):
                subset = subset + subset_loss(text, region)
    return {"loss": iou + lambda1 * subset, "iou": iou, "subset": subset}


def _supervised(
    first: Tensor, second: Tensor | None, target: Tensor, valid: Tensor | None, has_target: Tensor | None
) -> Tensor:
    """Return Eq. 1 of one branch: both phases, images without the target count 0, mean over the whole batch."""
    per_image = _soft_iou_per_image(first, target, valid)  # (N,)
    if second is not None:
        per_image = per_image + _soft_iou_per_image(second, target, valid)
    if has_target is None:
        return per_image.mean()
    if has_target.shape != per_image.shape:
        raise ValueError(f"has_text and has_region must be ({len(per_image)},), got {tuple(has_target.shape)}")
    return (per_image * has_target).mean()


def _soft_iou_per_image(logits: Tensor, target: Tensor, valid: Tensor | None) -> Tensor:
    _check_shapes("target", target, logits)
    logits = _full_precision(logits)
    x, m = logits.sigmoid(), target.to(logits.dtype)
    both = x * m
    either = x + m - both
    if valid is not None:
        _check_shapes("valid", valid, logits)
        both, either = both * valid, either * valid
    return -(both.flatten(1).sum(1) + EPSILON) / (either.flatten(1).sum(1) + EPSILON)


def _full_precision(logits: Tensor) -> Tensor:
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def _check_shapes(name: str, tensor: Tensor, logits: Tensor) -> None:
    if tensor.shape != logits.shape:
        raise ValueError(f"{name} must have the logits' shape {tuple(logits.shape)}, got {tuple(tensor.shape)}")
