"""What a segmenter's masks are worth to a recognizer: its loss on the picture and the mask, the recognizer frozen."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.loading import load_pretrained
from recognizers.preprocess import InputSpec
from recognizers.training import ctc_of_logits
from segmenter.interface import Outputs
from segmenter.network import normalise_images
from segrec.core.device import autocast
from segrec.core.errors import ConfigError
from segrec.data.reading_batches import REASONS, ReadingBatch
from segrec.jobs.recognizer_loss import shared_terms, words_of_all
from segrec.training.distributed import World
from segrec.weights import resolve_weights


class ReadingLoss:
    """CTC loss of a frozen recognizer that reads words by the masks of the segmenter in training.

    Its gradient reaches the segmenter alone, through the mask: in mask pixels that decide a character it says more than
    the exact outline does. Not in the paper.

    Args:
        reader: shipped name, run directory or weights file of a CTC recognizer with a mask channel.
        weight: of the loss.
        world: the processes that train together.
        amp: "off", "bf16" or "fp16" of both networks.

    Raises:
        CheckpointError: the weights cannot be read.
        ConfigError: the recognizer has no mask channel, is one with attention, or pads its words.
    """

    def __init__(self, reader: str, weight: float, *, world: World, amp: str) -> None:
        network = load_pretrained(resolve_weights(reader))
        spec = network.input_spec
        if network.charset.is_attention or not spec.mask or spec.padding != "none":
            raise ConfigError(
                f"{reader} cannot judge masks: --reader takes a CTC recognizer fine-tuned with a mask channel whose "
                "words are stretched to one size, such as crnn-slim-predicted"
            )
        self.network = network.to(world.device).eval().requires_grad_(False)
        self._weight, self._world, self._amp = weight, world, amp

    def __call__(self, segmenter: nn.Module, batch: ReadingBatch, *, phases: int) -> Mapping[str, Tensor]:
        """Return `loss`, weighted, and `reading`, the CTC loss per character: float32 scalars.

        Args:
            segmenter: the network in training, or a wrapper of it that is called alike.
            batch: on any device; a process whose share holds no word adds nothing, as long as another one's does.
            phases: 2 judges the mask of the guided pass, 1 that of the pass without guidance.

        Raises:
            DataError: no process has a word.
        """
        device, own = self._world.device, len(batch.lengths)
        words = words_of_all(self._world, own, left_out(batch))
        images = batch.images.to(device, non_blocking=True)
        with autocast(device, self._amp):
            outputs = Outputs(*segmenter(normalise_images(images), phases=phases, text_only=phases == 1))
            text = outputs.text if outputs.text2 is None else outputs.text2
            reading = self._reading(images, text, batch) if own else text.float().sum()
        terms = {"loss": self._weight * reading, "reading": reading.detach()}
        return shared_terms(terms, self._world, own, words)

    def _reading(self, images: Tensor, text: Tensor, batch: ReadingBatch) -> Tensor:
        """Return the CTC loss of words (N, 3, H, W) uint8 by the logits of their text masks, (N, 1, H, W)."""
        seen = read_through(images, text.float().sigmoid(), batch.widths, self.network.input_spec)
        return ctc_of_logits(self.network(seen), batch.targets, batch.lengths)


def left_out(batch: object) -> dict[str, int]:
    """Return how many words a batch lost, by reason; one that is not to be read lost none."""
    skipped = batch.skipped if isinstance(batch, ReadingBatch) else {}
    return {reason: skipped.get(reason, 0) for reason in REASONS}


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
