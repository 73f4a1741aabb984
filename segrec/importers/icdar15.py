"""ICDAR-2015 (Challenge 4, incidental scene text): word crops with a list."""

from __future__ import annotations

import os

from segrec.importers.base import Importer
from segrec.importers.quoted_list import QuotedList, find_list, no_release

CROPS = {
    "train": [("ch4_training_word_images_gt/gt.txt", "ch4_training_word_images_gt"), ("gt.txt", ".")],
    "test": [
        ("Challenge4_Test_Task3_GT.txt", "ch4_test_word_images_gt"),
        ("Challenge4_Test_Task3_GT.txt", "."),
        ("gt.txt", "."),
    ],
}
"""List and folder of the crops, by the release's names or plainly."""


def open_icdar15(root: str | os.PathLike[str], split: str) -> Importer:
    """Return the crops of a split; labels keep case, spaces, commas and quotes.

    Raises:
        DataError: there is no list with pictures.
    """
    found = find_list(root, CROPS[split])
    if found is None:
        raise no_release(root, f"ICDAR-2015 {split} set", CROPS[split])
    return QuotedList(*found)
