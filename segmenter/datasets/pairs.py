"""Pictures matched to their ground truth by name, with whatever lacks its counterpart left out and counted."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import NamedTuple

from segmenter.datasets.base import README, in_order
from segrec.core.errors import DataError
from segrec.core.runlog import LOGGER


class Holes(NamedTuple):
    """What a dataset lacks; its reader leaves these names out.

    Attributes:
        without_truth: pictures that have no ground truth.
        without_image: ground truth whose picture is not there.
    """

    without_truth: tuple[str, ...] = ()
    without_image: tuple[str, ...] = ()


def matched(
    images: Collection[str], truth: Collection[str], *, root: str | os.PathLike[str], expected: str
) -> tuple[list[str], Holes]:
    """Return the names that have both picture and ground truth in counting order, and the holes, which are logged.

    Args:
        images: names of the pictures.
        truth: names of the ground truth.
        root: the dataset, for messages.
        expected: where the other half of a picture is looked for, for the message.

    Raises:
        DataError: no picture has ground truth.
    """
    both = in_order(set(images) & set(truth))
    holes = Holes(_missing(images, truth), _missing(truth, images))
    if not both:
        raise DataError(f"{root}: none of {len(images)} images has ground truth; expected {expected}; {README}")
    for names, lack in ((holes.without_truth, "ground truth"), (holes.without_image, "an image")):
        if names:
            LOGGER.warning("%s: %d names without %s are left out, the first is %s", root, len(names), lack, names[0])
    return both, holes


def _missing(names: Iterable[str], others: Collection[str]) -> tuple[str, ...]:
    present = set(others)
    return tuple(in_order(name for name in names if name not in present))
