from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from recognizers import ALNUM36, CRNN, Charset, InputSpec, WordBatch, ctc_loss
from recognizers.training import fits

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


def test_a_label_that_does_not_fit_is_infinite_and_not_hidden():
    logits = torch.zeros(1, 2, 3)
    assert ctc_loss(FixedLogits(logits), batch_of(["aa"], Charset("ab")), device=CPU)["loss"].isinf()
    assert ctc_loss(FixedLogits(logits), batch_of(["ab"], Charset("ab")), device=CPU)["loss"].isfinite()


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


def test_mixed_precision_gives_nearly_the_same_loss():
    torch.manual_seed(0)
    model = CRNN(widths=(8, 8, 16, 16, 16, 16, 16), hidden=16).eval()
    batch = batch_of(["abc"], ALNUM36, width=64)
    full, mixed = (ctc_loss(model, batch, device=CPU, amp=amp)["loss"] for amp in ("off", "bf16"))
    assert mixed.dtype == torch.float32
    assert mixed.item() == pytest.approx(full.item(), rel=0.02)
