"""The training loss of a CTC recognizer and the batch that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.preprocess import normalise
from segrec.core.device import autocast


class WordBatch(NamedTuple):
    """Words to learn from.

    Attributes:
        images: (N, C, H, W) uint8, as `preprocess.prepare` makes them.
        targets: (sum of lengths,) int64, the class numbers of all labels in a row.
        lengths: (N,) int64, the number of characters of each label.
    """

    images: Tensor
    targets: Tensor
    lengths: Tensor


def ctc_loss(model: nn.Module, batch: WordBatch, *, device: torch.device, amp: str = "off") -> dict[str, Tensor]:
    """{"loss": scalar float32}: each word's CTC loss divided by its length, averaged over the words.

    A label that does not fit the frames gives an infinite loss on purpose; refuse it earlier with `fits`.

    Args:
        model: a recognizer with an `input_spec`, bare or wrapped for distributed training, on `device`.
        batch: on any device.
        device: where to compute.
        amp: "off", "bf16" or "fp16" for the network; the loss itself is float32.
    """
    recognizer: Any = getattr(model, "module", model)
    images = normalise(batch.images.to(device, non_blocking=True), recognizer.input_spec)
    with autocast(device, amp):
        logits = model(images)  # (N, T, classes)
    log_probabilities = functional.log_softmax(logits.float(), dim=2).transpose(0, 1)  # (T, N, classes)
    if device.type == "mps":
        log_probabilities = log_probabilities.cpu()  # torch has no CTC on this device
    lengths = batch.lengths.cpu()  # CTC reads the lengths on the host
    loss = functional.ctc_loss(
        log_probabilities,
        batch.targets.to(log_probabilities.device, non_blocking=True),
        torch.full_like(lengths, log_probabilities.shape[0]),
        lengths,
        blank=0,
        reduction="mean",
        zero_infinity=False,
    )
    return {"loss": loss}


def fits(label: str | Sequence[int], frames: int) -> bool:
    """Whether CTC can write `label` in `frames` steps: one each character and a blank between equal neighbours."""
    repeats = sum(first == second for first, second in pairwise(label))
    return frames >= len(label) + repeats
