"""Word crops on their way to a recognizer and its readings back in order, whatever runs the network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from recognizers.decoding.places import Placed
from recognizers.decoding.reading import Reading
from recognizers.lexicon import Lexicon
from recognizers.preprocess import InputSpec, prepare

BATCHES_SORTED = 4
"""Where images keep their ratio, this many batches are sorted together by their width."""


class Readings(NamedTuple):
    """One reading per image, in order, and how many lexicon words were refused as candidates, by the reason.

    A word that is refused for several images counts for each.
    """

    readings: list[Reading]
    refused: Counter[str]


class PlacedReadings(NamedTuple):
    """The same with the places of the characters, where they were asked for and the reading is the greedy one."""

    found: list[Placed]
    refused: Counter[str]


class WordReader(ABC):
    """Reads word images with a network that a subclass runs."""

    @property
    @abstractmethod
    def input_spec(self) -> InputSpec:
        """What the network takes."""

    @abstractmethod
    def _read_batch(
        self, prepared: Sequence[np.ndarray], lexicons: Sequence[Lexicon] | None, *, places: bool
    ) -> PlacedReadings:
        """Return one reading per input (C, h, w) uint8 of `preprocess.prepare`, all of one size.

        Args:
            prepared: the inputs.
            lexicons: one per input, or None.
            places: whether to say where the characters stand, which costs time.
        """

    @property
    def needs_mask(self) -> bool:
        """Whether `read` needs a text mask for each image."""
        return self.input_spec.mask

    def read(
        self,
        images: Sequence[np.ndarray],
        masks: Sequence[np.ndarray] | None = None,
        *,
        batch_size: int = 64,
        lexicons: Lexicon | Sequence[Lexicon] | None = None,
    ) -> list[Reading]:
        """Return one reading per image, in order; no images give no readings.

        Args:
            images: (H, W, 3) uint8 RGB word crops of any size.
            masks: (h, w) uint8, 0..255, each of its image's size, of that enlarged in proportion, or of the network's
                input size; for a model that needs them.
            batch_size: images at once.
            lexicons: each reading becomes a word of this lexicon, or of its own where there is one per image: with CTC
                the most probable of the near ones, see `lexicon_reading.probable_readings`; with attention the nearest.

        Raises:
            ValueError: an image or mask is not like that, masks or lexicons are missing, too many or not needed.
        """
        return self.read_and_count(images, masks, batch_size=batch_size, lexicons=lexicons).readings

    def read_and_count(
        self,
        images: Sequence[np.ndarray],
        masks: Sequence[np.ndarray] | None = None,
        *,
        batch_size: int = 64,
        lexicons: Lexicon | Sequence[Lexicon] | None = None,
    ) -> Readings:
        """Return what `read` gives, and the lexicon words that could not be candidates; see there for the rest."""
        found, refused = self._read_all(images, masks, batch_size, lexicons, places=False)
        return Readings([reading for reading, _ in found], refused)

    def read_placed(
        self,
        images: Sequence[np.ndarray],
        masks: Sequence[np.ndarray] | None = None,
        *,
        batch_size: int = 64,
        lexicons: Lexicon | Sequence[Lexicon] | None = None,
    ) -> list[Placed]:
        """Return what `read` gives, with the places of the characters; see there for arguments and errors."""
        return self._read_all(images, masks, batch_size, lexicons, places=True).found

    def _read_all(
        self,
        images: Sequence[np.ndarray],
        masks: Sequence[np.ndarray] | None,
        batch_size: int,
        lexicons: Lexicon | Sequence[Lexicon] | None,
        *,
        places: bool,
    ) -> PlacedReadings:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self._check(images, masks)
        own = [lexicons] * len(images) if isinstance(lexicons, Lexicon) else lexicons
        if own is not None and len(own) != len(images):
            raise ValueError(f"lexicons must be one per image: got {len(own)} lexicons for {len(images)} images")
        readings: dict[int, Placed] = {}
        refused: Counter[str] = Counter()
        for numbers, prepared in self._batches(images, masks, batch_size):
            lexicons_here = None if own is None else [own[number] for number in numbers]
            found = self._read_batch(prepared, lexicons_here, places=places)
            readings.update(zip(numbers, found.found, strict=True))
            refused += found.refused
        return PlacedReadings([readings[number] for number in range(len(images))], refused)

    def _batches(
        self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None, batch_size: int
    ) -> Iterator[tuple[list[int], list[np.ndarray]]]:
        """Yield places of images and their inputs (C, h, w) uint8; those of one batch have one size."""
        spec = self.input_spec
        window = batch_size * (BATCHES_SORTED if spec.keep_ratio else 1)
        for start in range(0, len(images), window):
            by_width = defaultdict(list)
            for place in range(start, min(start + window, len(images))):
                prepared = prepare(images[place], None if masks is None else masks[place], spec)
                by_width[prepared.shape[2]].append((place, prepared))
            for alike in by_width.values():
                for first in range(0, len(alike), batch_size):
                    places, arrays = zip(*alike[first : first + batch_size], strict=True)
                    yield list(places), list(arrays)

    def _check(self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None) -> None:
        if self.needs_mask and masks is None and len(images):
            raise ValueError("this recognizer takes RGB + mask: give one (H, W) uint8 mask per image")
        if masks is None:
            return
        if not self.needs_mask:
            raise ValueError("this recognizer takes no mask: leave the masks out, or widen it with widen_input()")
        if len(masks) != len(images):
            raise ValueError(f"masks must be one per image: got {len(masks)} masks for {len(images)} images")
        for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
            size = self.input_spec.content_size(image.shape[:2])
            if mask.shape != size and not _is_enlarged(mask.shape, image.shape[:2]):
                raise ValueError(
                    f"mask {index} must have its image's size {image.shape[:2]}, that enlarged in proportion, or the "
                    f"network's {size}, got {mask.shape}; resize it first"
                )


def _is_enlarged(mask: tuple[int, ...], image: tuple[int, ...]) -> bool:
    """Return whether a mask has its image's size, or both sides of that times one factor, rounded to whole pixels."""
    if len(mask) != 2 or mask[0] < image[0] or mask[1] < image[1]:
        return False
    # sides H f and W f that are off by at most a half give |h W - w H| <= (H + W) / 2
    return 2 * abs(mask[0] * image[1] - mask[1] * image[0]) <= sum(image)
