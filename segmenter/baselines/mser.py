"""Text without learning: maximally stable extremal regions (Matas et al. 2004) whose strokes have one width (SWT)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmenter.baselines.stroke_width import stroke_widths
from segmenter.interface import Outputs, SegmentationNetwork, check_sizes
from segrec.core.images import Array, opencv
from segrec.core.resampling import to_grey

DELTA, SMALLEST, LARGEST_SHARE = 5, 12, 0.1
"""Of regions: grey levels over which they are stable, pixels of the smallest, share of the picture of the largest."""
MOST_VARIATION, LEAST_DIVERSITY = 1.0, 0.05
"""OpenCV's names for how much a region may grow over these levels, and how much it must differ from one inside it."""
ASPECTS = (0.1, 8.0)
"""Width over height of a letter's box."""
VARIATION = 0.7
"""Largest deviation of a letter's stroke widths, in their mean."""
CROSSED = 0.4
"""Least share of a region's pixels that rays cross: one that is not a stroke has rays at few places."""
THICKEST = 0.7
"""Largest mean stroke width, in the box's shorter side."""
LONGEST = 15.0
"""Largest diagonal of a letter's box, in the mean stroke width; the 10 of Epshtein et al., Section 3.2, loses plain
letters, whose strokes are an eighth of their height."""
CERTAIN = 10.0
"""Logit of a text pixel; it is negative elsewhere."""


class MserSwt(SegmentationNetwork):
    """MSER + SWT as a network without weights.

    The paper names the two methods and states no setting; where the articles have none, those above were chosen
    on 15 rendered scenes by mean F1.

    Args:
        in_channels: 3.
        working_height: height in pixels to which word crops are resized first.
    """

    architecture = "mser-swt"
    learns = False

    def __init__(self, *, in_channels: int = 3, working_height: int = 64) -> None:
        super().__init__()
        check_sizes(width=1, in_channels=in_channels, working_height=working_height)
        self.in_channels, self.working_height = in_channels, working_height

    @property
    def has_region(self) -> bool:
        """False: it knows pixels."""
        return False

    def config(self) -> dict[str, Any]:
        """Return the keyword arguments that rebuild it; JSON-able."""
        return {"in_channels": self.in_channels, "working_height": self.working_height}

    def forward(self, images: Tensor, phases: int = 1, *, text_only: bool = False) -> Outputs:
        """Return text logits (N, 1, H, W) that are certain either way.

        Args:
            images: (N, 3, H, W) in [-1, 1], RGB; H and W multiples of 16.
            phases: 1.
            text_only: has no effect, since there is no other output.

        Raises:
            ValueError: for another shape.
        """
        self.check_images(images)
        pictures = ((images.float() + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        masks = np.stack([text_strokes(np.ascontiguousarray(picture)) for picture in pictures])
        logits = torch.from_numpy(np.where(masks, CERTAIN, -CERTAIN).astype(np.float32))[:, None]
        return Outputs(logits.to(images.device), None, None, None)

    def text_mask(self, images: Tensor) -> Tensor:
        """Return `forward(images).text`."""
        text: Tensor = self(images).text
        return text


def text_strokes(image: Array) -> NDArray[np.bool_]:
    """Return where the strokes of letters are, (H, W) bool.

    Args:
        image: (H, W, 3) uint8 RGB.
    """
    grey = to_grey(image)
    regions, boxes = _regions(grey)
    text = np.zeros(grey.shape, dtype=np.bool_)
    if not len(boxes):
        return text
    sizes = np.array([len(region) for region in regions])
    columns, rows = np.concatenate(regions).T  # OpenCV gives (x, y)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    fits = np.zeros(len(sizes), dtype=np.bool_)
    for widths in stroke_widths(grey):  # a region is of one polarity; the other's rays cross it at few places
        fits |= _even(widths[rows, columns], starts, sizes, boxes[:, 2:])
    aspects = boxes[:, 2] / boxes[:, 3]
    fits &= (aspects >= ASPECTS[0]) & (aspects <= ASPECTS[1])
    chosen = np.repeat(fits, sizes)
    text[rows[chosen], columns[chosen]] = True
    return text


def _regions(grey: Array) -> tuple[list[NDArray[np.int32]], NDArray[np.int32]]:
    """Return the pixels of each stable region, (P, 2) as (x, y), and its box (x, y, width, height)."""
    largest = max(SMALLEST + 1, int(LARGEST_SHARE * grey.size))
    finder = opencv().MSER_create(
        delta=DELTA,
        min_area=SMALLEST,
        max_area=largest,
        max_variation=MOST_VARIATION,
        min_diversity=LEAST_DIVERSITY,
    )
    regions, boxes = finder.detectRegions(grey)
    return list(regions), np.asarray(boxes, dtype=np.int32).reshape(-1, 4)


def _even(
    widths: NDArray[np.float32], starts: NDArray[np.intp], sizes: NDArray[np.intp], boxes: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Return which regions have strokes of one width.

    Args:
        widths: of the pixels of all regions, one after the other; 0 where there is none.
        starts: of the regions in them.
        sizes: their pixels.
        boxes: (width, height) of their boxes.
    """
    count = np.maximum(np.add.reduceat((widths > 0).astype(np.float64), starts), 1)
    mean = np.add.reduceat(widths.astype(np.float64), starts) / count
    spread = np.sqrt(np.maximum(np.add.reduceat(widths.astype(np.float64) ** 2, starts) / count - mean**2, 0))
    sound = (mean <= THICKEST * boxes.min(axis=1)) & (np.hypot(*boxes.T) <= LONGEST * mean)
    kept: NDArray[np.bool_] = (count >= CROSSED * sizes) & (spread <= VARIATION * mean) & sound
    return kept
