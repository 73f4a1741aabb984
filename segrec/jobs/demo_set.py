"""The small rendered set on which commands work when nothing is named, and the shipped crops of photographs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from segrec.core.errors import DataError
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.runlog import LOGGER
from segrec.data.masks.kinds import ORACLE, REGIONS
from segrec.data.masks.store import MaskStore
from segrec.jobs.common_settings import DEMO
from segrec.rendering.words import RenderSources
from segrec.rendering.writing import render_words

FOLDER = Path(DEMO)
SIZES = {"train": 2400, "test": 2000}
SEED = 7
SAMPLES = Path(__file__).parents[1] / "samples" / "icdar2015"
"""Word crops of photographs that come with the package; the README beside them says whose they are."""


class DemoSet(NamedTuple):
    """One part of the demo set: words, where their predicted masks go, and their exact masks."""

    words: Path
    masks: Path
    oracle: Path


def demo_set(part: str, folder: Path = FOLDER, sources: RenderSources | None = None) -> DemoSet:
    """Return the `train` or `test` part of the demo set in `folder`, rendering it on first use.

    Raises:
        DataError: the folder cannot be written.
    """
    words = folder / "words" / part
    if not _is_whole(words):
        LOGGER.info("rendering the demo set: %d words into %s", SIZES[part], words)
        render_words(words, SIZES[part], seed=SEED + (part == "test"), sources=sources, workers=2, overwrite=True)
    return DemoSet(words, folder / "masks" / part, words / ORACLE)


def _is_whole(words: Path) -> bool:
    """Return whether a rendering came to its end; the masks are written after the words."""
    try:
        return (words / DATA_FILE).exists() and all(MaskStore(words / name).complete for name in (ORACLE, REGIONS))
    except DataError:
        return False
