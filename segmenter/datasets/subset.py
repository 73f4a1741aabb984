"""The parts of COCO-Text and MLT that COCO_TS and MLT_S label, by a list or by a rule."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from segmenter.datasets.base import read_lines
from segrec.core.errors import DataError
from segrec.core.runlog import LOGGER


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
