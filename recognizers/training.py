"""The training losses of recognizers, the batch that they take, and the head that helps attention recognizers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.attention import end_of
from recognizers.charset import Charset
from recognizers.configuration import AttentionNetwork, RecognizerNetwork
from recognizers.directions import reverse_words
from recognizers.preprocess import normalise
from segrec.core.device import autocast

PART = 16
"""Words of about equal width that go through a network at once."""


class WordBatch(NamedTuple):
    """Words to learn from.

    Attributes:
        images: (N, C, H, W) uint8, as `preprocess.prepare` makes them.
        targets: (sum of lengths,) int64, the class numbers of all labels in a row.
        lengths: (N,) int64, the number of characters of each label.
        widths: (N,) int64, ascending, how much of each image was there before the batch was padded; None for all.
    """

    images: Tensor
    targets: Tensor
    lengths: Tensor
    widths: Tensor | None = None


def recognition_loss(
    model: nn.Module, batch: WordBatch, *, device: torch.device, amp: str = "off"
) -> dict[str, Tensor]:
    """Return {"loss": scalar float32}: CTC, or teacher-forced attention's cross-entropy; both of a `JointCtcAttention`.

    A batch without a word goes through the network too and gives 0, with gradients of 0: of several processes that
    train together, all must take part in each step.

    Args:
        model: a recognizer with an `input_spec` and a `charset`, or a `JointCtcAttention` of one, on `device`; bare or
            wrapped
            for distributed training.
        batch: on any device.
        device: where to compute.
        amp: "off", "bf16" or "fp16" for the network; the loss itself is float32.

    Raises:
        ValueError: a label does not fit what the network can write.
    """
    network = _unwrapped(model)
    if isinstance(network, JointCtcAttention):
        return joint_loss(model, batch, device=device, amp=amp)
    loss = attention_loss if cast(RecognizerNetwork, network).charset.is_attention else ctc_loss
    return loss(model, batch, device=device, amp=amp)


def ctc_loss(model: nn.Module, batch: WordBatch, *, device: torch.device, amp: str = "off") -> dict[str, Tensor]:
    """Return {"loss": scalar float32}: each word's CTC loss divided by its length, averaged over the words.

    For the arguments see `recognition_loss`.

    Raises:
        ValueError: a label needs more frames than there are; its loss would be infinite. Sort it out with `fits`.
    """
    recognizer = cast(RecognizerNetwork, _unwrapped(model))
    parts = [batch] if model is not recognizer else alike(batch)  # processes must run the network equally often
    losses = []
    for part in parts:
        images = normalise(part.images.to(device, non_blocking=True), recognizer.input_spec)
        if device.type == "cpu" and part.widths is not None:
            images = images.contiguous(memory_format=torch.channels_last)  # a quarter faster at such sizes
        with autocast(device, amp):
            logits = model(images)  # (N, T, classes)
        _check_frames(part, int(logits.shape[1]))
        share = len(part.lengths) / max(1, len(batch.lengths))
        losses.append(ctc_of_logits(logits, part.targets, part.lengths) * share)
    return {"loss": torch.stack(losses).sum() if len(losses) > 1 else losses[0]}


def alike(batch: WordBatch) -> list[WordBatch]:
    """Return the batch in parts of `PART` words of about equal width, without padding that no word of a part needs.

    Padding all words to the widest one costs a network half as much again. A batch without widths is one part.
    """
    if batch.widths is None or len(batch.lengths) <= PART:
        return [batch]
    ends = batch.lengths.cumsum(0).tolist()
    parts = []
    for first in range(0, len(ends), PART):
        rows = slice(first, first + PART)
        targets = slice(ends[first - 1] if first else 0, ends[rows][-1])
        images = batch.images[rows, :, :, : int(batch.widths[rows][-1])]
        parts.append(WordBatch(images, batch.targets[targets], batch.lengths[rows], batch.widths[rows]))
    return parts


def attention_loss(model: nn.Module, batch: WordBatch, *, device: torch.device, amp: str = "off") -> dict[str, Tensor]:
    """Return {"loss": scalar float32}: the cross-entropy, mean over a word's characters and end, then over words.

    The decoder is fed the true characters (teacher forcing). For the arguments see `recognition_loss`.

    Raises:
        ValueError: a label with its end is longer than the decoder's `max_length`.
    """
    images, targets = _teacher_forced_inputs(cast(AttentionNetwork, _unwrapped(model)), batch, device)
    with autocast(device, amp):
        logits = model(images, targets)  # (N, L, classes)
    return {"loss": _cross_entropy(logits, targets, batch.lengths)}


def joint_loss(model: nn.Module, batch: WordBatch, *, device: torch.device, amp: str = "off") -> dict[str, Tensor]:
    """Return the scalars float32 `loss`, `attention` and, with the head, `ctc`: loss = attention + weight * ctc.

    `attention` is `attention_loss`, the mean over the decoders; a word with more characters and repeats than the
    features have columns counts 0 in `ctc`. For the arguments see `recognition_loss`.

    Raises:
        ValueError: a label with its end is longer than the decoder's `max_length`.
    """
    network = cast(JointCtcAttention, _unwrapped(model))
    charset = network.recognizer.charset
    images, targets = _teacher_forced_inputs(network.recognizer, batch, device)
    with autocast(device, amp):
        decoders, ctc_logits = model(images, targets)
    truths = (targets, reverse_words(targets, end_of(charset)))[: len(decoders)]
    losses = [_cross_entropy(logits, truth, batch.lengths) for logits, truth in zip(decoders, truths, strict=True)]
    attention = torch.stack(losses).mean()
    if ctc_logits is None:
        return {"loss": attention, "attention": attention.detach()}
    ctc = ctc_of_logits(ctc_logits, batch.targets - charset.first + 1, batch.lengths, zero_infinity=True)
    return {"loss": attention + network.weight * ctc, "attention": attention.detach(), "ctc": ctc.detach()}


def padded_targets(batch: WordBatch, charset: Charset) -> Tensor:
    """Return (N, longest + 1) int64: each word's classes, its end, and the end again as padding, on the batch's device.

    Args:
        batch: its labels.
        charset: of an attention recognizer.
    """
    targets = batch.targets.new_full((len(batch.lengths), _longest(batch) + 1), end_of(charset))
    inside = torch.arange(targets.shape[1], device=targets.device) < batch.lengths.to(targets.device)[:, None]
    targets[inside] = batch.targets
    return targets


def _unwrapped(model: nn.Module) -> nn.Module:
    """Return the model in its wrapper for distributed training, or itself without one."""
    return model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model


def _longest(batch: WordBatch) -> int:
    return int(batch.lengths.max()) if len(batch.lengths) else 0


def fits(label: str | Sequence[int], frames: int) -> bool:
    """Return whether CTC can write `label` in `frames` steps: one per character, a blank between equal neighbours."""
    repeats = sum(first == second for first, second in pairwise(label))
    return frames >= len(label) + repeats


def ctc_of_logits(logits: Tensor, targets: Tensor, lengths: Tensor, *, zero_infinity: bool = False) -> Tensor:
    """Return the CTC loss of logits (N, T, classes), blank 0, over each word's length, averaged; 0 without words."""
    if not len(logits):
        return logits.float().sum()
    log_probabilities = functional.log_softmax(logits.float(), dim=2).transpose(0, 1)  # (T, N, classes)
    if logits.device.type == "mps":
        log_probabilities = log_probabilities.cpu()  # torch has no CTC on this device
    lengths = lengths.cpu()  # CTC reads the lengths on the host
    return functional.ctc_loss(
        log_probabilities,
        targets.to(log_probabilities.device, non_blocking=True),
        torch.full_like(lengths, log_probabilities.shape[0]),
        lengths,
        blank=0,
        reduction="mean",
        zero_infinity=zero_infinity,
    )


