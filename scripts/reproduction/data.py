"""The data of a recipe: where it must lie, how it is checked, and what to get where it is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from reproduction.digests import folder_digest
from segmenter.augment import SegmentationSample
from segmenter.datasets import MaskedImages
from segrec.core.errors import DataError
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.runlog import LOGGER
from segrec.data.masked_images import open_masked
from segrec.data.words import WordLmdb
from segrec.rendering.styles import Style
from segrec.rendering.writing import render_scenes, render_words


@dataclass(frozen=True)
class Dataset:
    """Pictures that a recipe trains or tests on.

    Attributes:
        name: in reports.
        spec: see `segrec.data.masked_images.open_masked`.
        count: pictures that it must have; None where that is not published.
        get: what to get, and where it must lie.
        make: makes it where it is not there; None for what must be got.
        with_text: leave out pictures without any text pixel, which the paper's test sets do not have.
    """

    WRITTEN_LAST: ClassVar[str] = "scenes.json"
    UNIT: ClassVar[str] = "pictures"

    name: str
    spec: str
    count: int | None
    get: str
    make: Callable[[], object] | None = None
    with_text: bool = False

    @property
    def path(self) -> Path:
        """Where it must lie."""
        return Path(self.spec.partition("=")[2])

    @property
    def split(self) -> str:
        """The part of the release, such as `test`; empty for what has none."""
        return self.spec.partition("=")[0].partition(":")[2]

    @cached_property
    def images(self) -> MaskedImages:
        """Its pictures, opened once for all rows and figures.

        Raises:
            DataError: it is missing or of another layout.
        """
        return WithText(self._all) if self.with_text else self._all

    @cached_property
    def _all(self) -> MaskedImages:
        return open_masked(self.spec)

    def _make_if_needed(self) -> None:
        """Make what can be made, unless it is whole; what was cut off is begun anew."""
        if self.make is not None and not (self.path / self.WRITTEN_LAST).exists():
            self.make()

    @property
    def check(self) -> str:
        """How it is checked."""
        return "" if self.count is None else f"it must have {self.count:,} {self.UNIT}"

    def facts(self) -> dict[str, Any]:
        """Return its spec, its number of pictures and a digest of its files; it is made if it can be.

        The digest is of all files below its folder, those of other splits among them.

        Raises:
            DataError: it is missing or of another layout.
        """
        self._make_if_needed()
        pictures, digest = len(self._all), folder_digest(self.path)
        return {"spec": self.spec, "pictures": pictures, "expected": self.count, "sha256": digest}


class WithText:
    """The pictures that have a pixel of text.

    Args:
        images: all pictures; each is read once.
    """

    def __init__(self, images: MaskedImages) -> None:
        self._images = images
        masks = (images.sample(place).text for place in range(len(images)))
        self._places = [place for place, mask in enumerate(masks) if mask is not None and (mask == 255).any()]

    def __len__(self) -> int:
        return len(self._places)

    def name(self, position: int) -> str:
        """Return the picture's name."""
        return self._images.name(self._places[position])

    def sample(self, position: int) -> SegmentationSample:
        """Return the picture with its masks."""
        return self._images.sample(self._places[position])


@dataclass(frozen=True)
class Words(Dataset):
    """Word crops: `spec` is the path of their lmdb."""

    WRITTEN_LAST: ClassVar[str] = DATA_FILE
    UNIT: ClassVar[str] = "words"

    @property
    def path(self) -> Path:
        """Where it must lie."""
        return Path(self.spec)

    @cached_property
    def database(self) -> WordLmdb:
        """Its words, opened once for all rows and figures.

        Raises:
            DataError: it is missing or no word database.
        """
        return WordLmdb(self.path)

    def facts(self) -> dict[str, Any]:
        """Return its path, its number of words and what tells its content; it is made if it can be.

        A database may hold millions of words: the digest is of some of them (see `WordLmdb.digest`), and the revision
        changes with whatever is written.

        Raises:
            DataError: it is missing or no word database.
        """
        self._make_if_needed()
        words = self.database
        counts = {"pictures": len(words), "expected": self.count}
        return {"spec": self.spec, **counts, "sha256": words.digest, "revision": words.revision}


def rendered_words(name: str, path: Path, *, count: int, seed: int, hard: bool = False) -> Words:
    """Return words that are rendered on first use, without exact masks."""
    style: Style = "hard" if hard else "mixed"

    def make() -> None:
        LOGGER.info("rendering %d %s words to %s", count, style, path)
        render_words(path, count, seed=seed, style=style, masks=False)

    command = f"segrec render words --count {count} --style {style} --seed {seed} --output {path}"
    return Words(name, str(path), count, command, make)


def rendered(name: str, path: Path, *, count: int, seed: int, hard: bool = False, with_text: bool = False) -> Dataset:
    """Return scenes that are rendered on first use."""
    style: Style = "hard" if hard else "mixed"

    def make() -> None:
        LOGGER.info("rendering %d %s scenes to %s", count, style, path)
        render_scenes(path, count, seed=seed, style=style)

    command = f"segrec render scenes --count {count} --style {style} --seed {seed} --output {path}"
    return Dataset(name, f"scenes={path}", count, command, make, with_text)


def checked(datasets: Mapping[str, Dataset]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the facts of the datasets that are there, and why the others are not and what to get, both by key."""
    facts, missing = {}, {}
    for key, dataset in datasets.items():
        try:
            facts[key] = dataset.facts()
        except DataError as error:
            wanted = "; ".join(filter(None, (dataset.get, dataset.check)))
            missing[key] = f"{dataset.name} is missing: {wanted} ({error})"
    return facts, missing


def doubts(facts: Mapping[str, Mapping[str, Any]], datasets: Mapping[str, Dataset]) -> list[str]:
    """Return a line for each dataset that has another number of pictures than expected."""
    return [
        f"{datasets[key].name} has {fact['pictures']} {datasets[key].UNIT}, expected are {fact['expected']}: "
        f"{datasets[key].path}"
        for key, fact in facts.items()
        if fact["expected"] not in (None, fact["pictures"])
    ]
