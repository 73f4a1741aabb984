"""Masks computed in a pipeline: in order, and the same whatever runs beside them."""

from __future__ import annotations

import os
import signal
import threading
import traceback

import numpy as np
import pytest
import torch

from segmenter.loading import save_segmenter
from segmenter.network import MutuallyGuidedNet
from segrec.core.images import decode_mask, encode_png
from segrec.data.masks.codec import mask_codec
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb, WordWriter
from segrec.jobs import precompute
from segrec.jobs.mask_stream import Piece, encoded_masks, lanes, pieces
from segrec.jobs.precompute import open_segmenter, precompute_masks

COUNT, BROKEN, CHUNK = 29, 7, 10
WIDTHS = (20, 33, 40, 33, 64)


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> WordLmdb:
    """Words of few shapes, so that passes hold several; each is of one grey, its index."""
    folder = tmp_path_factory.mktemp("stream") / "words"
    with WordWriter(folder) as writer:
        for index in range(1, COUNT + 1):
            picture = np.full((16, WIDTHS[index % len(WIDTHS)], 3), index, np.uint8)
            picture[::3, ::2] += np.uint8(100)
            writer.add(b"no picture" if index == BROKEN else encode_png(picture), "word")
    return WordLmdb(folder)


class GreyNetwork:
    """Gives a word's grey as its mask, and keeps which words shared a pass, in how many threads."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.passes: list[tuple[int, ...]] = []
        self.threads: set[int] = set()

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return image

    def turns(self, image: np.ndarray) -> bool:
        return False

    def text_of_prepared(self, pictures: list[np.ndarray]) -> list[np.ndarray]:
        self.threads.add(torch.get_num_threads())
        self.passes.append(tuple(int(picture[1, 1, 0]) for picture in pictures))
        return [np.full(picture.shape[:2], picture[1, 1, 0] / 255, np.float32) for picture in pictures]


def stream(words: WordLmdb, network: GreyNetwork, start: int = 1, last: int = COUNT, **settings: int):
    settings = {"batch_size": 64, "workers": 2, **settings}
    todo = pieces((1, COUNT), start, last, chunk=CHUNK)
    return list(encoded_masks(words, network, encode_png, todo=todo, **settings))


def test_chunks_are_counted_from_the_beginning_of_the_store_whatever_is_wanted_of_it():
    assert list(pieces((1, 20), 1, 20, chunk=8)) == [
        Piece((1, 8), (1, 8)),
        Piece((9, 16), (9, 16)),
        Piece((17, 20), (17, 20)),
    ]
    assert list(pieces((1, 20), 8, 10, chunk=8)) == [Piece((1, 8), (8, 8)), Piece((9, 16), (9, 10))]
    assert list(pieces((1, 20), 19, 19, chunk=8)) == [Piece((17, 20), (19, 19))]
    assert list(pieces((1, 20), 21, 20, chunk=8)) == []


def test_masks_come_in_order_and_a_broken_picture_is_empty(words):
    found = stream(words, GreyNetwork())
    assert [begin for begin, _ in found] == [1, 11, 21]
    values = [value for _, part in found for value in part]
    assert [index for index, value in enumerate(values, 1) if not value] == [BROKEN]
    for index, value in enumerate(values, 1):
        if value:
            assert np.array_equal(decode_mask(value), np.full((16, WIDTHS[index % len(WIDTHS)]), index))


def test_an_interrupt_leaves_where_no_lock_is_held_whatever_the_threads_do(words):
    class Interrupting(GreyNetwork):
        def text_of_prepared(self, pictures: list[np.ndarray]) -> list[np.ndarray]:
            os.kill(os.getpid(), signal.SIGINT)
            return super().text_of_prepared(pictures)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt) as interrupt:
        stream(words, Interrupting())
    signal.signal(signal.SIGINT, before)
    assert traceback.extract_tb(interrupt.value.__traceback__)[-1].name == "check"


def test_a_part_of_the_words_shares_its_passes_with_the_same_words_as_the_whole(words):
    whole, parts = GreyNetwork(), [GreyNetwork() for _ in range(3)]
    stream(words, whole)
    values = [stream(words, part, *ends) for part, ends in zip(parts, [(1, 9), (10, 19), (20, COUNT)], strict=True)]
    assert sum(len(part) for found in values for _, part in found) == COUNT
    assert set(whole.passes) == set().union(*(part.passes for part in parts))
    assert max(map(len, whole.passes)) > 1
    assert all(any(word >= 20 for word in words) for words in parts[2].passes)  # none without a wanted word


@pytest.mark.parametrize(("batch_size", "threads"), [(1, 1), (64, 3)])
def test_a_pass_computes_in_one_thread_and_holds_the_same_words_whatever_the_settings(words, batch_size, threads):
    before, plain, network = torch.get_num_threads(), GreyNetwork(), GreyNetwork()
    stream(words, plain)
    torch.set_num_threads(threads)
    try:
        assert lanes(network.device, batch_size) == threads
        stream(words, network, batch_size=batch_size)
        assert network.threads == {1}
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert set(network.passes) == set(plain.passes)


def test_stores_of_one_two_and_three_shards_are_equal_whatever_the_settings(words, tmp_path, monkeypatch):
    monkeypatch.setattr(precompute, "CHUNK", CHUNK)
    torch.manual_seed(0)
    save_segmenter(tmp_path / "thin.safetensors", MutuallyGuidedNet(width=4, working_height=16))
    stores = []
    for count, settings in [(1, {}), (2, {"batch_size": 1, "workers": 3}), (3, {"workers": 2})]:
        for number in range(1, count + 1):
            shard = {"shard": (number, count), "segmenter": tmp_path / "thin.safetensors", "device": "cpu"}
            precompute_masks(words.path, tmp_path / str(count), **shard, **settings)
        stores.append(MaskStore(tmp_path / str(count)))
    for position in range(COUNT):
        first, *others = (store[position] for store in stores)
        assert all(np.array_equal(first, other) for other in others)


def test_what_the_network_gets_and_gives_in_parts_is_what_it_predicts(words, tmp_path):
    save_segmenter(tmp_path / "thin.safetensors", MutuallyGuidedNet(width=2, working_height=16))
    segmenter, _ = open_segmenter(tmp_path / "thin.safetensors", device="cpu")
    image = words[3].image
    assert image is not None
    in_parts = segmenter.text_of_prepared([segmenter.prepare(image)])[0]
    np.testing.assert_array_equal(in_parts, segmenter.predict_text([image])[0])  # the word has the working height


def test_an_error_of_a_helping_thread_is_raised_and_no_thread_is_left(words):
    def refuse(mask: np.ndarray) -> bytes:
        raise ValueError("no room")

    before = threading.active_count()
    with pytest.raises(ValueError, match="no room"):
        list(
            encoded_masks(
                words, GreyNetwork(), refuse, todo=pieces((1, COUNT), 1, COUNT, chunk=CHUNK), batch_size=1, workers=1
            )
        )
    assert threading.active_count() == before


def test_leaving_early_ends_the_threads(words):
    before = threading.active_count()
    masks = encoded_masks(
        words,
        GreyNetwork(),
        mask_codec("png16").encode,
        todo=pieces((1, COUNT), 1, COUNT, chunk=2),
        batch_size=1,
        workers=1,
    )
    assert next(masks)[0] == 1
    masks.close()
    assert threading.active_count() == before
