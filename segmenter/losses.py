"""The semi-supervised loss of the mutually guided network, each term a plain function on logits.

`iou` sums Eq. 1 over the outputs whose ground truth an image has and is the mean over the batch. `subset` sums Eq. 3
over its four pairs of outputs, or is the single pair after one pass (Table IV, row alpha). `crf` sums Eq. 4 over the
outputs of the branch whose ground truth an image lacks. `outside` is a term that the paper does not have: where
polygons are the only truth, text outside them is wrong, so there Eq. 1 is taken with an empty text mask.
`cross_entropy` is the pixel-wise one of the same outputs and targets as `iou`, which the paper does not have; it keeps
a gradient where a whole word is missed. The paper's first training phase has lambda1 = lambda2 = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from segmenter.choices import LossWeights
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
    lambda1: float = LossWeights.lambda1,
    lambda2: float = LossWeights.lambda2,
    outside: float = LossWeights.outside,
    cross_entropy: float = LossWeights.cross_entropy,
    crf_backend: str = LossWeights.crf_backend,
) -> dict[str, Tensor]:
    """Return the scalars `iou`, `subset`, `crf`, `outside`, `cross_entropy`, see the module, and their sum `loss`.

    The sum is Eq. 5 plus the last two by their weights; a term of weight 0 is not computed.

    Args:
        outputs: logits of the network, (N, 1, H, W) each; `text2` and `region2` may be None.
        text_target: (N, 1, H, W) in [0, 1], or None when no image of the batch has one.
        region_target: likewise.
        text_valid: the same shape, True where a pixel of the target counts; None counts all.
        region_valid: likewise.
        has_text: (N,) bool, whether an image has the target; None is True for all when there is a target.
        has_region: likewise.
        images: (N, 3, H, W) RGB in 0..255, from which Eq. 4 takes its affinities; None leaves that term out.
        lambda1: weight of the subset loss; the paper's is 10.
        lambda2: weight of the CRF loss; the paper's is 0.1.
        outside: weight of the term of this name.
        cross_entropy: likewise.
        crf_backend: how Eq. 4 is computed, see `dense_crf_loss`.

    Raises:
        ValueError: when there is no target at all, or when shapes differ.
    """
    if text_target is None and region_target is None:
        raise ValueError("semi_supervised_loss needs a text target, a region target or both; got neither")
    text = _branch(outputs.text, (outputs.text, outputs.text2), text_target, text_valid, has_text)
    region = _branch(outputs.text, (outputs.region, outputs.region2), region_target, region_valid, has_region)
    terms = {
        "iou": _both(_soft_iou_per_image, text, region),
        "subset": _subset(text, region) if lambda1 else text.zero,
        "crf": _mutual_crf(text, region, images, crf_backend) if lambda2 and images is not None else text.zero,
        "outside": _outside(text, region) if outside else text.zero,
        "cross_entropy": _both(_cross_entropy_per_image, text, region) if cross_entropy else text.zero,
    }
    return {"loss": _weighted(terms, (1.0, lambda1, lambda2, outside, cross_entropy)), **terms}


def _weighted(terms: Mapping[str, Tensor], weights: Sequence[float]) -> Tensor:
    """Return the sum of the terms by their weights, in their order."""
    first, *others = (weight * term for weight, term in zip(weights, terms.values(), strict=True))
    return sum(others, first)


class _Branch(NamedTuple):
    """The outputs of one decoder, their target with its valid pixels, which images have it, (N,) bool, and a zero."""

    outputs: list[Tensor]
    target: Tensor | None
    valid: Tensor | None
    known: Tensor
    zero: Tensor


def _branch(
    logits: Tensor,
    outputs: tuple[Tensor | None, Tensor | None],
    target: Tensor | None,
    valid: Tensor | None,
    has_target: Tensor | None,
) -> _Branch:
    """Return a branch of the passes that were done, of a batch that has these logits."""
    done = [one for one in outputs if one is not None]
    return _Branch(done, target, valid, _known(logits, target, has_target), _full_precision(logits).new_zeros(()))


def _known(logits: Tensor, target: Tensor | None, has_target: Tensor | None) -> Tensor:
    """Return (N,) bool, whether an image has the target."""
    if target is None:
        return torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
    if has_target is None:
        return torch.ones(len(logits), dtype=torch.bool, device=logits.device)
    if has_target.shape != (len(logits),):
        raise ValueError(f"has_text and has_region must be ({len(logits)},), got {tuple(has_target.shape)}")
    return has_target.bool()


def _supervised(term: Callable[[Tensor, Tensor, Tensor | None], Tensor], branch: _Branch) -> Tensor:
    """Return a term of one branch: both passes, images without the target count 0, mean over the whole batch."""
    target, known = branch.target, branch.known
    if target is None or not branch.outputs:
        return branch.zero
    return torch.stack([(term(logits, target, branch.valid) * known).mean() for logits in branch.outputs]).sum()


def _both(term: Callable[[Tensor, Tensor, Tensor | None], Tensor], text: _Branch, region: _Branch) -> Tensor:
    return _supervised(term, text) + _supervised(term, region)


def _outside(text: _Branch, region: _Branch) -> Tensor:
    """Return Eq. 1 of the text outputs against nothing, where no polygon lies, for images with polygons alone."""
    if region.target is None or not region.outputs:
        return text.zero
    free = region.target == 0
    free = free if region.valid is None else free & region.valid.bool()
    empty = torch.zeros_like(text.outputs[0])
    alone = region.known & ~text.known
    return _supervised(_soft_iou_per_image, text._replace(target=empty, valid=free, known=alone))


def _subset(text: _Branch, region: _Branch) -> Tensor:
    """Return Eq. 3 summed over all pairs of outputs."""
    return sum((subset_loss(inner, outer) for inner in text.outputs for outer in region.outputs), text.zero)


def _mutual_crf(text: _Branch, region: _Branch, images: Tensor, backend: str) -> Tensor:
    return _crf(text, region, images, backend) + _crf(region, text, images, backend)


def _crf(branch: _Branch, other: _Branch, images: Tensor, backend: str) -> Tensor:
    """Return Eq. 4 summed over a branch's outputs for images with the other's target alone, mean over the batch."""
    chosen, valid = other.known & ~branch.known, other.valid
    if not chosen.any():
        return branch.zero
    maps = torch.cat(branch.outputs, dim=1)[chosen]  # (chosen, 1 or 2, H, W)
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
