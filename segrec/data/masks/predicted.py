"""Masks predicted on the fly, as a mask store would hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter.mask_predictor import MaskPredictor
from segrec.core.images import Array
from segrec.core.resampling import resample_mask
from segrec.data.masks.codec import DEFAULT_CODEC, MaskCodec, mask_codec
from segrec.data.masks.sources import Size


class PredictedMasks:
    """Runs a segmenter on the images themselves.

    The last bits of a mask depend on what shares its pass through the network, so that of some thousand masks one
    differs from the stored one, in a pixel or two and by one level.

    Args:
        segmenter: the network.
        codec: masks go through this codec once, so that they equal the stored ones.
    """

    name = "predicted"

    def __init__(self, segmenter: MaskPredictor, codec: str = DEFAULT_CODEC) -> None:
        self._segmenter, self._codec = segmenter, mask_codec(codec)

    def masks(
        self, indices: Sequence[int], images: Sequence[NDArray[Any]], visits: Sequence[int], size: Size | None
    ) -> list[Array]:
        """Return one mask per image, see `MaskSource.masks`."""
        stored = [as_stored(mask, self._codec) for mask in predicted_bytes(self._segmenter, images)]
        return [mask if size is None else resample_mask(mask, size) for mask in stored]


def as_stored(mask: Array, codec: MaskCodec | None = None) -> Array:
    """Return an (H, W) uint8 mask as it comes back from a mask store."""
    return (codec or mask_codec(DEFAULT_CODEC)).as_stored(mask)


def predicted_bytes(segmenter: MaskPredictor, images: Sequence[NDArray[Any]], *, batch_size: int = 32) -> list[Array]:
    """Return the text masks of word crops, (h, w) uint8, 0..255, at the sizes of `segmenter.preprocess.mask_size`."""
    return [mask_bytes(mask) for mask in segmenter.predict_detailed_text(images, batch_size=batch_size)]


def mask_bytes(probabilities: NDArray[np.float32]) -> Array:
    """Return probabilities (H, W) in [0, 1] as uint8, 0..255."""
    return np.asarray(np.round(probabilities * 255), dtype=np.uint8)
