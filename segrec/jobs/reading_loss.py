"""What a segmenter's masks are worth to a recognizer: its loss on the picture and the mask, the recognizer frozen."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.loading import load_pretrained
from recognizers.preprocess import InputSpec
from recognizers.training import ctc_of_logits
from segmenter.network import normalise_images
from segrec.core.device import autocast
from segrec.core.errors import ConfigError
from segrec.data.reading_batches import ReadingBatch
from segrec.weights import resolve_weights


class ReadingLoss:
    """CTC loss of a frozen recognizer that reads words by the masks of the segmenter in training.

    Its gradient reaches the segmenter alone, through the mask: in mask pixels that decide a character it says more than
    the exact outline does. Not in the paper.

    Args:
        reader: shipped name, run directory or weights file of a CTC recognizer with a mask channel.
        weight: of the loss.
        device: where to compute.
        amp: "off", "bf16" or "fp16" of both networks.

    Raises:
        CheckpointError: the weights cannot be read.
        ConfigError: the recognizer has no mask channel, or is one with attention.
    """

    def __init__(self, reader: str, weight: float, *, device: torch.device, amp: str) -> None:
        network = load_pretrained(resolve_weights(reader))
        if network.charset.is_attention or not network.input_spec.mask:
            raise ConfigError(
                f"{reader} cannot judge masks: --reader takes a CTC recognizer fine-tuned with a mask channel, such as "
                "crnn-slim-predicted"
            )
        self.network = network.to(device).eval().requires_grad_(False)
        self._weight, self._device, self._amp = weight, device, amp

    @property
    def frames(self) -> int:
        """How many CTC frames the recognizer gives."""
        spec = self.network.input_spec
        with torch.inference_mode():
            return int(self.network(torch.zeros(1, 4, spec.height, spec.width, device=self._device)).shape[1])

    def __call__(self, segmenter: nn.Module, batch: ReadingBatch) -> dict[str, Tensor]:
        """Return `loss`, weighted, and `reading`, the CTC loss per character: float32 scalars.

        Args:
            segmenter: the network in training, or a wrapper of it that is called alike.
            batch: on any device.
        """
        images = batch.images.to(self._device, non_blocking=True)
        with autocast(self._device, self._amp):
            text = segmenter(normalise_images(images), phases=1, text_only=True)[0]
            logits = self.network(read_through(images, text.float().sigmoid(), batch.widths, self.network.input_spec))
        reading = ctc_of_logits(logits, batch.targets, batch.lengths)
        return {"loss": self._weight * reading, "reading": reading.detach()}


def read_through(images: Tensor, masks: Tensor, widths: Tensor, spec: InputSpec) -> Tensor:
    """Return the recognizer's input, (N, 4, h, w) float32: each word stretched to its size, colours normalised.

    Args:
        images: (N, 3, H, W) uint8 RGB.
        masks: (N, 1, H, W) in [0, 1]; their gradient is kept.
        widths: (N,) int64, the words' own widths, at most W.
        spec: the recognizer's input, of which it has one size.
    """
    scale = (widths.to(images.device) / images.shape[3]).to(torch.float32)
    move = torch.zeros(len(images), 2, 3, device=images.device)
    move[:, 0, 0], move[:, 0, 2], move[:, 1, 1] = scale, scale - 1, 1  # the word's own part of -1..1
    grid = functional.affine_grid(move, [len(images), 4, spec.height, spec.width], align_corners=False)
    colour = (images.float() - spec.mean) / spec.deviation
    return functional.grid_sample(
        torch.cat([colour, masks], 1), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
