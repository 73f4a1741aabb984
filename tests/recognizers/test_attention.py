from __future__ import annotations

import itertools
import math

import pytest
import torch
from small_aster import small_aster, small_images
from torch import Tensor

from recognizers import Charset
from recognizers.attention import Decoded, Memory, Step, beam_decode, characters_before_end, greedy_decode
from recognizers.directions import better_direction, reverse_words
from recognizers.training import JointCtcAttention

CHARSET = Charset("ab", "aster")  # a 0, b 1, end 2, padding 3, unknown 4, start 5


class TableDecoder:
    """A decoder whose next character depends on the previous one alone, by a table (6, 5) of logits for each word."""

    charset = CHARSET

    def memory(self, features: Tensor) -> Memory:
        return Memory((features,))

    def initial(self, memory: Memory) -> tuple[Tensor, ...]:
        return (memory.of_words[0].new_zeros(len(memory.of_words[0]), 1),)

    def step(self, memory: Memory, hidden: tuple[Tensor, ...], previous: Tensor) -> Step:
        tables = memory.of_words[0]
        logits = tables[torch.arange(len(tables)), previous]
        return Step(logits, (hidden[0] + 1,), torch.ones(len(tables), 1))


def tables(*words: dict[int, dict[int, float]]) -> Tensor:
    """Return the tables of words: {previous: {next: probability}}; what is not said is improbable."""
    result = torch.full((len(words), 6, 5), 1e-9)
    for number, word in enumerate(words):
        for previous, following in word.items():
            for character, probability in following.items():
                result[number, previous, character] = probability
    return result.log()


GARDEN_PATH = {5: {0: 0.6, 1: 0.4}, 0: {0: 0.3, 1: 0.3, 2: 0.4}, 1: {2: 1.0}}
"""Greedily "a" and its end, 0.24; but "b" and its end have 0.4."""


def test_greedy_takes_the_likeliest_character_each_time():
    decoded = greedy_decode(TableDecoder(), tables(GARDEN_PATH), max_length=5)
    assert decoded.logits.argmax(dim=2).tolist() == [[0, 2]]


def test_a_beam_finds_the_word_that_greedy_misses():
    (found,) = beam_decode(TableDecoder(), tables(GARDEN_PATH), max_length=5, width=2)
    assert found.ids == (1,)
    assert found.log_probability == pytest.approx(math.log(0.4), abs=1e-5)
    assert found.character_log_probabilities == pytest.approx((math.log(0.4),), abs=1e-5)


def test_a_beam_of_one_is_greedy():
    (found,) = beam_decode(TableDecoder(), tables(GARDEN_PATH), max_length=5, width=1)
    assert found.ids == (0,)
    assert found.log_probability == pytest.approx(math.log(0.6 * 0.4), abs=1e-5)


def test_a_word_that_does_not_end_is_cut_at_max_length():
    endless = {5: {0: 1.0}, 0: {0: 0.9, 1: 0.1}, 1: {0: 1.0}}
    (found,) = beam_decode(TableDecoder(), tables(endless), max_length=3, width=2)
    assert found.ids == (0, 0, 0)
    assert len(found.character_log_probabilities) == 3


@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_the_best_of_all_words(seed):
    """Compare with every word of up to three characters; ends are made likely, so that no longer one can be better."""
    logits = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(seed))
    logits[:, :, 3:] = -30
    logits[:, :, 2] += 1
    found = beam_decode(TableDecoder(), logits, max_length=4, width=5)
    shares = logits.log_softmax(dim=2)
    for row, hypothesis in enumerate(found):
        words = [word for length in range(4) for word in itertools.product((0, 1), repeat=length)]
        scores = {
            word: sum(float(shares[row, before, after]) for before, after in itertools.pairwise((5, *word, 2)))
            for word in words
        }
        best = max(scores, key=scores.__getitem__)
        assert hypothesis.ids == best
        assert hypothesis.log_probability == pytest.approx(scores[best], abs=1e-5)


def test_words_of_a_batch_do_not_disturb_each_other():
    other = {5: {1: 1.0}, 1: {0: 1.0}, 0: {2: 1.0}}
    found = beam_decode(TableDecoder(), tables(GARDEN_PATH, other), max_length=5, width=3)
    assert [one.ids for one in found] == [(1,), (1, 0)]


@pytest.mark.parametrize("width", [0, 6])
def test_an_impossible_beam_is_refused(width):
    with pytest.raises(ValueError, match=f"must be from 1 to 5, the number of classes, got {width}"):
        beam_decode(TableDecoder(), tables(GARDEN_PATH), max_length=5, width=width)


def test_words_are_reversed_before_their_end():
    targets = torch.tensor([[0, 1, 1, 2, 4], [2, 4, 4, 4, 4], [0, 0, 1, 0, 1]])
    expected = [[1, 1, 0, 2, 4], [2, 4, 4, 4, 4], [1, 0, 1, 0, 0]]
    assert reverse_words(targets, 2).tolist() == expected
    assert characters_before_end(targets, 2).tolist() == [3, 0, 5]


def one_hot(ids: list[list[int]], certainty: float) -> Decoded:
    logits = torch.nn.functional.one_hot(torch.tensor(ids), 5).float() * certainty
    steps = torch.arange(len(ids[0])).float()[None, :, None].expand(len(ids), -1, 1)
    return Decoded(logits, steps)


def test_the_surer_direction_is_taken_and_given_in_reading_order():
    forwards = one_hot([[0, 0, 2], [1, 2, 2]], 3.0)
    backwards = one_hot([[1, 1, 0, 2], [0, 0, 0, 2]], 5.0)
    weak = Decoded(backwards.logits * torch.tensor([[[1.0]], [[0.1]]]), backwards.attention)
    chosen = better_direction(forwards, weak, CHARSET)
    assert chosen.logits.argmax(dim=2).tolist() == [[0, 1, 1, 2], [1, 2, 2, 2]]
    assert chosen.attention[0, :, 0].tolist() == [2, 1, 0, 3]  # the attention moves with its character


def test_a_bidirectional_network_reads_what_its_surer_decoder_writes():
    model = small_aster(bidirectional=True)
    images = small_images(6)
    end = model.charset.end
    with torch.no_grad():
        features = model.encode(images)
        forwards = model.decoder(features, None, max_length=7)
        backwards = model.backward_decoder(features, None, max_length=7)
        read = model(images).argmax(dim=2)
    for row in range(6):
        scores = []
        for decoded in (forwards, backwards):
            best = decoded.logits[row].log_softmax(dim=1).max(dim=1)
            count = int(characters_before_end(best.indices[None], end))
            scores.append((float(best.values[: count + 1].sum()), best.indices[:count].tolist()))
        (first, word), (second, turned) = scores
        expected = word if first >= second else turned[::-1]
        assert read[row, : int(characters_before_end(read[row][None], end))].tolist() == expected


def test_the_aid_gives_both_heads_and_trains_the_encoder_through_either():
    model = small_aster()
    joint = JointCtcAttention(model, 8)
    targets = torch.tensor([[0, 1, 4], [2, 4, 4], [3, 3, 4]])
    out = joint(small_images(), targets)
    assert [logits.shape for logits in out.decoders] == [(3, 3, 7)]
    assert out.ctc.shape == (3, 25, 5)
    torch.testing.assert_close(out.decoders[0], model(small_images(), targets))
    out.ctc.sum().backward()
    assert model.encoder.layer0[0].weight.grad is not None
    assert model.decoder.decoder.fc.weight.grad is None
