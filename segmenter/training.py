"""What the segmenter learns from: a batch of images with the masks they have, and the loss on it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from segmenter.losses import semi_supervised_loss
from segmenter.network import MutuallyGuidedNet, Outputs, normalise_images
from segrec.core.device import autocast

IGNORE = 128
"""The value of a mask pixel that is neither text nor background; 255 is on, 0 is off."""


class SegmentationBatch(NamedTuple):
    """Images with their masks; the masks of an image that has none may hold anything.

    Attributes:
        images: uint8 (N, 3, H, W), RGB, H and W multiples of 16.
        text: uint8 (N, 1, H, W); 255 = text, 0 = not, 128 = ignore.
        region: uint8 (N, 1, H, W); 255 = inside a text polygon, 0 = outside, 128 = ignore.
        has_text: bool (N,), whether `text` is ground truth.
        has_region: bool (N,), whether `region` is ground truth.
    """

    images: Tensor
    text: Tensor
    region: Tensor
    has_text: Tensor
    has_region: Tensor


def segmentation_loss(
    model: MutuallyGuidedNet,
    batch: SegmentationBatch,
    *,
    device: torch.device | str = "cpu",
    phases: int = 2,
    amp: str = "off",
    lambda1: float = 10.0,
) -> dict[str, Tensor]:
    """Return `loss`, `iou` and `subset` of `semi_supervised_loss` for one batch, float32 scalars on `device`.

    Args:
        model: the network, on `device`.
        batch: on any device.
        device: where to compute.
        phases: 1 trains both heads without guidance on the IoU alone, 2 adds the guided pass and the subset loss.
        amp: "off", "bf16" or "fp16"; the loss itself is always float32.
        lambda1: weight of the subset loss.
    """
    device = torch.device(device)
    images, text, region, has_text, has_region = (part.to(device, non_blocking=True) for part in batch)
    with autocast(device, amp):
        outputs: Outputs = model(normalise_images(images), phases=phases)
    return semi_supervised_loss(
        outputs,
        text > IGNORE,
        region > IGNORE,
        text_valid=text != IGNORE,
        region_valid=region != IGNORE,
        has_text=has_text,
        has_region=has_region,
        lambda1=lambda1,
    )
