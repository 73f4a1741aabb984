"""Training samples of a recognizer."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from small_words import picture

from recognizers import crnn_slim
from recognizers.charset import ALNUM36
from recognizers.preprocess import InputSpec, prepare
from segrec.core.errors import DataError
from segrec.core.images import decode_image
from segrec.data.masks.sources import RandomMasks, ZeroMasks
from segrec.data.recognition import LoadedBatch, RecognitionDataset, RecognitionSample, WordSet, collate
from segrec.data.words import WordLmdb, WordWriter
from segrec.jobs.recognizer_loss import CountedLoss
from segrec.training.distributed import ALONE

GREY, MASKED = InputSpec(), InputSpec(color="rgb", mask=True)
SAMPLES = [
    (picture(0), "Sign-1"),
    (b"damaged", "gone"),
    (picture(2), "?!"),
    (picture(3), "a" * 14),
    (picture(4), "a" * 13),
    (b"", "empty"),
]


@pytest.fixture
def words(tmp_path) -> Path:
    with WordWriter(tmp_path / "words") as writer:
        for image, label in SAMPLES:
            writer.add(image, label)
    return tmp_path / "words"


def dataset(words: Path, spec: InputSpec = GREY, masks=None, **options) -> RecognitionDataset:
    settings = {"charset": ALNUM36, "frames": 26, "augment": False, "seed": 0, **options}
    return RecognitionDataset(WordSet(WordLmdb(words), masks), spec, **settings)


def test_a_sample_is_the_prepared_image_and_the_normalised_labels_classes(words):
    data = dataset(words)
    assert len(data) == len(SAMPLES)
    sample = data[0, 0]
    assert isinstance(sample, RecognitionSample)
    assert sample.target == ALNUM36.encode("sign1")
    assert np.array_equal(sample.prepared, prepare(decode_image(picture(0)), None, GREY))


def test_training_stretches_also_what_a_recognizer_reads_in_its_ratio(words):
    sample = dataset(words, InputSpec(keep_ratio=True))[0, 0]
    assert isinstance(sample, RecognitionSample) and sample.prepared.shape == (1, 32, 100)


def test_a_word_that_cannot_be_used_is_given_as_the_reason(words):
    data = dataset(words)
    assert [data[position, 0] for position in (1, 2, 3, 5)] == [
        "unreadable image or label",
        "empty label",
        "label longer than the frames",
        "unreadable image or label",
    ]


def test_equal_neighbours_need_a_frame_between_them(words):
    assert isinstance(dataset(words, frames=25)[4, 0], RecognitionSample)  # 13 letters a and 12 blanks
    assert dataset(words, frames=24)[4, 0] == "label longer than the frames"


def test_an_attention_recognizer_needs_a_step_for_the_end(words):
    data = dataset(words, charset=ALNUM36.with_kind("aster"), frames=None, max_length=14)
    assert isinstance(data[4, 0], RecognitionSample)
    assert data[3, 0] == "label longer than the decoder's steps"


@pytest.mark.parametrize(
    ("kind", "lengths", "said"),
    [
        ("ctc", {"frames": None, "max_length": 9}, "the charset kind ctc takes frames, got frames=None, max_length=9"),
        ("aster", {"frames": 9}, "the charset kind aster takes max_length, got frames=9, max_length=None"),
        ("ctc", {"frames": 9, "max_length": 9}, "the charset kind ctc takes frames, got frames=9, max_length=9"),
    ],
)
def test_a_length_of_the_other_kind_is_refused(words, kind, lengths, said):
    with pytest.raises(ValueError, match=said):
        dataset(words, charset=ALNUM36.with_kind(kind), **lengths)


def test_skipped_words_are_counted_by_reason(words):
    data = dataset(words)
    loaded = collate([data[position, 0] for position in range(len(data))])
    assert loaded.skipped == {"unreadable image or label": 2, "empty label": 1, "label longer than the frames": 1}
    assert loaded.batch.images.shape == (2, 1, 32, 100) and loaded.batch.images.dtype == torch.uint8
    assert loaded.batch.lengths.tolist() == [5, 13]
    assert loaded.batch.targets.tolist() == ALNUM36.encode("sign1" + "a" * 13)
    assert loaded.batch.targets.dtype == loaded.batch.lengths.dtype == torch.int64


def test_a_batch_of_usable_words_skips_nothing(words):
    data = dataset(words)
    loaded = collate([data[0, 0], data[4, 0]])
    assert isinstance(loaded, LoadedBatch) and loaded.skipped == {}


def test_a_batch_without_a_usable_word_is_empty_and_counts_the_reasons(words):
    data = dataset(words)
    loaded = collate([data[1, 0], data[2, 0], data[5, 0]])
    assert len(loaded.batch.images) == len(loaded.batch.lengths) == len(loaded.batch.targets) == 0
    assert loaded.skipped == {"unreadable image or label": 2, "empty label": 1}


def test_a_step_without_a_usable_word_is_refused_with_the_reasons(words):
    data = dataset(words)
    loss = CountedLoss(crnn_slim(), ALONE, "off")
    message = (
        r"not one of 3 words in a row can be used for training "
        r"\(2 x unreadable image or label, 1 x empty label\); check the data"
    )
    with pytest.raises(DataError, match=message):
        loss(crnn_slim(), collate([data[1, 0], data[2, 0], data[5, 0]]))


def test_a_sample_depends_on_position_and_visit_alone(words):
    data, other = dataset(words, augment=True), dataset(words, augment=True)
    first = data[0, 1].prepared
    other[4, 0], other[0, 0]
    assert np.array_equal(other[0, 1].prepared, first)
    different = [data[0, 0], data[0, 2], data[4, 1], dataset(words, augment=True, seed=1)[0, 1]]
    assert not any(np.array_equal(sample.prepared, first) for sample in different)


def test_the_mask_channel_holds_the_sources_mask(words):
    sample = dataset(words, MASKED, RandomMasks(3))[4, 2]
    expected = RandomMasks(3).masks([4], [decode_image(picture(4))], [2], (32, 100))[0]
    assert sample.prepared.shape == (4, 32, 100)
    assert np.array_equal(sample.prepared[3], expected)
    assert not dataset(words, MASKED, ZeroMasks())[4, 2].prepared[3].any()


def test_augmenting_changes_inputs_and_not_labels(words):
    plain, changed = dataset(words), dataset(words, augment=True)
    pairs = [(plain[0, visit], changed[0, visit]) for visit in range(12)]
    assert all(first.target == second.target for first, second in pairs)
    assert sum(not np.array_equal(first.prepared, second.prepared) for first, second in pairs) > 8


def test_workers_can_hold_it(words):
    data = dataset(words, MASKED, RandomMasks(1), augment=True)
    copy = pickle.loads(pickle.dumps(data))
    assert np.array_equal(copy[0, 5].prepared, data[0, 5].prepared)


class WhiteMasks:
    """Masks of text everywhere."""

    name = "oracle"

    def masks(self, indices, images, visits, size):
        return [np.full(size, 255, np.uint8) for _ in images]


def test_masks_are_left_out_of_that_share_of_visits_and_the_rest_of_a_sample_stays(words):
    plain = dataset(words, MASKED, WhiteMasks(), augment=True)
    dropping = dataset(words, MASKED, WhiteMasks(), augment=True, mask_dropout=0.3)
    dropped = 0
    for visit in range(200):
        for position in (0, 3, 4):
            sample, other = dropping[position, visit], plain[position, visit]
            if isinstance(sample, str):
                continue
            assert np.array_equal(sample.prepared[:3], other.prepared[:3])
            assert sample.prepared[3].any() == (sample.prepared[3] == other.prepared[3]).all()
            dropped += not sample.prepared[3].any()
    assert 0.24 < dropped / 400 < 0.36  # 400 usable samples: three deviations are 0.07


def test_which_masks_are_left_out_follows_from_seed_position_and_visit(words):
    def dropped(seed: int) -> list[bool]:
        data = dataset(words, MASKED, WhiteMasks(), mask_dropout=0.5, seed=seed)
        return [bool(data[0, visit].prepared[3].any()) for visit in range(40)]

    assert dropped(1) == dropped(1) != dropped(2)


def test_random_masks_and_augmentation_draw_from_different_numbers(words, monkeypatch):
    from segrec.data import recognition

    first = []
    monkeypatch.setattr(
        recognition, "augment_word", lambda prepared, rng, **_: first.append(rng.integers(0, 2, 3200)) or prepared
    )
    sample = dataset(words, MASKED, RandomMasks(0), augment=True)[0, 0]
    agreement = (first[0] == (sample.prepared[3].ravel() > 0)).mean()
    assert 0.4 < agreement < 0.6
