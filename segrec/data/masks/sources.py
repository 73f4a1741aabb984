"""Where the fourth channel comes from: random, zero, stored or remembered masks, all behind one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segrec.core.resampling import resample_mask
from segrec.data.masks.codec import Mask
from segrec.data.masks.store import MaskStore

Size = tuple[int, int]

MOST_BYTES = 2**28
"""Kept in memory; what no longer fits is made again each time."""


class MaskSource(Protocol):
    """Gives a mask for each word image; picklable, so that loader workers can hold it."""

    @property
    def name(self) -> str:
        """The word after `--mask`."""

    def masks(
        self, indices: Sequence[int], images: Sequence[NDArray[Any]], visits: Sequence[int], size: Size | None
    ) -> list[Mask]:
        """Return one (height, width) uint8 mask, 0..255, an image.

        Args:
            indices: 0-based positions in the word database.
            images: those word images, (H, W, 3) uint8 RGB.
            visits: how often each image was asked for before (the epoch, in training).
            size: (height, width) of the masks, usually the network's input; None leaves them as they are, of each
                image's own size or of that at which they are stored or predicted.
        """


class RandomMasks:
    """Bernoulli(0.5) per pixel, 0 or 255: the paper's RM, a fresh draw at each visit.

    A mask depends on (seed, index, visit) and the size alone, whatever the worker, the rank or the batch.
    """

    name = "random"

    def __init__(self, seed: int = 0) -> None:
        if seed < 0:
            raise ValueError(f"seed must be 0 or more, got {seed}")
        self.seed = seed

    def masks(
        self, indices: Sequence[int], images: Sequence[NDArray[Any]], visits: Sequence[int], size: Size | None
    ) -> list[Mask]:
        """Return the drawn masks, see `MaskSource.masks`."""
        return [
            np.random.default_rng((self.seed, index, visit)).integers(0, 2, _mask_size(image, size), np.uint8)
            * np.uint8(255)
            for index, image, visit in zip(indices, images, visits, strict=True)
        ]


class ZeroMasks:
    """Masks without any text: what the fourth channel does by itself."""

    name = "zero"

    def masks(
        self, indices: Sequence[int], images: Sequence[NDArray[Any]], visits: Sequence[int], size: Size | None
    ) -> list[Mask]:
        """Return masks of zeros, see `MaskSource.masks`."""
        return [np.zeros(_mask_size(image, size), np.uint8) for image in images]


class StoredMasks:
    """The masks of a mask store, resampled where a size is asked for.

    Args:
        store: the masks of the word database that the indices count in.
        name: `predicted` or `oracle`; the kind of the store's record when None.
    """

    def __init__(self, store: MaskStore, name: str | None = None) -> None:
        self.store = store
        self.name = name or store.record.kind
        self.missing = 0
        """How often a zero mask stood in for one that the store lacks because its image was unreadable; counted in
        this process only."""

    def masks(
        self, indices: Sequence[int], images: Sequence[NDArray[Any]], visits: Sequence[int], size: Size | None
    ) -> list[Mask]:
        """Return the stored masks, see `MaskSource.masks`.

        Raises:
            DataError: the store does not hold one of them.
        """
        return [self._mask(index, image, size) for index, image in zip(indices, images, strict=True)]

    def _mask(self, index: int, image: NDArray[Any], size: Size | None) -> Mask:
        mask = self.store[index]
        if mask is None:
            self.missing += 1
            return np.zeros(_mask_size(image, size), np.uint8)
        return mask if size is None else resample_mask(mask, size)


def _mask_size(image: NDArray[Any], size: Size | None) -> Size:
    return size if size is not None else (image.shape[0], image.shape[1])


class RememberedMasks:
    """Asks another source for each mask once, as long as they fit into memory.

    Args:
        source: whose masks depend on the image and the size alone, not on the visit.
    """

    def __init__(self, source: MaskSource) -> None:
        self.name = source.name
        self._source = source
        self._kept: dict[tuple[int, Size | None], Mask] = {}
        self._bytes = 0

    def masks(
        self, indices: Sequence[int], images: Sequence[NDArray[Any]], visits: Sequence[int], size: Size | None
    ) -> list[Mask]:
        """Return the source's masks, see `MaskSource.masks`."""
        found = {place: self._kept[index, size] for place, index in enumerate(indices) if (index, size) in self._kept}
        new = [place for place in range(len(indices)) if place not in found]
        if new:
            made = self._source.masks(
                [indices[place] for place in new],
                [images[place] for place in new],
                [visits[place] for place in new],
                size,
            )
            for place, mask in zip(new, made, strict=True):
                found[place] = mask
                self._keep((indices[place], size), mask)
        return [found[place] for place in range(len(indices))]

    def _keep(self, key: tuple[int, Size | None], mask: Mask) -> None:
        if self._bytes + mask.nbytes <= MOST_BYTES:
            self._bytes += mask.nbytes
            self._kept[key] = mask
