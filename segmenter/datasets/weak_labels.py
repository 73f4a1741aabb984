"""The label files of COCO_TS and MLT_S, which a network drew from text boxes."""

from __future__ import annotations

import os

import numpy as np

from segmenter.datasets.base import IGNORE, ON
from segrec.core.errors import DataError
from segrec.core.images import Array, read_labels

BACKGROUND, TEXT, UNCERTAIN = 0, 1, 255
"""Class numbers as the authors state them on the download pages of both sets."""


def read_weak_labels(path: str | os.PathLike[str]) -> Array:
    """Return the text mask (H, W) uint8 of a label file: 255 = text, 0 = background, 128 = uncertain.

    The class is the stored number, not the colour it is shown in: in a palette picture it is the palette's index.
    Source: S. Bonechi et al., "COCO_TS dataset: pixel-level annotations based on weak supervision for scene text
    segmentation", ICANN 2019.

    Raises:
        DataError: the file cannot be read or holds another number.
    """
    labels = read_labels(path)
    others = np.setdiff1d(labels, [BACKGROUND, TEXT, UNCERTAIN])
    if len(others):
        raise DataError(
            f"{path} holds the class {others[0]}; expected {BACKGROUND} = background, {TEXT} = text, "
            f"{UNCERTAIN} = uncertain; for masks of 0, 128 and 255 use the kind 'folder'"
        )
    mask = np.zeros(labels.shape, dtype=np.uint8)
    mask[labels == TEXT] = ON
    mask[labels == UNCERTAIN] = IGNORE
    return mask
