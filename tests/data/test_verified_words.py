"""Words with verified masks as pictures for the segmenter, clear and degraded."""

from __future__ import annotations

import numpy as np
import pytest
from printed_words import printed

from segrec.core.errors import ConfigError, DataError
from segrec.core.images import encode_png
from segrec.data.mask_codec import EXACT_CODEC, UNREADABLE, hole, hole_reason, mask_codec
from segrec.data.mask_record import MaskRecord, SourceRecord, VerifierRecord
from segrec.data.mask_store import MaskStore
from segrec.data.mask_writer import MaskStoreWriter
from segrec.data.masked_images import open_masked
from segrec.data.segmentation import SegmentationDataset
from segrec.data.verified_words import DegradedWords, VerifiedWords
from segrec.data.words import WordLmdb, WordWriter

LABELS = ["exit", "BOOK", "2026"]


@pytest.fixture
def labelled(tmp_path):
    """Three words, of which the second was refused."""
    with WordWriter(tmp_path / "words") as writer:
        for label in LABELS:
            writer.add(encode_png(printed(label)[::2, ::2]), label)
    record = record_of(tmp_path / "words")
    with MaskStoreWriter.open(tmp_path / "words-verified", record) as masks:
        encode = mask_codec(EXACT_CODEC).encode
        masks.write_encoded(1, [encode(a_mask(1)), hole("unread"), encode(a_mask(3))])
    return tmp_path / "words"


def record_of(words, threshold=0.6):
    return MaskRecord(
        kind="verified",
        source=SourceRecord.of(WordLmdb(words)),
        segmenter=None,
        input_size=(64, None),
        span=(1, len(LABELS)),
        codec=EXACT_CODEC,
        verifier=VerifierRecord("crnn-slim", "d" * 64, threshold, 1),
    )


def a_mask(index):
    return np.random.default_rng(index).choice(np.uint8([0, 128, 255]), (64, 90 + index))


def test_a_refused_word_is_no_mask_and_keeps_its_reason(labelled):
    store = MaskStore(f"{labelled}-verified")
    assert store[1] is None and np.array_equal(store[0], a_mask(1))
    assert list(store.holes()) == [(1, "unread")]
    assert (hole_reason(b""), hole_reason(hole("border"))) == (UNREADABLE, "border")
    assert hole_reason(mask_codec(EXACT_CODEC).encode(a_mask(1))) is None


def test_the_record_says_who_verified_and_other_settings_make_another_store(labelled):
    record = MaskStore(f"{labelled}-verified").record
    assert MaskRecord.from_json(record.to_json(), labelled) == record == record_of(labelled)
    with pytest.raises(DataError, match=r"verifier crnn-slim \(d+, threshold 0.6, method 1\), not .* 0.7"):
        MaskStoreWriter.open(f"{labelled}-verified", record_of(labelled, 0.7))


@pytest.mark.parametrize("spec", ["verified={0}", "verified={0}:{0}-verified"])
def test_pictures_are_the_accepted_words_at_the_size_of_their_masks(labelled, spec):
    images = open_masked(spec.format(labelled))
    assert isinstance(images, VerifiedWords) and not isinstance(images, DegradedWords)
    assert [images.name(position) for position in range(len(images))] == ["image-000000001", "image-000000003"]
    sample = images.sample(1)
    assert np.array_equal(sample.text, a_mask(3)) and sample.region is None
    assert sample.image.shape == (64, 93, 3)


def test_degraded_pictures_differ_by_seed_position_and_visit_and_keep_their_masks(labelled):
    clear, images = open_masked(f"verified={labelled}"), open_masked(f"verified:degraded={labelled}")
    assert isinstance(images, DegradedWords)
    first = images.visited(0, seed=1, visit=0)
    assert np.array_equal(first.image, images.visited(0, seed=1, visit=0).image)
    assert np.array_equal(first.text, clear.sample(0).text)
    others = [images.visited(0, seed=1, visit=1), images.visited(0, seed=2, visit=0), clear.sample(0)]
    assert all(other.image.shape == first.image.shape for other in others)
    assert all(not np.array_equal(other.image, first.image) for other in others)


def test_training_sees_another_picture_at_each_visit_and_the_same_one_again_when_resumed(labelled):
    data = SegmentationDataset(open_masked(f"verified:degraded={labelled}"), (32, 64), seed=3, words=True)
    first, again, later = data[0, 0], data[0, 0], data[0, 1]
    assert first.image.shape == (32, 64, 3) and first.region is None
    assert np.array_equal(first.image, again.image) and not np.array_equal(first.image, later.image)


def test_specs_and_stores_that_do_not_fit_are_errors_in_one_line(labelled, tmp_path):
    with pytest.raises(ConfigError, match="there as verified or verified:degraded, not verified:hard"):
        open_masked(f"verified:hard={labelled}")
    with pytest.raises(ConfigError, match="expected verified=WORDS:MASKS, got verified=:x"):
        open_masked("verified=:x")
    with WordWriter(tmp_path / "others") as writer:
        writer.add(encode_png(printed("other")), "other")
    with pytest.raises(DataError, match=r"but .*others has 1; run the same segrec label-masks again for it"):
        VerifiedWords(tmp_path / "others", f"{labelled}-verified")
