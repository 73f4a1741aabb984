"""The semi-supervised loss of the mutually guided network, each term a plain function on logits."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from segmenter.crf import dense_crf_loss
from segmenter.interface import Outputs

EPSILON = 1e-6
"""Pixels added to both sides of the IoU fraction, so that it is defined everywhere."""

EMPTY_SHARE = 0.1
"""Where the target is empty, this share of the valid pixels is added instead, see `soft_iou_loss`."""


def soft_iou_loss(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return the negative soft intersection over union, Eq. 1: per image, then the mean over the batch; in [-1, 0].

    Of an image whose target is empty, Eq. 1 is 0 whatever the output is. Such an image gets `-s / (x + s)` instead, x
    the sum of its output and s a tenth of its valid pixels (not stated in the paper): -1 for an empty output, and a
    slope that is still felt where a third of the picture is wrongly called text. An image without a valid pixel adds
    -1 and no gradient.

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
    images: Tensor | None = None,
    lambda1: float = 10.0,
    lambda2: float = 0.1,
    outside: float = 0.0,
    cross_entropy: float = 0.0,
    crf_backend: str = "nystrom",
) -> dict[str, Tensor]:
    """Return `loss`, `iou`, `subset`, `crf`, `outside` and `cross_entropy`, scalars.

    `loss` is Eq. 5 plus the last two by their weights.

    `iou` sums Eq. 1 over the outputs whose ground truth an image has and is the mean over the batch. `subset` sums
    Eq. 3 over its four pairs of outputs, or is the single pair after one pass (Table IV, row alpha). `crf` sums Eq. 4
    over the outputs of the branch whose ground truth an image lacks. `outside` is a term that the paper does not have:
    where polygons are the only truth, text outside them is wrong, so there Eq. 1 is taken with an empty text mask.
    `cross_entropy` is the pixel-wise one of the same outputs and targets as `iou`, which the paper does not have; it
    keeps a gradient where a whole word is missed. A term of weight 0 is not computed. The paper's first training phase
    has lambda1 = lambda2 = 0.

    Args:
        outputs: logits of the network, (N, 1, H, W) each; `text2` and `region2` may be None.
        text_target: (N, 1, H, W) in [0, 1], or None when no image of the batch has one.
        region_target: the same for regions.
        text_valid: the same shape, True where a pixel of the text target counts; None counts all.
        region_valid: the same for regions.
        has_text: (N,) bool, whether an image has a text target; None is True for all when there is a target.
        has_region: the same for regions.
        images: (N, 3, H, W) RGB in 0..255, from which Eq. 4 takes its affinities; None leaves that term out.
        lambda1: weight of the subset loss; the paper's is 10.
        lambda2: weight of the CRF loss; the paper's is 0.1.
        outside: weight of the term outside polygons.
        cross_entropy: weight of the pixel-wise cross-entropy.
        crf_backend: how Eq. 4 is computed, see `dense_crf_loss`.

    Raises:
        ValueError: when there is no target at all, or when shapes differ.
    """
    if text_target is None and region_target is None:
        raise ValueError("semi_supervised_loss needs a text target, a region target or both; got neither")
    texts = [logits for logits in (outputs.text, outputs.text2) if logits is not None]
    regions = [logits for logits in (outputs.region, outputs.region2) if logits is not None]
    knows_text, knows_region = (
        _known(outputs.text, target, has) for target, has in ((text_target, has_text), (region_target, has_region))
    )
    zero = _full_precision(outputs.text).new_zeros(())
    iou, subset, crf, beyond, entropy = zero, zero, zero, zero, zero
    if text_target is not None:
        iou = iou + _supervised(_soft_iou_per_image, texts, text_target, text_valid, knows_text)
        if cross_entropy:
            entropy = entropy + _supervised(_cross_entropy_per_image, texts, text_target, text_valid, knows_text)
    if region_target is not None and regions:
        iou = iou + _supervised(_soft_iou_per_image, regions, region_target, region_valid, knows_region)
        if cross_entropy:
            entropy = entropy + _supervised(
                _cross_entropy_per_image, regions, region_target, region_valid, knows_region
            )
        if outside:
            beyond = _outside(texts, region_target, region_valid, knows_region & ~knows_text)
    if lambda1:
        for text in texts:
            for region in regions:
                subset = subset + subset_loss(text, region)
    if lambda2 and images is not None:
        crf = _crf(texts, images, region_valid, knows_region & ~knows_text, crf_backend)
        crf = crf + _crf(regions, images, text_valid, knows_text & ~knows_region, crf_backend)
    loss = iou + lambda1 * subset + lambda2 * crf + outside * beyond + cross_entropy * entropy
    return {"loss": loss, "iou": iou, "subset": subset, "crf": crf, "outside": beyond, "cross_entropy": entropy}


def _known(logits: Tensor, target: Tensor | None, has_target: Tensor | None) -> Tensor:
    """Return (N,) bool, whether an image has the target."""
    if target is None:
        return torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
    if has_target is None:
        return torch.ones(len(logits), dtype=torch.bool, device=logits.device)
    if has_target.shape != (len(logits),):
        raise ValueError(f"has_text and has_region must be ({len(logits)},), got {tuple(has_target.shape)}")
    return has_target.bool()


def _supervised(
    term: Callable[[Tensor, Tensor, Tensor | None], Tensor],
    outputs: list[Tensor],
    target: Tensor,
    valid: Tensor | None,
    known: Tensor,
) -> Tensor:
    """Return a term of one branch: both passes, images without the target count 0, mean over the whole batch."""
    return torch.stack([(term(logits, target, valid) * known).mean() for logits in outputs]).sum()


def _outside(texts: list[Tensor], region: Tensor, valid: Tensor | None, chosen: Tensor) -> Tensor:
    """Return Eq. 1 of the text outputs against nothing, where no polygon lies, for the chosen images."""
    free = region == 0 if valid is None else (region == 0) & valid.bool()
    return _supervised(_soft_iou_per_image, texts, torch.zeros_like(texts[0]), free, chosen)


def _crf(outputs: list[Tensor], images: Tensor, valid: Tensor | None, chosen: Tensor, backend: str) -> Tensor:
    """Return Eq. 4 summed over the outputs of a branch for the chosen images, mean over the whole batch."""
    if not chosen.any():
        return _full_precision(outputs[0]).new_zeros(())
    maps = torch.cat(outputs, dim=1)[chosen]  # (chosen, 1 or 2, H, W)
    per_image = dense_crf_loss(maps, images[chosen], None if valid is None else valid.bool()[chosen], backend=backend)
    return per_image.sum() / len(chosen)


def _soft_iou_per_image(logits: Tensor, target: Tensor, valid: Tensor | None) -> Tensor:
    """Return (N,), see `soft_iou_loss`."""
    _check_shapes("target", target, logits)
    logits = _full_precision(logits)
    x, m = logits.sigmoid(), target.to(logits.dtype)
    counted = torch.ones_like(x) if valid is None else valid.to(logits.dtype)
    _check_shapes("valid", counted, logits)
    both = (x * m * counted).flatten(1).sum(1)
    either = ((x + m - x * m) * counted).flatten(1).sum(1)
    empty = (m * counted).flatten(1).sum(1) == 0
    added = torch.where(empty, EMPTY_SHARE * counted.flatten(1).sum(1), 0.0) + EPSILON
    return -(both + added) / (either + added)


def _cross_entropy_per_image(logits: Tensor, target: Tensor, valid: Tensor | None) -> Tensor:
    """Return (N,), the mean binary cross-entropy over the valid pixels of an image; 0 without any."""
    _check_shapes("target", target, logits)
    logits = _full_precision(logits)
    losses = F.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="none")
    counted = torch.ones_like(losses) if valid is None else valid.to(logits.dtype)
    return (losses * counted).flatten(1).sum(1) / counted.flatten(1).sum(1).clamp(min=1)


def _full_precision(logits: Tensor) -> Tensor:
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def _check_shapes(name: str, tensor: Tensor, logits: Tensor) -> None:
    if tensor.shape != logits.shape:
        raise ValueError(f"{name} must have the logits' shape {tuple(logits.shape)}, got {tuple(tensor.shape)}")
