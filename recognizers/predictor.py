"""A recognizer that reads images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from recognizers.decoding import Reading, read_logits
from recognizers.preprocess import normalise, prepare
from segrec.core.device import autocast, resolve_device


class Recognizer:
    """Reads word images with a model of this package.

    Args:
        model: moved to the device and put in eval mode.
        device: "auto", "cpu", "cuda", "cuda:n", "mps" or a torch device.
        amp: "off", "bf16" or "fp16".
    """

    def __init__(self, model: nn.Module, *, device: str | torch.device = "cpu", amp: str = "off") -> None:
        self.device = resolve_device(str(device))
        self.amp = amp
        self.model: Any = model.to(self.device).eval()

    @property
    def needs_mask(self) -> bool:
        """Whether `read` needs a text mask for each image."""
        return bool(self.model.input_spec.mask)

    def read(
        self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None = None, *, batch_size: int = 64
    ) -> list[Reading]:
        """One reading an image, in order; no images give no readings.

        Args:
            images: (H, W, 3) uint8 RGB word crops of any size.
            masks: (H, W) uint8, 0..255, each of its image's size or of the network's input size; for a model that
                needs them.
            batch_size: images at once.

        Raises:
            ValueError: an image or mask is not like that, masks are missing, too many or not needed.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self._check(images, masks)
        readings: list[Reading] = []
        for start in range(0, len(images), batch_size):
            chosen = slice(start, start + batch_size)
            readings += self._read_batch(images[chosen], None if masks is None else masks[chosen])
        return readings

    @torch.inference_mode()
    def _read_batch(self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None) -> list[Reading]:
        spec = self.model.input_spec
        batch = np.empty((len(images), spec.channels, spec.height, spec.width), np.uint8)
        for index, image in enumerate(images):
            batch[index] = prepare(image, None if masks is None else masks[index], spec)
        pixels = normalise(torch.from_numpy(batch).to(self.device), spec)
        with autocast(self.device, self.amp):
            logits = self.model(pixels)
        return read_logits(logits, self.model.charset)

    def _check(self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None) -> None:
        if self.needs_mask and masks is None and len(images):
            raise ValueError("this recognizer takes RGB + mask: give one (H, W) uint8 mask an image")
        if masks is None:
            return
        if not self.needs_mask:
            raise ValueError("this recognizer takes no mask: leave the masks out, or widen it with widen_input()")
        if len(masks) != len(images):
            raise ValueError(f"masks must be one an image: got {len(masks)} masks for {len(images)} images")
        spec = self.model.input_spec
        for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
            if mask.shape not in (image.shape[:2], (spec.height, spec.width)):
                raise ValueError(
                    f"mask {index} must have its image's size {image.shape[:2]} or the network's "
                    f"{(spec.height, spec.width)}, got {mask.shape}; resize it first"
                )
