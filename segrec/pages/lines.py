"""Lines of text, as many detectors give them, cut into words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segrec.core.images import Array
from segrec.core.polygons import region_points
from segrec.pages.finder import Finding, split_line
from segrec.pages.page_masks import TextMasks, cut_regions
from segrec.pages.quadrangles import Points


def words_of_lines(
    text_masks: TextMasks,
    picture: Array,
    outlines: Sequence[Points],
    *,
    finding: Finding,
) -> list[Points]:
    """Return the outlines of the words of lines, (4, 2) float32 each, in the order of the lines.

    A line is cut where its text mask has no ink, as `segrec.pages.finder.split_line` says; one without a gap keeps its
    own outline.

    Args:
        text_masks: gives the masks of crops, (H, W) float32 in [0, 1].
        picture: (H, W, 3) uint8 RGB.
        outlines: (P, 2) each; those thinner than half a pixel are left out.
        finding: thresholds.

    Raises:
        DataError: the lines have too many pixels, see `segrec.pages.page_masks.cut_regions`.
    """
    cut = zip(outlines, cut_regions(picture, outlines), strict=True)
    lines = [(outline, crop) for outline, crop in cut if crop is not None]
    words: list[Points] = []
    for (outline, _), mask in zip(lines, text_masks([crop for _, crop in lines]), strict=True):
        spans = split_line(mask, finding=finding)
        if len(spans) == 1:
            words.append(outline)
            continue
        corners = np.array([[[left, 0], [right, 0], [right, 1], [left, 1]] for left, right in spans], np.float32)
        words += list(region_points(outline, corners))
    return words
