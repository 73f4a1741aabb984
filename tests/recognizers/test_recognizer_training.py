from __future__ import annotations

import math

import pytest
import torch
from small_aster import CHARSET, small_aster
from torch import nn
from torch.nn import functional

from recognizers import ALNUM36, CRNN, Charset, InputSpec, WordBatch, ctc_loss
from recognizers.training import JointCtcAttention, attention_loss, fits, recognition_loss

CPU = torch.device("cpu")


class FixedLogits(nn.Module):
    """A recognizer that answers with the same logits to anything."""

    input_spec = InputSpec(width=8)
    charset = Charset("ab")

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits[: len(images)]


def batch_of(labels: list[str], charset: Charset, width: int = 8) -> WordBatch:
    targets = torch.tensor([number for label in labels for number in charset.encode(label)], dtype=torch.int64)
    lengths = torch.tensor([len(label) for label in labels])
    return WordBatch(torch.zeros(len(labels), 1, 32, width, dtype=torch.uint8), targets, lengths)


def test_the_loss_is_the_negative_log_of_all_paths_per_character_and_word():
    logits = torch.tensor([[[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]], [[0.2, 0.5, 0.3], [0.3, 0.3, 0.4]]]).log()
    loss = ctc_loss(FixedLogits(logits), batch_of(["a", "ab"], Charset("ab")), device=CPU)["loss"]
    paths_of_a = 0.5 * 0.6 + 0.3 * 0.1 + 0.3 * 0.6  # blank a, a blank, a a
    path_of_ab = 0.5 * 0.4
    assert loss.item() == pytest.approx((-math.log(paths_of_a) - math.log(path_of_ab) / 2) / 2, rel=1e-6)
    assert loss.dtype == torch.float32


def test_a_label_that_does_not_fit_is_refused_by_its_number_and_need():
    two_frames = FixedLogits(torch.zeros(3, 2, 3))
    with pytest.raises(ValueError, match=r"label 1 needs 3 frames, .*, but the network gives 2; leave such words out"):
        ctc_loss(two_frames, batch_of(["ab", "aa", "b"], Charset("ab")), device=CPU)
    with pytest.raises(ValueError, match="label 2 needs 4 frames"):
        ctc_loss(two_frames, batch_of(["a", "a", "abab"], Charset("ab")), device=CPU)
    assert ctc_loss(two_frames, batch_of(["ab", "b", "b"], Charset("ab")), device=CPU)["loss"].isfinite()


