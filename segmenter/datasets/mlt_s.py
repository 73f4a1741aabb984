"""MLT-S: the pictures of MLT-2017 for which the authors of SMANet drew weak pixel masks."""

from __future__ import annotations

import os
from pathlib import Path

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import MaskedImages, read_lines
from segmenter.datasets.icdar15 import UNREADABLE
from segmenter.datasets.mlt import LABELS, TRUTH, Mlt, folders
from segmenter.datasets.weak_labels import check_count, listed_stems
from segrec.core.errors import DataError

PICTURES = 6_896
"""Of S. Bonechi et al., Pattern Recognition Letters 2020, and of Wang et al., Section IV.A.1."""
LISTS = {"train": "MLT_S_train.txt", "val": "MLT_S_val.txt"}
SCRIPT = "Latin"


class MltS(MaskedImages):
    """The pictures of MLT-2017, of its training and its validation part, that MLT_S has.

    They are named by `MLT_S_train.txt` and `MLT_S_val.txt`, else by the files in `MLT_S_labels/`. Without either a rule
    chooses them, which is ours, since the articles state none: a picture has a legible word in Latin script. A part
    that is not on the disk is left out.

    Args:
        root: as for `Mlt`.

    Raises:
        DataError: as for `Mlt`, or no picture is chosen.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        here = [split for split in LISTS if folders(Path(root), TRUTH[split])]
        self._parts = {split: Mlt(root, split) for split in here or ["train"]}
        listed = {split: listed_stems(Path(root) / LISTS[split], [Path(root) / LABELS[split]]) for split in self._parts}
        by = "list"
        if not any(listed.values()):
            listed, by = {split: _latin(Path(root), split) for split in self._parts}, "rule (a legible Latin word)"
        self._places = [
            (split, position)
            for split, part in self._parts.items()
            for position in range(len(part))
            if part.name(position) in (listed[split] or ())
        ]
        check_count(self._places, PICTURES, name="MLT-S", root=Path(root), by=by)

    def __len__(self) -> int:
        return len(self._places)

    def name(self, position: int) -> str:
        """Return the part and the picture's stem: both parts number their pictures from 1."""
        split, place = self._places[position]
        return f"{split}/{self._parts[split].name(place)}"

    def sample(self, position: int) -> SegmentationSample:
        """Return one picture, see `Mlt.sample`.

        Raises:
            DataError: as there.
        """
        split, place = self._places[position]
        return self._parts[split].sample(place)


def _latin(root: Path, split: str) -> set[str]:
    """Return the stems of the pictures that have a legible word in Latin script."""
    found = set()
    for path in (path for folder in folders(root, TRUTH[split]) for path in folder.glob("*.txt")):
        for number, line in enumerate(read_lines(path), start=1):
            parts = line.split(",", 9)
            if line.strip() and len(parts) < 10:
                raise DataError(f"{path}, line {number}: expected eight coordinates, script, transcription, got {line}")
            if len(parts) == 10 and parts[8] == SCRIPT and parts[9] != UNREADABLE:
                found.add(path.stem.removeprefix("gt_"))
    return found
