"""What a segmenter's masks are worth to a frozen recognizer: its loss on picture and mask, or on the mask alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.configuration import RecognizerNetwork
from recognizers.loading import load_pretrained
from recognizers.preprocess import InputSpec
from recognizers.training import ctc_of_logits
from recognizers.widen import train_input_mode
from segmenter.interface import Outputs
from segmenter.network import normalise_images
from segrec.core.device import autocast
from segrec.core.errors import ConfigError
from segrec.data.reading_batches import REASONS, ReadingBatch
from segrec.data.recognition import ReaderInput
from segrec.jobs.recognizer_loss import frames_of, shared_terms, words_of_all
from segrec.training.distributed import World
from segrec.weights import resolve_weights


class ReadingLoss:
    """CTC loss of frozen recognizers that read words by the masks of the segmenter in training.

    Its gradient reaches the segmenter alone, through the mask: in mask pixels that decide a character it says more than
    the exact outline does. A recognizer with a mask channel reads picture and mask. One without reads the mask alone,
    as a picture of white letters on black: whatever it is to read must be in the mask. Not in the paper.

    Args:
        readers: shipped names, run directories or weights files of CTC recognizers.
        weight: of the loss.
        world: the processes that train together.
        amp: "off", "bf16" or "fp16" of all networks.

    Attributes:
        networks: the recognizers.
        inputs: what each of them takes.

    Raises:
        CheckpointError: the weights cannot be read.
        ConfigError: a recognizer is one with attention.
    """

    def __init__(self, readers: Sequence[str], weight: float, *, world: World, amp: str) -> None:
        self.networks = [_reader(name).to(world.device) for name in readers]
        self.inputs = [ReaderInput(one.input_spec, one.charset, frames_of(one)) for one in self.networks]
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
            reading = self._reading(text, batch) if own else text.float().sum()
        terms = {"loss": self._weight * reading, "reading": reading.detach()}
        return shared_terms(terms, self._world, own, words)

    def _reading(self, text: Tensor, batch: ReadingBatch) -> Tensor:
        """Return the CTC loss of words by the logits of their text masks, (N, 1, H, W)."""
        network, seen = self.networks[batch.reader], batch.seen.to(text.device, non_blocking=True)
        masks = masks_seen(text.float().sigmoid(), batch.widths, batch.contents, (seen.shape[2], seen.shape[3]))
        return ctc_of_logits(network(as_read(seen, masks, network.input_spec)), batch.targets, batch.lengths)


def _reader(name: str) -> RecognizerNetwork:
    """Return a recognizer that can judge masks, frozen.

    Raises:
        CheckpointError: its weights cannot be read.
        ConfigError: it is one with attention.
    """
    network = load_pretrained(resolve_weights(name))
    if network.charset.is_attention:
        raise ConfigError(
            f"{name} cannot judge masks: --reader takes CTC recognizers, such as crnn-slim-predicted, which reads "
            "picture and mask, or crnn-slim-none, which reads the mask alone"
        )
    train_input_mode(network.requires_grad_(False))
    return network


def left_out(batch: object) -> dict[str, int]:
    """Return how many words a batch lost, by reason; one that is not to be read lost none."""
    skipped = batch.skipped if isinstance(batch, ReadingBatch) else {}
    return {reason: skipped.get(reason, 0) for reason in REASONS}


def as_read(seen: Tensor, masks: Tensor, spec: InputSpec) -> Tensor:
    """Return what a recognizer takes, (N, C, h, w) float32: picture and mask, or the mask as its picture.

    Args:
        seen: (N, 3, h, w) uint8, RGB.
        masks: (N, 1, h, w) in [0, 1], for one without a mask channel the brightness; their gradient is kept.
        spec: the recognizer's input.
    """
    if spec.mask:
        return torch.cat([(seen.float() - spec.mean) / spec.deviation, masks], 1)
    return ((255 * masks - spec.mean) / spec.deviation).expand(-1, spec.channels, -1, -1)


def masks_seen(masks: Tensor, widths: Tensor, contents: Tensor, size: tuple[int, int]) -> Tensor:
    """Return text masks as a recognizer sees them, (N, 1, *size): each word's at its place, zeros beyond it.

    Args:
        masks: (N, 1, H, W) in [0, 1]; their gradient is kept.
        widths: (N,) int64, the words' own widths in the masks, at most W.
        contents: (N,) int64, the words' own widths in the recognizer's input, at most `size[1]`.
        size: (height, width) of that input.
    """
    height, width = size
    device, count = masks.device, len(masks)
    widths, contents = widths.to(device)[:, None].float(), contents.to(device)[:, None].float()
    columns = (torch.arange(width, device=device) + 0.5) / contents  # (N, width), below 1 inside the word
    across = (columns * widths).clamp(max=widths - 0.5) / masks.shape[3] * 2 - 1
    down = (torch.arange(height, device=device) + 0.5) / height * 2 - 1
    grid = torch.stack([across[:, None].expand(-1, height, -1), down[None, :, None].expand(count, -1, width)], -1)
    moved = functional.grid_sample(masks, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return moved * (columns < 1)[:, None, None]
