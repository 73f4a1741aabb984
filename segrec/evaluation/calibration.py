"""Whether confidences are right as often as they say, and the temperature that makes them so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recognizers.charset import Charset
from recognizers.decoding import read_logits

BINS = 15
COOLEST, HOTTEST = 0.2, 10.0
"""Between these the temperature is looked for."""
STEPS = 24
LEAST = 1e-6
"""Confidences are kept this far from 0 and 1, so that one sure mistake does not decide alone."""

Floats = NDArray[np.float64]


class Bin(NamedTuple):
    """Words whose confidence lies in one stretch.

    Attributes:
        words: how many.
        confidence: their mean confidence.
        accuracy: the share of them that is right.
    """

    words: int
    confidence: float
    accuracy: float


def word_confidences(logits: Sequence[Tensor], charset: Charset, temperature: float) -> Floats:
    """Return the confidence (N,) of each word's greedy reading at a temperature.

    Args:
        logits: (T, classes) of each word; T may differ.
        charset: the classes.
        temperature: above 0.
    """
    alike: dict[int, list[int]] = defaultdict(list)
    for place, one in enumerate(logits):
        alike[len(one)].append(place)
    found = np.zeros(len(logits))
    for places in alike.values():
        readings = read_logits(torch.stack([logits[place] for place in places]) / temperature, charset)
        found[places] = [reading.confidence for reading in readings]
    return found


def fit_temperature(logits: Sequence[Tensor], correct: Sequence[bool], charset: Charset) -> float:
    """Return the temperature at which confidences explain best which words are right (Guo et al., ICML 2017, 4.2).

    The negative log likelihood of `correct` under the words' confidences is minimised by golden section over the
    logarithm of the temperature.

    Args:
        logits: (T, classes) of each word, of none that the network was trained on.
        correct: whether each greedy reading is right; at least one is and one is not.
        charset: the classes.

    Raises:
        ValueError: all readings are right, or none is.
    """
    if len(set(correct)) < 2:
        raise ValueError(f"all of {len(correct)} readings are equally right; fit the temperature on harder words")
    right = np.asarray(correct, bool)

    def loss(logarithm: float) -> float:
        return negative_log_likelihood(word_confidences(logits, charset, float(np.exp(logarithm))), right)

    low, high, ratio = np.log(COOLEST), np.log(HOTTEST), (np.sqrt(5) - 1) / 2
    inner, outer = high - ratio * (high - low), low + ratio * (high - low)
    at_inner, at_outer = loss(inner), loss(outer)
    for _ in range(STEPS):
        if at_inner <= at_outer:
            high, outer, at_outer = outer, inner, at_inner
            inner = high - ratio * (high - low)
            at_inner = loss(inner)
        else:
            low, inner, at_inner = inner, outer, at_outer
            outer = low + ratio * (high - low)
            at_outer = loss(outer)
    return float(np.exp((low + high) / 2))


def negative_log_likelihood(confidences: Floats, correct: NDArray[np.bool_]) -> float:
    """Return the mean of -log of the probability that confidences (N,) give to what came out."""
    kept = np.clip(confidences, LEAST, 1 - LEAST)
    return float(-np.where(correct, np.log(kept), np.log1p(-kept)).mean())


def reliability(confidences: Floats, correct: NDArray[np.bool_], *, bins: int = BINS) -> list[Bin]:
    """Return the words by confidence in equally wide bins over [0, 1]; empty ones are left out."""
    places = np.minimum((confidences * bins).astype(int), bins - 1)
    chosen = [places == number for number in range(bins)]
    return [
        Bin(int(own.sum()), float(confidences[own].mean()), float(correct[own].mean())) for own in chosen if own.any()
    ]


def calibration_error(rows: Sequence[Bin]) -> float:
    """Return the expected calibration error: the mean distance of confidence and accuracy, weighted by words."""
    words = sum(row.words for row in rows)
    return sum(row.words * abs(row.confidence - row.accuracy) for row in rows) / max(1, words)
