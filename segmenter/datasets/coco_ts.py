"""COCO-TS: the pictures of COCO-Text for which the authors of SMANet drew weak pixel masks."""

from __future__ import annotations

import os
from pathlib import Path

from segmenter.datasets.coco_text import ANNOTATIONS, LABELS, CocoText, clear_pictures
from segmenter.datasets.subset import check_count, listed_stems

PICTURES = 14_690
"""Of S. Bonechi et al., Pattern Recognition Letters 2020, and of Wang et al., Section IV.A.1."""
LIST = "COCO_TS.txt"


class CocoTs(CocoText):
    """The pictures of COCO-Text, of both its parts, that COCO_TS has.

    They are named by `COCO_TS.txt`, else by the files in `COCO_TS_labels/`. Without either a rule chooses them, which
    is ours, since the articles state none: a picture has legible, printed, English text.

    Args:
        root: as for `CocoText`.

    Raises:
        DataError: as for `CocoText`, or no picture is chosen.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        super().__init__(root, None)
        stems, by = listed_stems(Path(root) / LIST, [Path(root) / LABELS]), "list"
        if stems is None:
            stems, by = clear_pictures(Path(root) / ANNOTATIONS), "rule (legible, printed, English)"
        self._files = [file for file in self._files if Path(file).stem in stems]
        check_count(self._files, PICTURES, name="COCO-TS", root=Path(root), by=by)
