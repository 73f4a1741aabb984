"""The best class of each frame or step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from recognizers.charset import Charset
from recognizers.decoding.reading import NOT_FINITE, Reading, check_kind, check_shape
from recognizers.decoding.written import characters_of, word_length, written_runs, written_steps

if TYPE_CHECKING:
    from torch import Tensor


def read_logits(logits: Tensor | np.ndarray, charset: Charset) -> list[Reading]:
    """Return greedy readings of CTC or attention logits (N, T, classes), as the charset's kind says.

    Raises:
        ValueError: another shape, or logits that are not finite.
    """
    return attention_greedy(logits, charset) if charset.is_attention else ctc_greedy(logits, charset)


def ctc_greedy(logits: Tensor | np.ndarray, charset: Charset) -> list[Reading]:
    """Return one reading per row: the best class of each frame, equal neighbours merged, blanks dropped.

    A character's confidence is the largest probability over the frames of its run, a word's the product of its
    characters'. That of an empty text is the geometric mean of the blank's probability over the frames (a product over
    all frames would call every empty crop uncertain).

    Args:
        logits: (N, T, classes), T >= 1: a tensor of any float type and device, or an array.
        charset: the classes after the blank.

    Raises:
        ValueError: another shape, logits that are not finite, or a charset of an attention decoder.
    """
    check_kind(charset, attention=False)
    check_shape(logits, charset)
    if logits.shape[0] == 0:
        return []
    classes, probabilities = _best_of_each_frame(logits)
    runs = written_runs(classes)
    borders = np.stack((runs.starts, runs.stops), axis=1).reshape(-1)
    confidences = np.maximum.reduceat(np.append(probabilities, 0), borders)[::2].tolist()
    characters = characters_of(runs.classes.tolist(), charset)
    empty_confidence = np.exp(np.log(probabilities).mean(axis=1)).tolist()

    readings, begin = [], 0
    for row, end in enumerate(runs.ends.tolist()):
        of_row = tuple(confidences[begin:end])
        confidence = math.prod(of_row) if of_row else empty_confidence[row]
        readings.append(Reading(characters[begin:end], confidence, of_row))
        begin = end
    return readings


def attention_greedy(logits: Tensor | np.ndarray, charset: Charset) -> list[Reading]:
    """Return one reading per row: the best class of each step up to the word's end.

    A character's confidence is its probability, a word's the product of those of all its steps, the end's among them.
    A word that does not end has all T steps. Steps of classes that are not characters (padding, unknown, start) give
    none, but count in the product.

    Args:
        logits: (N, T, classes), T >= 1: a tensor of any float type and device, or an array.
        charset: of the kind "aster" or "go-first".

    Raises:
        ValueError: another shape, logits that are not finite, or a charset of CTC.
    """
    check_kind(charset, attention=True)
    check_shape(logits, charset)
    if logits.shape[0] == 0:
        return []
    classes, probabilities = _best_of_each_frame(logits)
    products = np.cumprod(probabilities, axis=1)
    readings = []
    for row, numbers in enumerate(classes.tolist()):
        written = written_steps(numbers, charset)
        last = min(word_length(numbers, charset), len(numbers) - 1)
        text = characters_of([numbers[step] for step in written], charset)
        readings.append(Reading(text, float(products[row, last]), tuple(probabilities[row, written].tolist())))
    return readings


def _best_of_each_frame(logits: Tensor | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the best class (N, T) int64 and its softmax probability (N, T) float64; a tensor's in one transfer."""
    classes, probabilities = _of_array(logits) if isinstance(logits, np.ndarray) else _of_tensor(logits)
    if not np.isfinite(probabilities).all():
        raise ValueError(NOT_FINITE)
    return classes.astype(np.int64), probabilities.astype(np.float64)


def _of_array(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    largest = logits.max(axis=2)
    with np.errstate(invalid="ignore"):  # infinite logits are refused by the caller
        sums = np.exp(logits - largest[:, :, None]).sum(axis=2)
    return logits.argmax(axis=2), 1 / sums


def _of_tensor(logits: Tensor) -> tuple[np.ndarray, np.ndarray]:
    import torch

    logits = logits.detach().float()
    largest, classes = logits.max(dim=2)
    probabilities = (largest - logits.logsumexp(dim=2)).exp().clamp(max=1.0)
    moved = torch.stack((classes.to(torch.float32), probabilities)).cpu().numpy()  # class numbers are exact in float32
    return moved[0], moved[1]
