"""Words found in a photograph at several sizes, since the mask network knows letters of some sizes only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segmenter.mask_predictor import MaskPredictor
from segmenter.preprocess import rescale
from segrec.core.errors import ConfigError
from segrec.core.images import Array, opencv
from segrec.pages.finder import Finding, find_words
from segrec.pages.quadrangles import Points

LONGEST_SIDES = (960, 480)
"""At which a photograph is seen. With 1440 beside them more words were found, but still more that are none."""
MOST_ENLARGED = 1.5
APART = 0.1
"""A word is new where it shares at most this much, as intersection over union, with each that was found already."""
INSIDE = 0.5
"""And where at most this share of either lies in the other."""


def find_in_levels(segmenter: MaskPredictor, picture: Array, finding: Finding) -> list[Points]:
    """Return the quadrilaterals of a photograph's words, (4, 2) float32 x and y in pixels.

    Args:
        segmenter: of any settings; it sees each size as a scene, once.
        picture: (H, W, 3) uint8 RGB.
        finding: thresholds; sizes in pixels are those of each level.

    Raises:
        ConfigError: the segmenter knows no regions.
    """
    if not segmenter.has_region:
        raise ConfigError(
            f"{segmenter.called} knows no regions in which to find words; name a detector or a finder, or give the "
            "words' polygons"
        )
    scene = segmenter.for_scenes(scales=1)
    found: list[Points] = []
    for scale in level_scales(max(picture.shape[:2])):
        size = max(1, round(picture.shape[0] * scale)), max(1, round(picture.shape[1] * scale))
        masks = scene.predict([rescale(picture, size)])[0]
        shares = np.array([picture.shape[1] / size[1], picture.shape[0] / size[0]], np.float32)
        found += new_words([word * shares for word in find_words(masks.text, masks.region, finding=finding)], found)
    return found


def level_scales(longest: int) -> list[float]:
    """Return the factors by which a picture with that longest side is resized, largest first, each once."""
    scales = [min(side / longest, MOST_ENLARGED) for side in LONGEST_SIDES]
    return list(dict.fromkeys(scale for scale in scales))


def new_words(words: Sequence[Points], known: Sequence[Points]) -> list[Points]:
    """Return those of `words` that are none of `known`, convex (4, 2) each."""
    return [word for word in words if not any(_same(word, other) for other in known)]


def _same(one: Points, other: Points) -> bool:
    cv2 = opencv()
    if (one.max(axis=0) < other.min(axis=0)).any() or (other.max(axis=0) < one.min(axis=0)).any():
        return False
    shared, _ = cv2.intersectConvexConvex(one, other)
    areas = cv2.contourArea(one), cv2.contourArea(other)
    return bool(shared > APART * (sum(areas) - shared) or shared > INSIDE * min(areas))
