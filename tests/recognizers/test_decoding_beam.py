"""CTC by all alignments: the beam and the probability of texts, against sums over every path."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
import torch

from recognizers import ALNUM36, Charset, ctc_greedy
from recognizers.decoding import ctc_beam, ctc_score
from segrec.core.errors import ConfigError

AB = Charset("ab")
ABC = Charset("abc")


def logits_of(rows: list[list[list[float]]]) -> torch.Tensor:
    """Logits whose softmax is exactly the given probabilities."""
    return torch.tensor(rows).log()


def all_texts(probabilities: np.ndarray, characters: str) -> dict[str, float]:
    """The probability of every text, summed over all paths of (T, classes) probabilities."""
    found: dict[str, float] = {}
    for path in product(range(probabilities.shape[1]), repeat=len(probabilities)):
        text = "".join(characters[number - 1] for number, _ in groupby(path) if number)
        share = float(np.prod([frame[number] for frame, number in zip(probabilities, path, strict=True)]))
        found[text] = found.get(text, 0.0) + share
    return found


def random_logits(rows: int, frames: int, classes: int) -> torch.Tensor:
    return torch.randn(rows, frames, classes, generator=torch.Generator().manual_seed(frames * classes)) * 1.5


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize("charset", [AB, ABC])
def test_a_wide_beam_finds_the_best_of_all_texts_and_its_whole_probability(frames, charset):
    logits = random_logits(12, frames, charset.classes)
    for reading, row in zip(ctc_beam(logits, charset, beam=500), logits.double().softmax(2).numpy(), strict=True):
        texts = all_texts(row, charset.characters)
        assert reading.text == max(texts, key=lambda text: texts[text])
        assert reading.confidence == pytest.approx(texts[reading.text], abs=1e-6)
        for end, confidence in enumerate(reading.character_confidences, start=1):
            begins = [sum(p for text, p in texts.items() if text.startswith(reading.text[:n])) for n in (end - 1, end)]
            assert confidence == pytest.approx(begins[1] / begins[0], abs=1e-6)
        assert len(reading.character_confidences) == len(reading.text)


def test_a_narrow_beam_gives_the_whole_probability_of_what_it_finds():
    logits = random_logits(20, 5, ABC.classes)
    for reading, row in zip(ctc_beam(logits, ABC, beam=2), logits.double().softmax(2).numpy(), strict=True):
        assert reading.confidence == pytest.approx(all_texts(row, "abc")[reading.text], abs=1e-6)


def test_the_beam_prefers_the_text_with_more_alignments_to_the_best_path():
    logits = logits_of([[[0.6, 0.4, 1e-9], [0.6, 0.4, 1e-9]]])  # blank blank 0.36, but a in three ways 0.64
    assert ctc_greedy(logits, AB)[0].text == ""
    (reading,) = ctc_beam(logits, AB)
    assert reading == ("a", pytest.approx(0.64), (pytest.approx(0.64),))


def test_a_beam_of_one_still_reads_what_is_certain_and_double_letters():
    certain = torch.full((1, 5, 3), -50.0)
    for frame, number in enumerate([1, 0, 1, 2, 2]):
        certain[0, frame, number] = 50.0
    assert ctc_beam(certain, AB, beam=1) == [("aab", 1.0, (1.0, 1.0, 1.0))]


def test_an_empty_text_has_the_probability_of_blanks_only():
    (reading,) = ctc_beam(logits_of([[[0.9, 0.05, 0.05], [0.8, 0.1, 0.1]]]), AB)
    assert reading == ("", pytest.approx(0.72), ())


def test_the_beam_reads_each_row_for_itself():
    logits = random_logits(9, 12, ALNUM36.classes)
    alone = [ctc_beam(row[None], ALNUM36)[0] for row in logits]
    together = ctc_beam(logits, ALNUM36)
    assert [reading.text for reading in together] == [reading.text for reading in alone]
    assert [r.confidence for r in together] == pytest.approx([r.confidence for r in alone])
    assert all(
        b.confidence >= a.confidence * (1 - 1e-6)
        for a, b in zip(ctc_beam(logits, ALNUM36, beam=1), ctc_beam(logits, ALNUM36, beam=40), strict=True)
    )


def test_scores_of_all_texts_are_their_sums_over_all_paths():
    logits = random_logits(1, 4, ABC.classes)
    texts = all_texts(logits[0].double().softmax(1).numpy(), "abc")
    scores = ctc_score(logits.expand(len(texts), -1, -1), list(texts), ABC)
    assert scores.exp().tolist() == pytest.approx(list(texts.values()), abs=1e-6)
    assert float(scores.exp().sum()) == pytest.approx(1.0)


def test_scores_stay_finite_where_probabilities_vanish():
    certain = torch.full((2, 20, 3), -60.0)
    certain[:, :, 2] = 60.0  # b in every frame
    first, second = ctc_score(certain, ["b", "a"], AB).tolist()
    assert first == pytest.approx(0.0)
    assert second == pytest.approx(-20 * 120 + np.log(20 * 21 / 2))  # blanks, a's, blanks: 210 ways, all as bad


def test_texts_that_need_more_frames_than_there_are_are_refused_with_the_reason():
    with pytest.raises(ValueError, match="text 1 needs 3 frames, a blank between equal neighbours included, but the"):
        ctc_score(torch.zeros(2, 2, 3), ["ab", "aa"], AB)
    assert ctc_score(torch.zeros(1, 3, 3), ["aa"], AB).exp().tolist() == pytest.approx([1 / 27])


def test_what_cannot_be_decoded_is_refused_in_words():
    with pytest.raises(ValueError, match="at least 1 prefix, got 0"):
        ctc_beam(torch.zeros(1, 2, 3), AB, beam=0)
    with pytest.raises(ValueError, match="got 1 texts for 2 rows"):
        ctc_score(torch.zeros(2, 2, 3), ["a"], AB)
    with pytest.raises(ConfigError, match="character 'z'"):
        ctc_score(torch.zeros(1, 2, 3), ["z"], AB)
    for decode in (ctc_beam, ctc_greedy):
        with pytest.raises(ValueError, match=r"logits must be \(N, T, 3\) with T >= 1, got \(1, 0, 3\)"):
            decode(torch.zeros(1, 0, 3), AB)
        with pytest.raises(ValueError, match="logits are not finite"):
            decode(torch.full((1, 2, 3), float("nan")), AB)
        with pytest.raises(ValueError, match=r"logits of CTC, got a charset of kind 'aster'; use read_logits\(\)"):
            decode(torch.zeros(1, 2, 5), AB.with_kind("aster"))


def test_no_rows_give_nothing():
    assert ctc_beam(torch.zeros(0, 26, 3), AB) == []
    assert ctc_score(torch.zeros(0, 26, 3), [], AB).shape == (0,)
