"""The best class of each frame or step."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from recognizers.charset import Charset
from recognizers.decoding.reading import NOT_FINITE, Reading, check_kind, check_shape


def read_logits(logits: Tensor, charset: Charset) -> list[Reading]:
    """Return greedy readings of CTC or attention logits (N, T, classes), as the charset's kind says.

    Raises:
        ValueError: another shape, or logits that are not finite.
    """
    return attention_greedy(logits, charset) if charset.is_attention else ctc_greedy(logits, charset)


def ctc_greedy(logits: Tensor, charset: Charset) -> list[Reading]:
    """Return one reading per row: the best class of each frame, equal neighbours merged, blanks dropped.

    A character's confidence is the largest probability over the frames of its run, a word's the product of its
    characters'. That of an empty text is the geometric mean of the blank's probability over the frames (a product over
    all frames would call every empty crop uncertain).

    Args:
        logits: (N, T, classes), any float type and device, T >= 1.
        charset: the classes after the blank.

    Raises:
        ValueError: another shape, logits that are not finite, or a charset of an attention decoder.
    """
    check_kind(charset, attention=False)
    check_shape(logits, charset)
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


def attention_greedy(logits: Tensor, charset: Charset) -> list[Reading]:
    """Return one reading per row: the best class of each step up to the word's end.

    A character's confidence is its probability, a word's the product of those of all its steps, the end's among them.
    A word that does not end has all T steps. Steps of classes that are not characters (padding, unknown, start) give
    none, but count in the product.

    Args:
        logits: (N, T, classes), any float type and device, T >= 1.
        charset: of the kind "aster" or "go-first".

    Raises:
        ValueError: another shape, logits that are not finite, or a charset of CTC.
    """
    check_kind(charset, attention=True)
    check_shape(logits, charset)
    if logits.shape[0] == 0:
        return []
    classes, probabilities = _best_of_each_frame(logits)
    steps = classes.shape[1]
    ended = classes == charset.end
    lengths = np.where(ended.any(axis=1), ended.argmax(axis=1), steps)  # (N,), without the end
    products = np.cumprod(probabilities, axis=1)
    confidences = np.take_along_axis(products, np.minimum(lengths, steps - 1)[:, None], axis=1)[:, 0].tolist()

    readings = []
    for row, length in enumerate(lengths.tolist()):
        numbers = classes[row, :length] - charset.first
        written = (numbers >= 0) & (numbers < len(charset.characters))
        text = "".join(charset.characters[number] for number in numbers[written].tolist())
        readings.append(Reading(text, confidences[row], tuple(probabilities[row, :length][written].tolist())))
    return readings


def _best_of_each_frame(logits: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return the best class (N, T) int64 and its softmax probability (N, T) float64, in one device transfer."""
    logits = logits.detach().float()
    largest, classes = logits.max(dim=2)
    probabilities = (largest - logits.logsumexp(dim=2)).exp().clamp(max=1.0)
    moved = torch.stack((classes.to(torch.float32), probabilities)).cpu().numpy()  # class numbers are exact in float32
    if not np.isfinite(moved[1]).all():
        raise ValueError(NOT_FINITE)
    return moved[0].astype(np.int64), moved[1].astype(np.float64)
