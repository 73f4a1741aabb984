"""COCO_TS and MLT_S: label files that a network drew from text boxes, and which pictures have them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from segmenter.datasets.base import mask_of_classes, read_lines
from segrec.core.errors import DataError
from segrec.core.images import Array, read_labels
from segrec.core.runlog import LOGGER

CLASSES = {0: "background", 1: "text", 255: "uncertain"}
"""Class numbers as the authors state them on the download pages of both sets."""


def read_weak_labels(path: str | os.PathLike[str]) -> Array:
    """Return the text mask (H, W) uint8 of a label file: 255 = text, 0 = background, 128 = uncertain.

    The class is the stored number, not the colour it is shown in: in a palette picture it is the palette's index.
    Source: S. Bonechi et al., "COCO_TS dataset: pixel-level annotations based on weak supervision for scene text
    segmentation", ICANN 2019.

    Raises:
        DataError: the file cannot be read or holds another number.
    """
    hint = "; for masks of 0, 128 and 255 use the kind 'folder'"
    return mask_of_classes(read_labels(path), path, CLASSES, text=1, unknown=255, hint=hint)


def listed_stems(path: Path, labels: Iterable[Path]) -> set[str] | None:
    """Return the stems of a subset's pictures: those of its list, else of its label files; None without either.

    Args:
        path: a text file with a picture's name, or only its stem, in each line.
        labels: folders of label files.

    Raises:
        DataError: the list names nothing.
    """
    if path.is_file():
        stems = {Path(line.strip()).stem for line in read_lines(path) if line.strip()}
        if not stems:
            raise DataError(f"{path} names no picture; write one per line, or delete it")
        return stems
    stems = {file.stem for folder in labels for file in folder.glob("*.png")}
    return stems or None


def check_count(found: Collection[object], wanted: int, *, name: str, root: Path, by: str) -> None:
    """Say how many pictures a subset has, and warn where they are not as many as published.

    Args:
        found: the pictures.
        wanted: the published number.
        name: of the subset.
        root: of the data.
        by: what chose the pictures.

    Raises:
        DataError: there is none.
    """
    if not found:
        raise DataError(f"{root} holds no picture of {name}, chosen by {by}; check the list and the pictures")
    if len(found) == wanted:
        LOGGER.info("%s: %d pictures of %s, chosen by %s", root, wanted, name, by)
    else:
        LOGGER.warning("%s: %d pictures of %s, chosen by %s; published are %d", root, len(found), name, by, wanted)
