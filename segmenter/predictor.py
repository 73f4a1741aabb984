"""Masks for pictures of any size, independent of what else is in the batch."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmenter.fused import FusedNet
from segmenter.network import STRIDE, MutuallyGuidedNet, normalise_images
from segmenter.preprocess import SCENE_HEIGHT, as_rgb, is_scene, mask_size, padded, rescale, working_size
from segmenter.pyramid import Scales, check_scales, join_levels, level_sizes
from segmenter.tiling import SMALLEST_TILE, TILE_SIDE, Mosaic
from segrec.core.device import autocast, resolve_device
from segrec.core.errors import ConfigError
from segrec.core.images import Array

Probabilities = NDArray[np.float32]
Network = Callable[[Tensor], Tensor]
ResultSize = Callable[[tuple[int, int], tuple[int, int]], tuple[int, int]]
"""Makes a picture's own and its working size into that of its maps."""

BATCH_PIXELS = 32 * 32 * 160
"""Pixels of one batch, so that a run's memory does not depend on how long its longest words are."""


class Masks(NamedTuple):
    """Both masks of one picture, at its own size.

    Attributes:
        text: (H, W) float32 in [0, 1], the probability that a pixel belongs to a stroke.
        region: (H, W) float32 in [0, 1], the probability that a pixel lies in a text region.
    """

    text: Probabilities
    region: Probabilities


def _own_size(size: tuple[int, int], working: tuple[int, int]) -> tuple[int, int]:
    return size


