"""Masks for pictures of any size, whatever runs the network: sizes, batches of equal ones, tiles, and levels joined."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from segmenter.bands import LARGE_TILE, filled, is_large, joined_bands, rows_at
from segmenter.batches import equal_batches
from segmenter.choices import TILE_SIDE, Scales
from segmenter.preprocess import (
    SCENE_HEIGHT,
    STRIDE,
    as_rgb,
    is_scene,
    is_tall,
    mask_size,
    padded_batch,
    rescale,
    turned,
    working_size,
)
from segmenter.pyramid import check_scales, join_levels, level_sizes
from segmenter.tiling import SMALLEST_TILE, Span, strips
from segrec.core.errors import ConfigError
from segrec.core.images import Array

Probabilities = NDArray[np.float32]
ResultSize = Callable[[tuple[int, int], tuple[int, int]], tuple[int, int]]
"""Makes a picture's own and its working size into that of its maps."""


def _own_size(size: tuple[int, int], working: tuple[int, int]) -> tuple[int, int]:
    return size


class Masks(NamedTuple):
    """Both masks of one picture, at its own size.

    Attributes:
        text: (H, W) float32 in [0, 1], the probability that a pixel belongs to a stroke.
        region: (H, W) float32 in [0, 1], the probability that a pixel lies in a text region.
    """

    text: Probabilities
    region: Probabilities