class TeacherForcedLogits(FixedLogits):
    """An attention recognizer that answers with the same logits to any teacher, and remembers what it was given."""

    charset = Charset("ab", "aster")
    max_length = 4
    teacher = torch.empty(0)

    def forward(self, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.teacher = targets
        return self.logits[: len(images), : targets.shape[1]]


def test_the_loss_of_a_teacher_forced_decoder_is_the_mean_over_characters_and_end_and_then_over_words():
    chances = torch.tensor([[0.5, 0.2, 0.1, 0.1, 0.1], [0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.1, 0.4, 0.2, 0.2]])
    model = TeacherForcedLogits(chances.log().repeat(2, 1, 1))
    loss = recognition_loss(model, batch_of(["ab", "a"], model.charset), device=CPU)["loss"]
    assert model.teacher.tolist() == [[0, 1, 2], [0, 2, 2]]
    first, second = -math.log(0.5 * 0.6 * 0.4) / 3, -math.log(0.5 * 0.1) / 2
    assert loss.item() == pytest.approx((first + second) / 2, rel=1e-6)
    assert loss.dtype == torch.float32


def test_what_stands_in_the_padding_of_short_words_changes_no_loss():
    logits = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    batch = batch_of(["aba", "b"], Charset("ab", "aster"))
    before = attention_loss(TeacherForcedLogits(logits), batch, device=CPU)["loss"]
    logits[1, 2:] = 50.0 * torch.rand(2, 5)
    assert attention_loss(TeacherForcedLogits(logits), batch, device=CPU)["loss"] == before


def test_a_label_longer_than_the_decoder_is_refused_by_its_number_and_need():
    model = TeacherForcedLogits(torch.zeros(2, 5, 5))
    with pytest.raises(ValueError, match="label 1 needs 5 steps with its end, but the decoder has 4"):
        recognition_loss(model, batch_of(["a", "abab"], model.charset), device=CPU)


class EncodedLogits(TeacherForcedLogits):
    """A recognizer with two decoders; its features are given."""

    def __init__(self, decoders: tuple[torch.Tensor, ...], features: torch.Tensor) -> None:
        super().__init__(torch.empty(0))
        self.decoders, self.features = decoders, features

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return self.features

    def teach(self, features: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.decoders


def test_two_decoders_learn_the_word_and_the_reversed_word():
    towards = functional.one_hot(torch.tensor([[0, 1, 2]]), 5) * 9.0
    backwards = functional.one_hot(torch.tensor([[1, 0, 2]]), 5) * 9.0
    batch = batch_of(["ab"], Charset("ab", "aster"))
    right, wrong = (
        recognition_loss(JointCtcAttention(EncodedLogits(pair, torch.zeros(1, 3, 2)), 2, weight=0), batch, device=CPU)
        for pair in ((towards, backwards), (towards, towards))
    )
    assert right["loss"] < 0.01 and wrong["loss"].item() == pytest.approx(9 / 3, abs=0.01)
    assert set(right) == {"loss", "attention"}


def test_a_word_that_does_not_fit_the_ctc_head_gets_no_help_and_harms_nobody():
    features = torch.rand(2, 2, 3, requires_grad=True)
    network = JointCtcAttention(EncodedLogits((torch.zeros(2, 3, 5),), features), 3, weight=0.5)
    terms = recognition_loss(network, batch_of(["aa", "ab"], Charset("ab", "aster")), device=CPU)
    terms["loss"].backward()
    assert terms["loss"].item() == pytest.approx(terms["attention"].item() + terms["ctc"].item() / 2)
    assert terms["ctc"] > 0 and features.grad.isfinite().all() and not features.grad[0].any()


@pytest.mark.parametrize(
    ("label", "frames", "answer"),
    [("", 0, True), ("a", 0, False), ("abc", 3, True), ("aab", 3, False), ("aab", 4, True), ("aaa", 5, True)],
)
def test_equal_neighbours_need_a_blank_between_them(label, frames, answer):
    assert fits(label, frames) is answer
    assert fits(ALNUM36.encode(label), frames) is answer


def test_a_small_network_learns_two_words_by_heart():
    torch.manual_seed(0)
    model = CRNN(widths=(8, 8, 16, 16, 32, 32, 64), hidden=64)
    batch = batch_of(["abc", "xyz"], ALNUM36, width=24)
    batch.images.random_(0, 256)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    first = ctc_loss(model, batch, device=CPU)["loss"].item()
    for _ in range(80):
        optimizer.zero_grad()
        loss = ctc_loss(model, batch, device=CPU)["loss"]
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1 < first


def test_a_small_aster_learns_two_words_by_heart():
    model = small_aster(lively=False).train()
    batch = batch_of(["abc", "ddba"], CHARSET)
    noise = torch.randint(0, 256, (2, 3, 32, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    batch = batch._replace(images=noise)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    first = recognition_loss(model, batch, device=CPU)["loss"].item()
    for _ in range(50):
        optimizer.zero_grad()
        loss = recognition_loss(model, batch, device=CPU)["loss"]
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.3 < 1.5 < first


def test_mixed_precision_gives_nearly_the_same_loss():
    torch.manual_seed(0)
    model = CRNN(widths=(8, 8, 16, 16, 16, 16, 16), hidden=16).eval()
    batch = batch_of(["abc"], ALNUM36, width=64)
    full, mixed = (ctc_loss(model, batch, device=CPU, amp=amp)["loss"] for amp in ("off", "bf16"))
    assert mixed.dtype == torch.float32
    assert mixed.item() == pytest.approx(full.item(), rel=0.02)