def _teacher_forced_inputs(
    recognizer: AttentionNetwork, batch: WordBatch, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return images (N, C, H, W) and targets (N, L) on the device.

    Raises:
        ValueError: a label does not fit the decoder.
    """
    longest = _longest(batch) + 1
    if longest > recognizer.max_length:
        raise ValueError(
            f"label {int(batch.lengths.argmax())} needs {longest} steps with its end, but the decoder has "
            f"{recognizer.max_length}; leave such words out"
        )
    images = normalise(batch.images.to(device, non_blocking=True), recognizer.input_spec)
    return images, padded_targets(batch, recognizer.charset).to(device, non_blocking=True)


def _cross_entropy(logits: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    """Return the cross-entropy of logits (N, L, classes) and targets (N, L): a mean over each word, then over words.

    Without a word it is 0.
    """
    losses = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")  # (N * L,)
    steps = lengths.to(logits.device, non_blocking=True)[:, None] + 1  # (N, 1)
    own = torch.arange(targets.shape[1], device=logits.device) < steps  # (N, L)
    return (losses.view_as(targets) * own / steps).sum() / max(1, len(targets))


def _check_frames(batch: WordBatch, frames: int) -> None:
    """Refuse what has no CTC path, of which infinite losses and gradients that are not numbers would come.

    Raises:
        ValueError: a label needs more frames.
    """
    if not len(batch.lengths):
        return
    targets, lengths = batch.targets.cpu(), batch.lengths.cpu()
    word = torch.repeat_interleave(lengths)  # (sum of lengths,), the word of each character
    repeated = (targets[1:] == targets[:-1]) & (word[1:] == word[:-1])
    needs = lengths + torch.bincount(word[1:][repeated], minlength=len(lengths))
    if int(needs.max()) > frames:
        index = int((needs > frames).nonzero()[0])
        raise ValueError(
            f"label {index} needs {int(needs[index])} frames, a blank between equal neighbours included, but the "
            f"network gives {frames}; leave such words out, or use a wider input"
        )


class JointLogits(NamedTuple):
    """What is compared with the truth.

    Attributes:
        decoders: teacher-forced logits (N, L, classes) of each decoder; the second one's words are reversed.
        ctc: logits (N, S, characters + 1), blank first; None without the head.
    """

    decoders: tuple[Tensor, ...]
    ctc: Tensor | None


class JointCtcAttention(nn.Module):
    """An attention recognizer in training, with a linear CTC head on its encoder's features.

    Not in the paper. An attention decoder alone finds out late which column a character stands in; the CTC loss, which
    knows that the order is kept, tells the encoder within some hundred steps (joint training of Kim, Hori, Watanabe,
    ICASSP 2017). The head is thrown away afterwards.

    Args:
        recognizer: to be trained.
        features: width of its encoder's features.
        weight: of the CTC loss beside the decoders'; 0 leaves the head out.
    """

    def __init__(self, recognizer: AttentionNetwork, features: int, *, weight: float = 0.5) -> None:
        super().__init__()
        self.recognizer = recognizer
        self.weight = weight
        self.head = nn.Linear(features, len(recognizer.charset.characters) + 1) if weight else None

    def forward(self, images: Tensor, targets: Tensor) -> JointLogits:
        """Return both heads' logits of images (N, C, H, W) with targets (N, L), see the recognizer's `forward`."""
        features = self.recognizer.encode(images)  # (N, S, D)
        return JointLogits(self.recognizer.teach(features, targets), None if self.head is None else self.head(features))
