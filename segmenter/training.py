"""What the segmenter learns from: a batch of images with the masks they have, and the loss on it."""

from __future__ import annotations

from dataclasses import asdict
from typing import NamedTuple

import torch
from torch import Tensor, nn

from segmenter.choices import LossWeights
from segmenter.interface import Outputs
from segmenter.losses import semi_supervised_loss
from segmenter.network import normalise_images
from segrec.core.device import autocast
from segrec.core.mask_values import IGNORE


class SegmentationBatch(NamedTuple):
    """Images with their masks; the masks of an image that has none may hold anything.

    Attributes:
        images: uint8 (N, 3, H, W), RGB, H and W multiples of 16.
        text: uint8 (N, 1, H, W); 255 = text, 0 = not, 128 = ignore; other values are shares of a pixel, of 255.
        region: uint8 (N, 1, H, W); 255 = inside a text polygon, 0 = outside, 128 = ignore.
        has_text: bool (N,), whether `text` is ground truth.
        has_region: bool (N,), whether `region` is ground truth.
    """

    images: Tensor
    text: Tensor
    region: Tensor
    has_text: Tensor
    has_region: Tensor


IOU_ONLY = LossWeights(lambda1=0.0, lambda2=0.0)
"""The paper's first phase (Section III.B.2)."""


def freeze_norms(network: nn.Module, frozen: bool) -> None:
    """Let the network's BatchNorms use their running statistics, unchanged, or those of each batch.

    Where batches of word crops and of scenes take turns, each is normalised by its own statistics in training, but both
    by the same running ones later; a last stage with frozen norms lets the weights fit these.
    """
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train(not frozen)


def segmentation_loss(
    model: nn.Module,
    batch: SegmentationBatch,
    *,
    device: torch.device | str = "cpu",
    phases: int = 2,
    amp: str = "off",
    weights: LossWeights | None = None,
) -> dict[str, Tensor]:
    """Return `loss` and its terms, see `semi_supervised_loss`, for one batch: float32 scalars on `device`.

    Args:
        model: the network, or a wrapper of it that is called alike, on `device`.
        batch: on any device.
        device: where to compute.
        phases: 1 trains both heads without guidance, 2 adds the guided pass.
        amp: "off", "bf16" or "fp16"; the loss itself is always float32.
        weights: of the terms; None is Eq. 1 alone for one phase and Eq. 5 for two.
    """
    device = torch.device(device)
    weights = weights or (IOU_ONLY if phases == 1 else LossWeights())
    text_only = phases == 1 and not (weights.lambda1 or weights.lambda2 or batch.has_region.any())
    images, text, region, has_text, has_region = (part.to(device, non_blocking=True) for part in batch)
    with autocast(device, amp):
        outputs = model(normalise_images(images), phases=phases, text_only=text_only)
    return semi_supervised_loss(
        Outputs(*outputs),
        text.float() / 255,
        region.float() / 255,
        text_valid=text != IGNORE,
        region_valid=region != IGNORE,
        has_text=has_text,
        has_region=has_region,
        images=images,
        **asdict(weights),
    )
