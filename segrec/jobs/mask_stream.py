"""The masks of many words in order, encoded, with decoding and encoding done while the network works."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from segmenter.batches import BATCH_PIXELS, equal_batches
from segmenter.preprocess import mask_size, rescale, turned
from segrec.core.images import Array
from segrec.core.interrupt import HeldInterrupt, held_interrupts
from segrec.data.masks.predicted import mask_bytes
from segrec.data.masks.record import MaskSize
from segrec.data.words import WordLmdb

CPU_PASS = 16
"""Most crops of one pass on a CPU, where a crop costs least at this number; fixed, because masks depend on it."""
DEVICE_PASS = 256
"""Most crops of one pass on other devices; fixed as well."""
WORDS_A_TASK = 16


class TextNetwork(Protocol):
    """What is asked of a segmenter, see `segmenter.predictor.TorchSegmenter`."""

    device: torch.device

    def prepare(self, image: Array) -> Array:
        """Return a picture as the network takes it."""

    def turns(self, image: Array) -> bool:
        """Return whether `prepare` turns a picture a quarter."""

    def text_of_prepared(self, pictures: Sequence[Array]) -> list[NDArray[np.float32]]:
        """Return the text masks of one pass."""


class Piece(NamedTuple):
    """Words that are predicted together, and those of them whose masks are wanted; 1-based indices, ends included."""

    chunk: tuple[int, int]
    wanted: tuple[int, int]


class _Crop(NamedTuple):
    picture: Array
    """As `prepare` gives it."""
    size: tuple[int, int]
    """(height, width) of the mask to be, as the picture stands."""
    turned: bool
    """Whether the picture is turned, so that the mask must be turned back."""


Loader = Callable[[Iterable[int]], list[_Crop | None]]
"""Gives the crops at 0-based positions, None where an image is unreadable."""


class _Running(NamedTuple):
    piece: Piece
    values: list[bytes]
    """Of the chunk, to be filled in."""
    passes: list[tuple[list[int], Future[Future[list[bytes]]]]]
    """Places in `values`, and the pass that gives the encoding that gives the bytes."""


def pieces(span: tuple[int, int], start: int, last: int, *, chunk: int) -> Iterator[Piece]:
    """Yield the pieces that hold the words from `start` to `last`.

    Chunks are counted from the beginning of the whole store's `span`, whatever part of it is wanted: the last bits of
    a mask depend on what shares its pass through the network, and so every shard must cut the words alike.
    """
    if start > last:
        return
    for begin in range(span[0] + (start - span[0]) // chunk * chunk, last + 1, chunk):
        end = min(begin + chunk - 1, span[1])
        yield Piece((begin, end), (max(begin, start), min(end, last)))


def lanes(device: torch.device, batch_size: int) -> int:
    """Return how many passes go through the network at once: a CPU's threads, as far as `batch_size` crops allow."""
    if device.type != "cpu":
        return 1
    return max(1, min(torch.get_num_threads(), batch_size // CPU_PASS))


def encoded_masks(
    words: WordLmdb,
    network: TextNetwork,
    encode: Callable[[Array], bytes],
    *,
    todo: Iterable[Piece],
    batch_size: int,
    workers: int,
    size: MaskSize = "working",
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (first 1-based index, encoded masks) of each piece's wanted words; empty bytes where none is readable.

    The bytes depend on the words, the network and the pieces, not on `batch_size`, `workers` or the number of threads:
    each pass holds crops of one shape of one chunk and computes in one thread.

    Args:
        words: the database.
        network: the segmenter.
        encode: makes an (H, W) uint8 mask into bytes; called from several threads.
        todo: the pieces, in order.
        batch_size: crops in the network at once.
        workers: threads that decode pictures and encode masks.
        size: of the masks, see `MaskRecord`.
    """
    running: deque[_Running] = deque()
    with (
        held_interrupts() as held,
        _threads(max(1, workers)) as helpers,
        _network_threads(network.device, batch_size) as network_threads,
    ):

        def text_of(crops: Sequence[_Crop]) -> Future[list[bytes]]:
            maps = network.text_of_prepared([crop.picture for crop in crops])
            return helpers.submit(_finished, maps, crops, encode)

        for piece, crops in _loaded(words, partial(_load, words, network, size), todo, helpers, held):
            passes = [
                (places, network_threads.submit(text_of, [crop for place in places if (crop := crops[place])]))
                for places in _passes(crops, piece, network.device)
            ]
            running.append(_Running(piece, [b""] * len(crops), passes))
            if len(running) > 1:
                yield _collected(running.popleft(), held)
        while running:
            yield _collected(running.popleft(), held)


def _loaded(
    words: WordLmdb, load: Loader, todo: Iterable[Piece], helpers: ThreadPoolExecutor, held: HeldInterrupt
) -> Iterator[tuple[Piece, dict[int, _Crop | None]]]:
    """Yield each piece with its chunk's crops by their place, the next chunk being loaded meanwhile."""
    ahead: deque[tuple[Piece, list[Future[list[_Crop | None]]]]] = deque()

    def next_one() -> tuple[Piece, dict[int, _Crop | None]]:
        piece, loads = ahead.popleft()
        crops = dict(enumerate(crop for load in loads for crop in held.result_of(load)))
        words.release()
        return piece, crops

    for piece in todo:
        first, end = piece.chunk[0] - 1, piece.chunk[1]
        parts = [range(begin, min(begin + WORDS_A_TASK, end)) for begin in range(first, end, WORDS_A_TASK)]
        ahead.append((piece, [helpers.submit(load, part) for part in parts]))
        if len(ahead) > 1:
            yield next_one()
    while ahead:
        yield next_one()


def _load(words: WordLmdb, network: TextNetwork, size: MaskSize, positions: Iterable[int]) -> list[_Crop | None]:
    images = (words[position].image for position in positions)
    return [None if image is None else _crop(image, network, size) for image in images]


def _crop(image: Array, network: TextNetwork, size: MaskSize) -> _Crop:
    picture, is_turned = network.prepare(image), network.turns(image)
    own = (image.shape[1], image.shape[0]) if is_turned else (image.shape[0], image.shape[1])
    return _Crop(picture, own if size == "crop" else mask_size(own, (picture.shape[0], picture.shape[1])), is_turned)


def _passes(crops: Mapping[int, _Crop | None], piece: Piece, device: torch.device) -> Iterator[list[int]]:
    """Yield the places of the crops of each pass that holds a wanted one."""
    sizes = {place: crop.picture.shape[:2] for place, crop in crops.items() if crop is not None}
    first, last = (index - piece.chunk[0] for index in piece.wanted)
    most = CPU_PASS if device.type == "cpu" else DEVICE_PASS
    for places in equal_batches(sizes, most, pixels=BATCH_PIXELS * most // 32):
        if any(first <= place <= last for place in places):
            yield places


def _finished(
    maps: Sequence[NDArray[np.float32]], crops: Sequence[_Crop], encode: Callable[[Array], bytes]
) -> list[bytes]:
    """Return masks at working size, in [0, 1], encoded at the sizes that they are to have, as their words stand."""
    masks = (mask_bytes(rescale(text, crop.size)) for text, crop in zip(maps, crops, strict=True))
    return [encode(turned(mask, -1) if crop.turned else mask) for mask, crop in zip(masks, crops, strict=True)]


def _collected(running: _Running, held: HeldInterrupt) -> tuple[int, list[bytes]]:
    piece, values, passes = running
    for places, passing in passes:
        encoding = held.result_of(passing)
        encoded = held.result_of(encoding)
        for place, value in zip(places, encoded, strict=True):
            values[place] = value
    return piece.wanted[0], values[piece.wanted[0] - piece.chunk[0] : piece.wanted[1] - piece.chunk[0] + 1]


@contextmanager
def _threads(count: int, start: Callable[[], None] | None = None) -> Iterator[ThreadPoolExecutor]:
    """Give threads that drop what is still queued when they are no longer wanted, and then end."""
    pool = ThreadPoolExecutor(count, initializer=start)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _network_threads(device: torch.device, batch_size: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads each of which computes alone: how a pass is cut into threads changes its last bits too."""
    before, count = torch.get_num_threads(), lanes(device, batch_size)
    try:
        with _threads(count, lambda: torch.set_num_threads(1)) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)  # the number of this thread, and of those that are yet to come
