from __future__ import annotations

import numpy as np
import pytest
import torch

from recognizers import ALNUM36, Charset, ctc_greedy

AB = Charset("ab")


def logits_of(rows: list[list[list[float]]]) -> torch.Tensor:
    """Logits whose softmax is exactly the given probabilities."""
    return torch.tensor(rows).log()


def test_runs_are_merged_blanks_dropped_and_the_confidence_is_a_product_of_run_maxima():
    logits = logits_of(
        [
            [
                [0.1, 0.6, 0.3],  # a
                [0.1, 0.8, 0.1],  # a again, surer
                [0.9, 0.05, 0.05],  # blank
                [0.2, 0.7, 0.1],  # a after a blank: a new character
                [0.2, 0.3, 0.5],  # b
            ]
        ]
    )
    (reading,) = ctc_greedy(logits, AB)
    assert reading.text == "aab"
    assert reading.character_confidences == pytest.approx((0.8, 0.7, 0.5))
    assert reading.confidence == pytest.approx(0.8 * 0.7 * 0.5)


def test_a_run_does_not_reach_into_the_next_row():
    logits = logits_of([[[0.1, 0.8, 0.1], [0.1, 0.6, 0.3]], [[0.1, 0.7, 0.2], [0.8, 0.1, 0.1]]])
    assert [reading.text for reading in ctc_greedy(logits, AB)] == ["a", "a"]
    assert [reading.confidence for reading in ctc_greedy(logits, AB)] == pytest.approx([0.8, 0.7])


def test_an_empty_text_is_as_sure_as_its_blanks_on_geometric_average():
    logits = logits_of([[[0.9, 0.05, 0.05], [0.4, 0.3, 0.3]]])
    (reading,) = ctc_greedy(logits, AB)
    assert reading == ("", pytest.approx((0.9 * 0.4) ** 0.5), ())


def read_frame_by_frame(row: np.ndarray, characters: str) -> tuple[str, list[float]]:
    """Greedy CTC in the obvious way, for comparison."""
    text, confidences, last = "", [], 0
    for frame in row:
        best = int(frame.argmax())
        if best and best == last:
            confidences[-1] = max(confidences[-1], float(frame[best]))
        elif best:
            text += characters[best - 1]
            confidences.append(float(frame[best]))
        last = best
    return text, confidences


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_random_logits_read_as_frame_by_frame(dtype):
    generator = torch.Generator().manual_seed(0)
    logits = (torch.randn(50, 26, 37, generator=generator) * 3).to(dtype)
    logits[:, :, 0] += 5
    probabilities = logits.float().softmax(dim=2).numpy()
    for reading, row in zip(ctc_greedy(logits, ALNUM36), probabilities, strict=True):
        text, confidences = read_frame_by_frame(row, ALNUM36.characters)
        assert reading.text == text
        assert reading.character_confidences == pytest.approx(confidences, abs=1e-5)
        assert 0 <= reading.confidence <= 1


def test_confidences_stay_within_one_when_the_network_is_certain():
    logits = torch.full((1, 3, 3), -1e4)
    logits[0, :, 1] = 1e4
    assert ctc_greedy(logits, AB) == [("a", 1.0, (1.0,))]


def test_no_rows_give_no_readings():
    assert ctc_greedy(torch.zeros(0, 26, 37), ALNUM36) == []


def test_another_number_of_classes_is_refused():
    with pytest.raises(ValueError, match=r"logits must be \(N, T, 3\) with T >= 1, got \(1, 26, 37\)"):
        ctc_greedy(torch.zeros(1, 26, 37), AB)


def test_logits_that_are_not_finite_are_refused():
    logits = torch.zeros(1, 2, 3)
    logits[0, 1, 1] = float("nan")
    with pytest.raises(ValueError, match="logits are not finite"):
        ctc_greedy(logits, AB)
