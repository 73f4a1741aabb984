"""What the benchmarks of precomputing measure, on a few words; nothing is timed here."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segmenter.network import MutuallyGuidedNet
from segmenter.predictor import TorchSegmenter
from segrec.core.images import encode_png
from segrec.data.masks.codec import MaskCodec
from segrec.data.words import WordLmdb, WordWriter


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> WordLmdb:
    folder = tmp_path_factory.mktemp("benchmark") / "words"
    with WordWriter(folder) as writer:
        for width in (20, 33, 40):
            writer.add(encode_png(np.full((16, width, 3), width, np.uint8)), f"w{width}")
        writer.add(b"no picture", "broken")
    return WordLmdb(folder)


def test_the_network_alone_gets_the_batches_of_the_whole_job(words):
    from benchmarks.precompute import same_batches

    segmenter = TorchSegmenter(MutuallyGuidedNet(width=2, working_height=16), scene_height=None)
    batches = same_batches(segmenter, words, 4)
    assert sorted(tuple(batch.shape) for batch in batches) == [(1, 3, 16, 32), (2, 3, 16, 48)]
    assert all(batch.is_contiguous(memory_format=torch.channels_last) for batch in batches)
    assert {int(value) for batch in batches for value in batch.unique()} == {20, 33, 40}


def test_a_big_database_repeats_the_words_and_is_made_once(words, tmp_path):
    from benchmarks.word_sets import build_big_words

    big = build_big_words(tmp_path / "big", words, 11)
    assert [big.label(position) for position in (0, 2, 3, 4, 10)] == ["w20", "w40", "broken", "w20", "w40"]
    assert big.image_bytes(9) == words.image_bytes(1) and len(big) == 11
    before = (tmp_path / "big" / "data.mdb").stat().st_mtime_ns
    assert len(build_big_words(tmp_path / "big", words, 11)) == 11
    assert (tmp_path / "big" / "data.mdb").stat().st_mtime_ns == before


def test_every_codec_gives_a_mask_of_the_size_it_was_given_and_near_it():
    from benchmarks.mask_codecs import candidates

    ramp = np.tile(np.linspace(0, 255, 75).round().astype(np.uint8), (41, 1))
    for codec in candidates():
        decoded = codec.decode(codec.encode(ramp))
        assert decoded.shape == ramp.shape and decoded.dtype == np.uint8, codec.name
        assert np.abs(decoded.astype(int) - ramp).max() <= (127 if codec.name.startswith("2 levels") else 24), (
            codec.name
        )


def test_a_codec_is_scored_by_its_errors_against_the_unrounded_mask(tmp_path):
    from benchmarks.mask_codecs import CodecScore

    halving = MaskCodec("halves", lambda mask: b"12345", lambda data: np.array([[255, 0, 255, 0]], np.uint8))
    score = CodecScore(halving, tmp_path)
    score.add(1, np.array([[1.0, 0.6, 0.4, 0.0]], np.float32), np.array([[255, 153, 102, 0]], np.uint8))
    score.flush()
    assert (score.payload, score.hits, score.false, score.missed) == (5, 1, 1, 1)
    assert score.error == pytest.approx(0.6 + 0.6)
    assert score.row(1, 4)[1] == "5" and score.row(1, 4)[4:6] == ("0.30000", "0.50000")
