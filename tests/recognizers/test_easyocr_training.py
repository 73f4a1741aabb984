"""Words of their own width in training: samples, batches, their parts, and the loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_easyocr import easyocr_state

from recognizers import load_pretrained, widen_input
from recognizers.training import PART, WordBatch, alike, ctc_loss
from segrec.core.images import encode_png
from segrec.data.masks.sources import RandomMasks
from segrec.data.recognition import RecognitionDataset, WordSet, collate
from segrec.data.words import WordLmdb, WordWriter

SIZES = [(20, 60), (64, 64), (10, 150), (30, 10), (16, 31)]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model():
    return widen_input(load_pretrained(easyocr_state()), "zero-mask")


@pytest.fixture(scope="module")
def dataset(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("padded") / "words"
    with WordWriter(path) as writer:
        for number, size in enumerate(SIZES):
            writer.add(encode_png(np.full((*size, 3), 40 * number, np.uint8)), "Long, word!" if number == 3 else "It's")
    words = WordSet(WordLmdb(path), RandomMasks(0))
    return RecognitionDataset(words, model.input_spec, model.charset, frames=127, augment=False, seed=0)


def test_a_sample_has_its_own_width_in_whole_steps_up_to_the_widest(dataset):
    assert [dataset[number, 0].prepared.shape for number in (0, 1, 2, 4)] == [
        (4, 64, 192),
        (4, 64, 64),
        (4, 64, 512),  # squeezed from 960
        (4, 64, 128),  # 124
    ]
    narrow = dataset[4, 0].prepared
    assert narrow[3, :, :124].any() and not narrow[3, :, 124:].any(), "the mask goes on with zeros"


def test_a_label_has_to_fit_the_frames_of_its_own_width(dataset):
    assert dataset[3, 0] == "label longer than the frames"


def test_case_and_symbols_are_learnt(dataset, model):
    assert dataset[0, 0].target == model.charset.encode("It's")


def test_a_batch_is_as_wide_as_its_widest_word_and_in_the_order_of_widths(dataset):
    loaded = collate([dataset[number, 0] for number in range(5)])
    batch = loaded.batch
    assert batch.images.shape == (4, 4, 64, 512) and batch.widths.tolist() == [64, 128, 192, 512]
    assert [int(image[0, 5, 5]) for image in batch.images] == [40, 160, 0, 80]
    assert not batch.images[0, 3, :, 64:].any() and (batch.images[0, :3] == 40).all()
    assert loaded.skipped == {"label longer than the frames": 1}


def many(words: int, channels: int = 4) -> WordBatch:
    """Return a batch of words of several widths."""
    generator = torch.Generator().manual_seed(0)
    widths = torch.arange(words) // 5 * 32 + 64
    images = torch.randint(0, 256, (words, channels, 64, int(widths[-1])), dtype=torch.uint8, generator=generator)
    lengths = torch.arange(words) % 3 + 1
    targets = torch.randint(1, 97, (int(lengths.sum()),), generator=generator)
    return WordBatch(images, targets, lengths, widths)


def test_parts_hold_every_word_once_without_needless_padding():
    batch = many(2 * PART + 3)
    parts = alike(batch)
    assert [len(part.lengths) for part in parts] == [PART, PART, 3]
    assert [part.images.shape[3] for part in parts] == [160, 256, 256]
    assert torch.equal(torch.cat([part.targets for part in parts]), batch.targets)
    assert torch.equal(parts[2].images, batch.images[2 * PART :, :, :, :256])
    assert [len(part.targets) for part in parts] == [int(part.lengths.sum()) for part in parts]


@pytest.mark.parametrize("batch", [many(PART), many(40)._replace(widths=None)])
def test_few_words_and_words_of_one_width_stay_together(batch):
    assert [part is batch for part in alike(batch)] == [True]


def test_the_loss_is_the_mean_over_all_words(model):
    batch = many(PART + 4)
    losses = [ctc_loss(model, part, device=CPU)["loss"].item() for part in alike(batch)]
    together = ctc_loss(model, batch, device=CPU)["loss"].item()
    assert together == pytest.approx((losses[0] * PART + losses[1] * 4) / (PART + 4), rel=1e-5)
