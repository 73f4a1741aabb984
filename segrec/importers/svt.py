"""SVT: words in street views, with a lexicon of 50 words per picture."""

from __future__ import annotations

import os

from segrec.importers.base import first_file
from segrec.importers.tagged_xml import TaggedScenes


class Svt(TaggedScenes):
    """The rectangles of `train.xml` or `test.xml`.

    Args:
        root: the folder that holds the file and `img/`, or one above (`svt1`, the release's own name).
        split: `train` or `test`.

    Raises:
        DataError: there is no such file.
    """

    def __init__(self, root: str | os.PathLike[str], split: str) -> None:
        super().__init__(first_file(root, [f"{split}.xml", f"svt1/{split}.xml"], f"SVT {split} set"))