class MaskPredictor(ABC):
    """Predicts text masks for lists of pictures with a network that a subclass runs.

    A picture of at most `scene_height` rows is taken for a word crop and resized to the network's working height; a
    taller one is taken for a scene and enters at its own size and at smaller ones, see `scales`, whose maps are joined.
    The aspect ratio is always kept. What is then larger than `tile_side` goes through the network in overlapping tiles,
    whose maps are blended, so memory is bounded and no detail is lost; those of scenes above 12 megapixels are at most
    512 long. The edges are repeated up to a multiple of 16.
    Only pictures that then have the same size share a batch, so a prediction does not depend on its neighbours.

    Args:
        working_height: height of word crops in the network.
        scene_height: pictures taller than this are scenes; None takes every picture for a word crop.
        longest_side: pictures with a longer side are shrunk to it first, for speed; None shrinks none.
        scales: sizes at which scenes enter the network, never above their own: shares of it up to 1, or longest sides
            in pixels above; 1 is their own size alone, None and "auto" take it and its halves.
        tile_side: longest side in the network, a multiple of 16 of at least 128.

    Raises:
        ConfigError: for a size that is too small.
    """

    def __init__(
        self,
        *,
        working_height: int,
        scene_height: int | None = SCENE_HEIGHT,
        longest_side: int | None = None,
        scales: Scales = "auto",
        tile_side: int = TILE_SIDE,
    ) -> None:
        self.working_height = working_height
        self.scene_height, self.longest_side, self.tile_side = scene_height, longest_side, tile_side
        if self.working_height < 1 or (longest_side is not None and longest_side < 1):
            raise ConfigError(
                f"working_height and longest_side must be at least 1, got {self.working_height} and {longest_side}"
            )
        if tile_side < SMALLEST_TILE or tile_side % STRIDE:
            raise ConfigError(f"tile_side must be a multiple of {STRIDE} of at least {SMALLEST_TILE}, got {tile_side}")
        self.scales = check_scales(scales)
        self._turns_tall = True

    def turning(self, tall: bool) -> Self:
        """Return the same predictor that turns tall word crops, as all do, or that leaves them as they stand."""
        if tall == self._turns_tall:
            return self
        other = copy.copy(self)
        other._turns_tall = tall
        return other

    def for_scenes(self, *, longest_side: int | None = None, scales: Scales = "auto") -> Self:
        """Return the same network taking every picture for a scene; weights and device are shared.

        Args:
            longest_side: as in the constructor.
            scales: as in the constructor.

        Raises:
            ConfigError: a size that is too small.
        """
        other = copy.copy(self)
        other.scene_height, other.longest_side, other.scales = 0, longest_side, check_scales(scales)
        return other

    @property
    @abstractmethod
    def has_region(self) -> bool:
        """Whether the network knows regions; one that does not has `predict_text` alone."""

    @property
    @abstractmethod
    def called(self) -> str:
        """What the network is called in messages."""

    @abstractmethod
    def _probabilities(self, batch: Array, maps: int) -> Probabilities:
        """Return (N, maps, H, W) float32 in [0, 1], text then region, of (N, H, W, 3) RGB; sides multiples of 16."""

    def predict(self, images: Sequence[Array], *, batch_size: int = 32) -> list[Masks]:
        """Return both masks of every picture, from the guided pass, in the order of `images`; `[]` gives `[]`.

        Args:
            images: uint8 or uint16 arrays (H, W, 3) RGB, (H, W) grey or (H, W, 4) RGBA, any size from 1x1.
            batch_size: most pictures in one run of the network; fewer when they are large.

        Raises:
            ValueError: for another kind of picture or a batch size below 1.
            ConfigError: the network knows no regions.
        """
        if not self.has_region:
            raise ConfigError(f"{self.called} knows no text regions; ask for its text masks alone")
        return [Masks(*maps) for maps in self._run(images, 2, batch_size)]

    def predict_text(self, images: Sequence[Array], *, batch_size: int = 32) -> list[Probabilities]:
        """Return the text mask of every picture, (H, W) float32 in [0, 1], in the order of `images`; `[]` gives `[]`.

        Args:
            images: uint8 or uint16 arrays (H, W, 3) RGB, (H, W) grey or (H, W, 4) RGBA, any size from 1x1.
            batch_size: most pictures in one run of the network; fewer when they are large.

        Raises:
            ValueError: for another kind of picture or a batch size below 1.
        """
        return [text for (text,) in self._run(images, 1, batch_size)]

    def bands(self, image: Array) -> Iterator[Probabilities]:
        """Yield the masks of one picture from its top down, (maps, h, W) in [0, 1]: text, and region where it is known.

        They are those of `predict` and `predict_text`; of a large scene they are never in memory as a whole.

        Args:
            image: as one for `predict`.

        Raises:
            ValueError: for another kind of picture.
        """
        given, maps = as_rgb(image, 0), 2 if self.has_region else 1
        if self._is_large(given):
            yield from self._of_large(given, maps)
        else:
            yield np.stack(self._run([given], maps, 1)[0])

    def predict_detailed_text(self, images: Sequence[Array], *, batch_size: int = 32) -> list[Probabilities]:
        """Return the text masks at the larger of each picture's own and its working size, (h, w) float32 in [0, 1].

        What is to be resampled once more, as for a recognizer's input, loses least so: `predict_text` gives the same
        masks at the pictures' own sizes.

        Args:
            images: as for `predict_text`.
            batch_size: most pictures in one run of the network.

        Raises:
            ValueError: as for `predict_text`.
        """
        return [text for (text,) in self._run(images, 1, batch_size, at=mask_size)]

    def prepare(self, image: Array) -> Array:
        """Return a picture at working size, (h, w, 3) uint8 RGB: the part of `predict_text` before the network.

        Tall word crops are turned, see `turns`.

        Raises:
            ValueError: for an array that is not a picture.
        """
        colour = self._upright(as_rgb(image, 0))
        return rescale(colour, self._working_size(colour))

    def turns(self, image: Array) -> bool:
        """Return whether `prepare` turns a picture a quarter, against the clock; its mask is then to be turned back."""
        return self._turns_tall and is_tall((image.shape[0], image.shape[1]), self.scene_height)

    def text_of_prepared(self, pictures: Sequence[Array]) -> list[Probabilities]:
        """Return the text masks of one pass through the network, (h, w) float32 each, at working size.

        Args:
            pictures: from `prepare`, at least one, of one size once padded: a batch of `equal_batches`.
        """
        return [text for (text,) in self._maps(pictures, 1, len(pictures))]

    def _run(
        self, images: Sequence[Array], maps: int, batch_size: int, *, at: ResultSize = _own_size
    ) -> list[tuple[Probabilities, ...]]:
        """Return each picture's maps at the size `at` says: 1 for the text, 2 for text and region."""
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if isinstance(images, np.ndarray):
            raise ValueError(f"images must be a list of pictures, got one array {images.shape}; wrap it as [image]")
        given = [as_rgb(image, position) for position, image in enumerate(images)]
        found = iter(self._run_small([image for image in given if not self._is_large(image)], maps, batch_size, at))
        return [
            tuple(filled(self._of_large(one, maps), maps, one.shape[:2])) if self._is_large(one) else next(found)
            for one in given
        ]

    def _run_small(
        self, given: Sequence[Array], maps: int, batch_size: int, at: ResultSize
    ) -> list[tuple[Probabilities, ...]]:
        """Return the maps of pictures that are not large, all levels of all of them in batches of one size."""
        colour = [self._upright(image) for image in given]
        levels = [(position, size) for position, image in enumerate(colour) for size in self._level_sizes(image)]
        found: dict[int, Probabilities] = {}
        for chosen in equal_batches({number: size for number, (_, size) in enumerate(levels)}, batch_size):
            pictures = [rescale(colour[position], size) for position, size in (levels[number] for number in chosen)]
            found.update(zip(chosen, self._maps(pictures, maps, batch_size), strict=True))
        of_picture: list[list[Probabilities]] = [[] for _ in colour]
        for number, (position, _) in enumerate(levels):  # in this order whatever the batches: sums depend on it
            of_picture[position].append(found.pop(number))
        sizes = [at(image.shape[:2], self._working_size(image)) for image in colour]
        joined = [
            tuple(join_levels(of_map, size, reuse=True) for of_map in zip(*of_levels, strict=True))
            for size, of_levels in zip(sizes, of_picture, strict=True)
        ]
        return [
            tuple(turned(one, -1) for one in maps_of) if self.turns(image) else maps_of
            for image, maps_of in zip(given, joined, strict=True)
        ]

    def _upright(self, image: Array) -> Array:
        return turned(image) if self.turns(image) else image

    def _maps(self, pictures: Sequence[Array], maps: int, batch_size: int) -> list[Probabilities]:
        """Return the maps (maps, h, w) of pictures at working size (h, w, 3) that have one size once padded."""
        if max(pictures[0].shape) > self.tile_side:
            tiled = (self._strips(one, one.shape[:2], maps, batch_size, self.tile_side) for one in pictures)
            return [filled(of_one, maps, one.shape[:2]) for of_one, one in zip(tiled, pictures, strict=True)]
        found = self._of_batch(pictures, maps)
        return [one[:, : picture.shape[0], : picture.shape[1]] for one, picture in zip(found, pictures, strict=True)]

    def _of_large(self, image: Array, maps: int) -> Iterator[Probabilities]:
        """Yield the maps of a large scene (H, W, 3) from its top down, (maps, h, W)."""
        longest = min(self.tile_side, LARGE_TILE)
        levels = [(size[0], self._strips(image, size, maps, 1, longest)) for size in self._level_sizes(image)]
        return joined_bands(levels, image.shape[:2])

    def _strips(
        self, picture: Array, size: tuple[int, int], maps: int, batch_size: int, longest: int
    ) -> Iterator[Probabilities]:
        """Yield the maps (maps, h, w) of a picture at a size from its top down, put together from those of tiles."""
        rows = rows_at(picture, size)

        def of_row(down: Span, columns: Sequence[Span]) -> Iterator[Probabilities]:
            row = rows(down.start, min(down.start + down.length, size[0]))
            cuts = [row[:, across.start :][:, : across.length] for across in columns]
            for chosen in equal_batches(dict.fromkeys(range(len(cuts)), (down.length, columns[0].length)), batch_size):
                yield from self._of_batch([cuts[place] for place in chosen], maps)

        return strips(size, maps, of_row, longest=longest)

    def _of_batch(self, pictures: Sequence[Array], maps: int) -> Probabilities:
        """Return (N, maps, H, W) for N pictures (h, w, 3), of one size once padded to (H, W)."""
        return self._probabilities(padded_batch(pictures), maps)

    def _is_large(self, image: Array) -> bool:
        return is_large(image.shape[:2], self.scene_height)

    def _working_size(self, image: Array) -> tuple[int, int]:
        return working_size(
            image.shape[:2],
            height=self.working_height,
            scene_height=self.scene_height,
            longest_side=self.longest_side,
        )

    def _level_sizes(self, image: Array) -> list[tuple[int, int]]:
        size = self._working_size(image)
        return level_sizes(size, self.scales) if is_scene(image.shape[:2], self.scene_height) else [size]
