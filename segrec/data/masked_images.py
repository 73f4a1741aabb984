"""Pictures with masks by name: what segrec rendered, and the public datasets that the segmenter knows."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from segmenter.augment import SegmentationSample
from segmenter.datasets import READERS, open_dataset
from segmenter.datasets.base import MaskedImages, NamedImages, check_size
from segrec.core.errors import ConfigError, DataError
from segrec.core.files import read_json
from segrec.core.images import Array, read_image
from segrec.core.mask_values import IGNORE
from segrec.data.corrupted_words import CORRUPTED, CorruptedWords
from segrec.data.masks.kinds import ORACLE, REGIONS
from segrec.data.masks.store import MaskStore
from segrec.data.verified_words import VERIFIED, open_verified
from segrec.data.words import WordLmdb

INK_SHARE = 90
"""Coverage, of 255, from which a pixel of a soft rendered mask counts as text; below one half, or thin strokes go."""

RENDERED = ("words", "scenes")
"""Kinds of data that `segrec render` writes; the other kinds are `segmenter.datasets.READERS`."""


def open_masked(spec: str, *, soft: bool = False) -> MaskedImages:
    """Return the pictures of `KIND=PATH` or `KIND:SPLIT=PATH`, such as `totaltext:test=/data/TotalText`.

    Args:
        spec: the kind is `words` or `scenes` for rendered data, `words:corrupted` for words whose pictures are damaged
            at each visit, `verified` for `verified=WORDS:MASKS`, see `open_verified`, else one of
            `segmenter.datasets.READERS`.
        soft: masks of rendered data keep the share of each pixel that is ink, see `softened`; without, they are binary.

    Raises:
        ConfigError: the spec has another form, an unknown kind, or a split that its kind does not have.
        DataError: the data is not there or has another layout.
    """
    named, sign, path = spec.partition("=")
    kind, _, split = named.partition(":")
    if not sign or not kind or not path:
        raise ConfigError(f"expected KIND=PATH or KIND:SPLIT=PATH, got {spec!r}; kinds: {', '.join(kinds())}")
    if kind == VERIFIED:
        return open_verified(path, split or None)
    if kind not in RENDERED:
        return open_dataset(kind, path, split or None)
    if split and (kind, split) != ("words", CORRUPTED):
        raise ConfigError(
            f"rendered {kind} have no splits; write {kind}={path}, or words:{CORRUPTED}=PATH for bad ones"
        )
    if kind == "scenes":
        return MaskedScenes(path, soft=soft)
    words = MaskedWords(path, soft=soft)
    return CorruptedWords(words) if split else words


def kinds() -> list[str]:
    """Return the kinds that `open_masked` knows."""
    return [*RENDERED, VERIFIED, *READERS]


class MaskedWords(MaskedImages):
    """A rendered word database with its stores of strokes and regions.

    Raises:
        DataError: one of the three is missing or they do not belong together.
    """

    def __init__(self, path: str | os.PathLike[str], *, soft: bool = False) -> None:
        self._words, self._edges = WordLmdb(path), softened if soft else binary
        self._words.count()
        if not (Path(path) / ORACLE).is_dir():
            raise DataError(
                f"{path} has no exact masks; name words that segrec render words wrote (not with --no-masks)"
            )
        self._text, self._regions = MaskStore(Path(path) / ORACLE), MaskStore(Path(path) / REGIONS)
        for store in (self._text, self._regions):
            store.check_source(self._words)
            store.require_complete()

    def __len__(self) -> int:
        return len(self._words)

    def name(self, position: int) -> str:
        """Return the key of the word's picture."""
        return f"image-{position + 1:09d}"

    def sample(self, position: int) -> SegmentationSample:
        """Return one word, see `MaskedImages.sample`."""
        word = self._words[position]
        if word.image is None:
            raise DataError(f"{self._words.path}: {word.problem}; render the words again")
        text, region = self._text[position], self._regions[position]
        return SegmentationSample(word.image, *(None if mask is None else self._edges(mask) for mask in (text, region)))


class MaskedScenes(NamedImages):
    """A folder of rendered scenes.

    Raises:
        DataError: the folder has no `scenes.json`, or one without scenes.
    """

    def __init__(self, path: str | os.PathLike[str], *, soft: bool = False) -> None:
        self._folder, self._edges = Path(path), softened if soft else binary
        if not (self._folder / "scenes.json").exists():
            raise DataError(
                f"{self._folder} holds no rendered scenes, cannot read its scenes.json; check the path, or name other "
                "data as KIND=PATH"
            )
        record = read_json(self._folder / "scenes.json")
        names = record.get("scenes") if isinstance(record, dict) else None
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise DataError(f"{self._folder / 'scenes.json'} names no scenes; render them again")
        self._names: list[str] = names

    def sample(self, position: int) -> SegmentationSample:
        """Return one scene, see `MaskedImages.sample`."""
        name = self._names[position]
        path = self._folder / "images" / f"{name}.jpg"
        image = read_image(path)
        return SegmentationSample(image, *(self._mask(kind, name, image, path) for kind in ("text", "regions")))

    def _mask(self, kind: str, name: str, image: Array, image_path: Path) -> Array:
        path = self._folder / kind / f"{name}.png"
        return check_size(self._edges(read_image(path)[:, :, 0]), image, mask_path=path, image_path=image_path)


def binary(mask: Array) -> Array:
    """Return a soft rendered mask, (H, W) uint8 coverage, as 0 and 255."""
    return np.where(mask >= INK_SHARE, 255, 0).astype(np.uint8)


def softened(mask: Array) -> Array:
    """Return a soft rendered mask as truth for a network: a pixel that is text by `binary` is at least half text.

    Thresholding waits until the network's own size, so that thin strokes of small crops keep their place and weight.

    Args:
        mask: (H, W) uint8 coverage.

    Returns:
        (H, W) uint8; coverage times 128 / `INK_SHARE`, at most 255, and never exactly 128, which means ignore.
    """
    return _SOFTENED[mask]


def _softening() -> Array:
    raised = np.minimum(255, np.round(np.arange(256) * (128 / INK_SHARE)))
    return np.where(raised == IGNORE, IGNORE + 1, raised).astype(np.uint8)


_SOFTENED = _softening()
