"""From logits to text and its confidence."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from recognizers.charset import Charset


class Reading(NamedTuple):
    """One word as read.

    Attributes:
        text: characters of the charset; may be empty.
        confidence: in [0, 1]; the product of the characters' confidences, or for an empty text the geometric mean of
            the blank's probability over the frames (a product over all frames would call every empty crop uncertain).
        character_confidences: in [0, 1], one a character: the largest probability over the frames of its run.
    """

    text: str
    confidence: float
    character_confidences: tuple[float, ...]


def ctc_greedy(logits: Tensor, charset: Charset) -> list[Reading]:
    """The best class of each frame, equal neighbours merged, blanks dropped: one reading a row.

    Args:
        logits: (N, T, classes), any float type and device, T >= 1.
        charset: the classes after the blank.

    Raises:
        ValueError: another shape, or logits that are not finite.
    """
    if logits.ndim != 3 or logits.shape[1] == 0 or logits.shape[2] != charset.classes:
        raise ValueError(f"logits must be (N, T, {charset.classes}) with T >= 1, got {tuple(logits.shape)}")
    if logits.shape[0] == 0:
        return []
    classes, probabilities = _best_of_each_frame(logits)
    rows, frames = classes.shape

    starts_run = np.ones((rows, frames), bool)
    starts_run[:, 1:] = classes[:, 1:] != classes[:, :-1]
    starts = np.flatnonzero(starts_run)
    run_class = classes.reshape(-1)[starts]
    run_confidence = np.maximum.reduceat(probabilities.reshape(-1), starts)

    written = run_class > 0
    row_ends = np.searchsorted(starts[written], np.arange(1, rows + 1) * frames)
    characters = "".join(np.array(list("\0" + charset.characters))[run_class[written]].tolist())
    confidences = run_confidence[written].tolist()
    empty_confidence = np.exp(np.log(probabilities).mean(axis=1)).tolist()

    readings, begin = [], 0
    for row, end in enumerate(row_ends.tolist()):
        of_row = tuple(confidences[begin:end])
        confidence = math.prod(of_row) if of_row else empty_confidence[row]
        readings.append(Reading(characters[begin:end], confidence, of_row))
        begin = end
    return readings


def _best_of_each_frame(logits: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Best class (N, T) int64 and its softmax probability (N, T) float64, in one transfer from the device."""
    logits = logits.detach().float()
    largest, classes = logits.max(dim=2)
    probabilities = (largest - logits.logsumexp(dim=2)).exp().clamp(max=1.0)
    moved = torch.stack((classes.to(torch.float32), probabilities)).cpu().numpy()  # class numbers are exact in float32
    if not np.isfinite(moved[1]).all():
        raise ValueError("logits are not finite: the weights or the input hold NaN or infinity")
    return moved[0].astype(np.int64), moved[1].astype(np.float64)
