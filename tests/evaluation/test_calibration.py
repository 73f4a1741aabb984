"""Confidences that are right as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recognizers import Charset
from segrec.evaluation.calibration import (
    calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    word_confidences,
)

AB = Charset("ab")


def test_bins_hold_mean_confidence_and_accuracy():
    confidences, correct = np.array([0.1, 0.12, 0.95, 1.0]), np.array([False, True, True, True])
    low, high = reliability(confidences, correct, bins=10)
    assert low == (2, pytest.approx(0.11), 0.5) and high == (2, pytest.approx(0.975), 1.0)
    assert calibration_error([low, high]) == pytest.approx((2 * 0.39 + 2 * 0.025) / 4)
    assert negative_log_likelihood(np.array([0.5, 0.25]), np.array([True, False])) == pytest.approx(
        -(np.log(0.5) + np.log(0.75)) / 2
    )


def test_the_temperature_with_which_words_were_drawn_is_found_again():
    """Logits three times too sure of words that are right as often as the true ones say."""
    generator = torch.Generator().manual_seed(0)
    true = torch.randn(4000, 1, 3, generator=generator) * 2
    confidences = word_confidences(list(true), AB, 1.0)
    correct = (torch.rand(4000, generator=generator).numpy() < confidences).tolist()
    found = fit_temperature(list(3 * true), correct, AB)
    assert found == pytest.approx(3, rel=0.1)
    after = reliability(word_confidences(list(3 * true), AB, found), np.array(correct))
    before = reliability(word_confidences(list(3 * true), AB, 1.0), np.array(correct))
    assert calibration_error(after) < 0.03 < calibration_error(before)


def test_words_of_several_lengths_keep_their_places():
    logits = [torch.randn(frames, 3) for frames in (2, 5, 2, 3)]
    alone = [word_confidences([one], AB, 2.0)[0] for one in logits]
    assert np.allclose(word_confidences(logits, AB, 2.0), alone)


def test_words_that_are_all_right_say_nothing():
    with pytest.raises(ValueError, match="all of 2 readings are equally right; fit the temperature on harder words"):
        fit_temperature([torch.zeros(1, 3)] * 2, [True, True], AB)