class Segmenter:
    """Predicts masks for lists of pictures.

    A picture of at most `scene_height` rows is taken for a word crop and resized to the network's working height; a
    taller one is taken for a scene and enters at its own size and at smaller ones, see `scales`, whose maps are joined.
    The aspect ratio is always kept. What is then larger than `tile_side` goes through the network in overlapping tiles,
    whose maps are blended, so memory is bounded and no detail is lost. The edges are repeated up to a multiple of 16.
    Only pictures that then have the same size share a batch, so a prediction does not depend on its neighbours.

    Args:
        model: the network; moved to `device`, put into eval mode and copied in a faster form: later changes of its
            weights do not show here.
        device: a device's name or the device.
        amp: "off", "bf16" or "fp16".
        working_height: height of word crops in the network; None takes the one the weights were trained for.
        scene_height: pictures taller than this are scenes; None takes every picture for a word crop.
        longest_side: pictures with a longer side are shrunk to it first, for speed; None shrinks none.
        scales: sizes at which scenes enter the network, never above their own: shares of it up to 1, or longest sides
            in pixels above; 1 is their own size alone, None and "auto" take it and its halves.
        tile_side: longest side in the network, a multiple of 16 of at least 128.

    Raises:
        ConfigError: for an unknown device or precision, or a size that is too small.
    """

    def __init__(
        self,
        model: MutuallyGuidedNet,
        *,
        device: str | torch.device = "cpu",
        amp: str = "off",
        working_height: int | None = None,
        scene_height: int | None = SCENE_HEIGHT,
        longest_side: int | None = None,
        scales: Scales = "auto",
        tile_side: int = TILE_SIDE,
    ) -> None:
        self.device = resolve_device(str(device))
        self.amp = amp
        self.working_height = model.working_height if working_height is None else working_height
        self.scene_height, self.longest_side, self.tile_side = scene_height, longest_side, tile_side
        if self.working_height < 1 or (longest_side is not None and longest_side < 1):
            raise ConfigError(
                f"working_height and longest_side must be at least 1, got {self.working_height} and {longest_side}"
            )
        if tile_side < SMALLEST_TILE or tile_side % STRIDE:
            raise ConfigError(f"tile_side must be a multiple of {STRIDE} of at least {SMALLEST_TILE}, got {tile_side}")
        self.scales = check_scales(scales)
        with autocast(self.device, amp):  # refuses an unsupported precision now rather than at the first picture
            self.model = model.to(self.device).eval()
        self._network = FusedNet(self.model).to(memory_format=torch.channels_last)

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

    def predict(self, images: Sequence[Array], *, batch_size: int = 32) -> list[Masks]:
        """Return both masks of every picture, from the guided pass, in the order of `images`; `[]` gives `[]`.

        Args:
            images: uint8 or uint16 arrays (H, W, 3) RGB, (H, W) grey or (H, W, 4) RGBA, any size from 1x1.
            batch_size: most pictures in one run of the network; fewer when they are large.

        Raises:
            ValueError: for another kind of picture or a batch size below 1.
        """
        return [Masks(*maps) for maps in self._run(images, self._network, 2, batch_size)]

    def predict_text(self, images: Sequence[Array], *, batch_size: int = 32) -> list[Probabilities]:
        """Return `predict(images)[i].text` of every picture without the work that only the region mask needs.

        Args:
            images: as for `predict`.
            batch_size: most pictures in one run of the network.

        Raises:
            ValueError: as for `predict`.
        """
        return [text for (text,) in self._run(images, self._network.text_mask, 1, batch_size)]

    def predict_detailed_text(self, images: Sequence[Array], *, batch_size: int = 32) -> list[Probabilities]:
        """Return the text masks at the larger of each picture's own and its working size, (h, w) float32 in [0, 1].

        What is to be resampled once more, as for a recognizer's input, loses least so: `predict_text` gives the same
        masks at the pictures' own sizes.

        Args:
            images: as for `predict`.
            batch_size: most pictures in one run of the network.

        Raises:
            ValueError: as for `predict`.
        """
        return [text for (text,) in self._run(images, self._network.text_mask, 1, batch_size, at=mask_size)]

    def prepare(self, image: Array) -> Array:
        """Return a picture at working size, (h, w, 3) uint8 RGB: the part of `predict_text` before the network.

        Raises:
            ValueError: for an array that is no picture.
        """
        colour = as_rgb(image, 0)
        return rescale(colour, self._working_size(colour))

    def text_of_prepared(self, pictures: Sequence[Array]) -> list[Probabilities]:
        """Return the text masks of one pass through the network, (h, w) float32 each, at working size.

        Args:
            pictures: from `prepare`, at least one, of one size once padded: a batch of `equal_batches`.
        """
        return [text for (text,) in self._maps(pictures, self._network.text_mask, 1, len(pictures))]

    def _run(
        self, images: Sequence[Array], network: Network, maps: int, batch_size: int, *, at: ResultSize = _own_size
    ) -> list[tuple[Probabilities, ...]]:
        """Return each picture's maps at the size `at` says; `network` gives logits (N, maps, H, W)."""
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if isinstance(images, np.ndarray):
            raise ValueError(f"images must be a list of pictures, got one array {images.shape}; wrap it as [image]")
        colour = [as_rgb(image, position) for position, image in enumerate(images)]
        levels = [(position, size) for position, image in enumerate(colour) for size in self._level_sizes(image)]
        found: dict[int, Probabilities] = {}
        for chosen in equal_batches({number: size for number, (_, size) in enumerate(levels)}, batch_size):
            pictures = [rescale(colour[position], size) for position, size in (levels[number] for number in chosen)]
            found.update(zip(chosen, self._maps(pictures, network, maps, batch_size), strict=True))
        of_picture: list[list[Probabilities]] = [[] for _ in colour]
        for number, (position, _) in enumerate(levels):  # in this order whatever the batches: sums depend on it
            of_picture[position].append(found.pop(number))
        sizes = [at(image.shape[:2], self._working_size(image)) for image in colour]
        return [
            tuple(join_levels(of_map, size) for of_map in zip(*of_levels, strict=True))
            for size, of_levels in zip(sizes, of_picture, strict=True)
        ]

    def _maps(self, pictures: Sequence[Array], network: Network, maps: int, batch_size: int) -> list[Probabilities]:
        """Return the maps (maps, h, w) of pictures at working size (h, w, 3) that have one size once padded."""
        if max(pictures[0].shape) > self.tile_side:
            return [self._of_tiles(picture, network, maps, batch_size) for picture in pictures]
        found = self._probabilities(pictures, network)
        return [one[:, : picture.shape[0], : picture.shape[1]] for one, picture in zip(found, pictures, strict=True)]

    def _of_tiles(self, picture: Array, network: Network, maps: int, batch_size: int) -> Probabilities:
        """Return the maps, (maps, H, W), of a picture that is larger than a tile."""
        mosaic = Mosaic((picture.shape[0], picture.shape[1]), maps=maps, longest=self.tile_side)
        cuts = [picture[down.start :, across.start :][: down.length, : across.length] for down, across in mosaic.tiles]
        sizes = {place: (down.length, across.length) for place, (down, across) in enumerate(mosaic.tiles)}
        for chosen in equal_batches(sizes, batch_size):
            found = self._probabilities([cuts[place] for place in chosen], network)
            for place, of_tile in zip(chosen, found, strict=True):
                mosaic.add(place, of_tile)
        return mosaic.result()

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

    @torch.inference_mode()
    def _probabilities(self, pictures: Sequence[Array], network: Network) -> Probabilities:
        """Return (N, maps, H, W) float32 in [0, 1] for N pictures (h, w, 3), of one size once padded to (H, W)."""
        batch = torch.from_numpy(np.stack([padded(picture) for picture in pictures]))
        images = batch.permute(0, 3, 1, 2).to(self.device)  # a view: NCHW, channels last in memory
        with autocast(self.device, self.amp), self._without_tf32():
            logits = network(normalise_images(images))
        return logits.float().sigmoid().cpu().numpy()

    def _without_tf32(self) -> AbstractContextManager[object]:
        """Return the context in which float32 is float32 on a GPU too; TF32 lets a batch's size change the result."""
        if self.device.type != "cuda" or self.amp != "off":
            return nullcontext()
        return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def equal_batches(
    sizes: Mapping[int, tuple[int, int]], batch_size: int, *, pixels: int = BATCH_PIXELS
) -> Iterator[list[int]]:
    """Yield the keys whose padded sizes are equal, at most `batch_size` and about `pixels` at once."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for key, (height, width) in sizes.items():
        groups[-(-height // STRIDE), -(-width // STRIDE)].append(key)
    for (rows, columns), group in groups.items():
        most = max(1, min(batch_size, pixels // (rows * columns * STRIDE**2)))
        for start in range(0, len(group), most):
            yield group[start : start + most]
