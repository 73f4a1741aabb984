"""Pictures of a segmenter in training: what it sees, what it says, what is true."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch

from segmenter.augment import SegmentationSample
from segmenter.datasets import MaskedImages
from segmenter.interface import SegmentationNetwork
from segmenter.network import normalise_images
from segmenter.preprocess import STRIDE
from segrec.core.errors import DataError
from segrec.core.images import Array, resize

SHOWN = 8
LONGEST_SIDE = 256


@torch.no_grad()
def shown(model: SegmentationNetwork, images: MaskedImages) -> dict[str, Array]:
    """Return the first pictures by name, (N, 3 or 1, H, W) uint8: `input`, `text`, `region` and the truths there are.

    Pictures that cannot be read are left out; they are not scored either. The others are shrunk to at most
    `LONGEST_SIDE` pixels and laid on grey canvases of one size. The model is left in eval mode.

    Args:
        model: predicts with as many passes as its `passes` say.
        images: the pictures and their masks; a mask that a picture lacks is shown black.
    """
    samples = list(islice(_readable(images), SHOWN))
    if not samples:
        return {}
    scales = [min(1.0, LONGEST_SIDE / max(sample.image.shape[:2])) for sample in samples]
    sizes = [
        tuple(max(1, round(side * scale)) for side in sample.image.shape[:2])
        for sample, scale in zip(samples, scales, strict=True)
    ]
    height, width = (-(-max(size[axis] for size in sizes) // STRIDE) * STRIDE for axis in (0, 1))

    def stacked(arrays: list[Array | None], fill: int, channels: int) -> Array:
        canvas = np.full((len(arrays), height, width, channels), fill, dtype=np.uint8)
        for place, (array, size) in enumerate(zip(arrays, sizes, strict=True)):
            if array is not None:
                small = resize(array, (size[0], size[1]), "area").reshape(size[0], size[1], channels)
                canvas[place, : size[0], : size[1]] = small
        return np.ascontiguousarray(canvas.transpose(0, 3, 1, 2))

    pictures = stacked([sample.image for sample in samples], 128, 3)
    device = next(model.parameters()).device
    outputs = model.eval()(normalise_images(torch.from_numpy(pictures).to(device)), phases=model.passes)
    predicted = {
        name: last.sigmoid().mul(255).round().byte().cpu().numpy()
        for name, first, guided in (("text", outputs.text, outputs.text2), ("region", outputs.region, outputs.region2))
        if (last := first if guided is None else guided) is not None
    }
    return {
        "input": pictures,
        **predicted,
        "true text": stacked([sample.text for sample in samples], 0, 1),
        "true region": stacked([sample.region for sample in samples], 0, 1),
    }


def _readable(images: MaskedImages) -> Iterator[SegmentationSample]:
    for position in range(len(images)):
        try:
            yield images.sample(position)
        except DataError:
            continue
