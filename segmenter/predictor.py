"""Masks for pictures of any size, independent of what else is in the batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmenter.network import STRIDE, MutuallyGuidedNet, fold_batch_norms, normalise_images
from segmenter.preprocess import LONGEST_SIDE, SCENE_HEIGHT, as_rgb, from_network, to_network, working_size
from segrec.core.device import autocast, resolve_device
from segrec.core.images import Array

Probabilities = NDArray[np.float32]

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


class Segmenter:
    """Predicts masks for lists of pictures.

    A picture of at most `scene_height` rows is taken for a word crop and resized to the network's working height; a
    taller one is taken for a scene and keeps its size. The aspect ratio is always kept, no side exceeds
    `longest_side`, and the edges are repeated up to a multiple of 16. Only pictures that then have the same size share
    a batch, so a prediction does not depend on its neighbours.

    Args:
        model: the network; moved to `device`, put into eval mode and copied in a faster form: later changes of its
            weights do not show here.
        device: a device's name or the device.
        amp: "off", "bf16" or "fp16".
        working_height: height of word crops in the network; None takes the one the weights were trained for.
        scene_height: pictures taller than this are scenes; None takes every picture for a word crop.
        longest_side: limit of both sides in the network.

    Raises:
        ValueError: when a size is below 1.
        ConfigError: for an unknown device or precision.
    """

    def __init__(
        self,
        model: MutuallyGuidedNet,
        *,
        device: str | torch.device = "cpu",
        amp: str = "off",
        working_height: int | None = None,
        scene_height: int | None = SCENE_HEIGHT,
        longest_side: int = LONGEST_SIDE,
    ) -> None:
        self.device = resolve_device(str(device))
        self.amp = amp
        self.working_height = model.working_height if working_height is None else working_height
        self.scene_height, self.longest_side = scene_height, longest_side
        if min(self.working_height, longest_side) < 1:
            raise ValueError(
                f"working_height and longest_side must be at least 1, got {self.working_height} and {longest_side}"
            )
        with autocast(self.device, amp):  # refuses an unsupported precision now rather than at the first picture
            self.model = model.to(self.device).eval()
        # Channels-last memory and folded BatchNorm: the same arithmetic, faster.
        self._network = fold_batch_norms(self.model).to(memory_format=torch.channels_last)

    def predict(self, images: Sequence[Array], *, batch_size: int = 32) -> list[Masks]:
        """Return both masks of every picture, from the guided pass, in the order of `images`; `[]` gives `[]`.

        Args:
            images: uint8 arrays (H, W, 3) RGB, (H, W) grey or (H, W, 4) RGBA, any size from 1x1.
            batch_size: most pictures in one run of the network; fewer when they are large.

        Raises:
            ValueError: for another kind of picture or a batch size below 1.
        """
        return [Masks(text, region) for text, region in self._run(images, self._both_masks, batch_size)]

    def predict_text(self, images: Sequence[Array], *, batch_size: int = 32) -> list[Probabilities]:
        """Return `predict(images)[i].text` of every picture without the work that only the region mask needs.

        Args:
            images: as for `predict`.
            batch_size: most pictures in one run of the network.

        Raises:
            ValueError: as for `predict`.
        """
        return [text for (text,) in self._run(images, self._network.text_mask, batch_size)]

    def _both_masks(self, images: Tensor) -> Tensor:
        outputs = self._network(images)
        return torch.cat([outputs.text2, outputs.region2], dim=1)

    def _run(
        self, images: Sequence[Array], network: Callable[[Tensor], Tensor], batch_size: int
    ) -> list[tuple[Probabilities, ...]]:
        """Return each picture's maps at its own size; `network` gives logits (N, maps, H, W)."""
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if isinstance(images, np.ndarray):
            raise ValueError(f"images must be a list of pictures, got one array {images.shape}; wrap it as [image]")
        colour = [as_rgb(image, position) for position, image in enumerate(images)]
        sizes = [self._working_size(image) for image in colour]
        results: list[tuple[Probabilities, ...]] = [()] * len(colour)
        for chosen in _batches(sizes, batch_size):
            batch = np.stack([to_network(colour[position], sizes[position]) for position in chosen])
            maps = self._probabilities(batch, network)
            for position, of_image in zip(chosen, maps, strict=True):
                own = colour[position].shape[:2]
                results[position] = tuple(from_network(one, sizes[position], own) for one in of_image)
        return results

    def _working_size(self, image: Array) -> tuple[int, int]:
        return working_size(
            image.shape[:2],
            height=self.working_height,
            scene_height=self.scene_height,
            longest_side=self.longest_side,
        )

    @torch.inference_mode()
    def _probabilities(self, batch: Array, network: Callable[[Tensor], Tensor]) -> Probabilities:
        """Return (N, maps, H, W) float32 in [0, 1] for (N, H, W, 3) uint8."""
        images = torch.from_numpy(batch).permute(0, 3, 1, 2).to(self.device)  # a view: NCHW, channels last in memory
        with autocast(self.device, self.amp):
            logits = network(normalise_images(images))
        return logits.float().sigmoid().cpu().numpy()


def _batches(sizes: Sequence[tuple[int, int]], batch_size: int) -> Iterator[list[int]]:
    """Yield positions whose padded sizes are equal, at most `batch_size` and about `BATCH_PIXELS` at once."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for position, (height, width) in enumerate(sizes):
        groups[-(-height // STRIDE), -(-width // STRIDE)].append(position)
    for (rows, columns), group in groups.items():
        most = max(1, min(batch_size, BATCH_PIXELS // (rows * columns * STRIDE**2)))
        for start in range(0, len(group), most):
            yield group[start : start + most]
