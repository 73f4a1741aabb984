"""Which words of a release are taken, and how many of them papers report."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from segrec.core.errors import ConfigError, DataError
from segrec.importers.base import Crop, Skip, numbered_lines
from segrec.importers.registry import check_split

MOST_NAMES = 1_000_000
"""Of a list of words, all of which are kept in memory."""
_ALPHANUMERIC = re.compile(r"[0-9A-Za-z]+")

FILTERS: Mapping[str, Callable[[str], bool]] = {
    "alnum": lambda label: _ALPHANUMERIC.fullmatch(label) is not None,
    "alnum3": lambda label: len(label) >= 3 and _ALPHANUMERIC.fullmatch(label) is not None,
}
"""ASCII letters and digits only; `alnum3` also wants three characters or more."""


class Known(NamedTuple):
    """How many words a release or a named subset of it has.

    Attributes:
        dataset: its name here.
        split: of the release.
        number: how many.
        filter: the rule that gives the subset; None for all words.
        by_names: the subset follows from no rule: it needs a list of names besides.
        listed: the number is of what the release lists, of which some pictures cannot be read.
        release: how many words the release lists of which the filter gives the number, where releases differ; from
            another one it takes a list of names.
    """

    dataset: str
    split: str
    number: int
    filter: str | None = None
    by_names: bool = False
    listed: bool = False
    release: int | None = None

    def verdict(self, words: int, listed: int) -> tuple[bool, str]:
        """Return whether an import has this number, and that in words.

        Args:
            words: how many were stored.
            listed: how many items the release named.
        """
        what = f"{self.dataset} {self.split}" + (f", {self.filter}" if self.filter else "")
        found, unit = (listed, "listed words") if self.listed else (words, "words")
        if found == self.number:
            return True, f"{found} {unit}, the number that papers report for {what}"
        if self.release not in (None, listed):
            return False, (
                f"{found} {unit} of a release of {listed}, but the {self.number} that papers report for {what} are "
                f"of the release of {self.release}; take that one, or name the words with --names"
            )
        return False, f"{found} {unit}, but papers report {self.number} for {what}"


KNOWN = (
    Known("synth90k", "all", 8_919_273, listed=True),
    Known("synth90k", "train", 7_224_612, listed=True),
    Known("synth90k", "val", 802_734, listed=True),
    Known("synth90k", "test", 891_927, listed=True),
    Known("synthtext", "all", 7_266_866, listed=True),
    Known("iiit5k", "train", 2000),
    Known("iiit5k", "test", 3000),
    Known("svt", "train", 257),
    Known("svt", "test", 647),
    Known("svtp", "test", 645),
    Known("cute80", "test", 288),
    Known("icdar03", "train", 1156),
    Known("icdar03", "test", 1110),
    Known("icdar03", "test", 1107, release=1107),
    Known("icdar03", "test", 867, "alnum3", release=1110),
    Known("icdar03", "test", 860, "alnum3", release=1107),
    Known("icdar13", "train", 848),
    Known("icdar13", "test", 1095),
    Known("icdar13", "test", 1015, "alnum"),
    Known("icdar13", "test", 857, "alnum3"),
    Known("icdar15", "train", 4468),
    Known("icdar15", "test", 2077),
    Known("icdar15", "test", 1811, by_names=True),
)
"""Numbers of the releases and of the comparison by Baek et al. (2019), "What is wrong with scene text recognition model
comparisons?". ICDAR-03 is released with 1,110 words, of which the rule gives 867, and with 1,107, of which it gives
860; 1811 lacks, of the 2077, what is not alphanumeric or strongly bent, by a list that no rule gives."""


@dataclass(frozen=True)
class Selection:
    """What of a split is taken.

    Attributes:
        split: of the release.
        filter: a name of `FILTERS`; None takes every label that is not empty.
        names: the words to take, by `Crop.name`; None takes all.
        known: how many words that should give, where papers report a number.
        of_releases: the same by release, where no subset was named and releases differ.
    """

    split: str
    filter: str | None = None
    names: frozenset[str] | None = None
    known: Known | None = None
    of_releases: tuple[Known, ...] = ()

    def known_of(self, listed: int) -> Known | None:
        """Return how many words this should give of a release that lists this many."""
        return next((known for known in self.of_releases if known.release == listed), self.known)

    def of(self, items: Iterable[Crop | Skip]) -> Iterator[Crop | Skip]:
        """Yield `items`, with a skip in the place of each word that is not taken."""
        passes = FILTERS[self.filter] if self.filter else None
        for item in items:
            if isinstance(item, Skip):
                yield item
            elif self.names is not None and item.name not in self.names:
                yield Skip(item.name, "not in the list of names")
            elif not item.label:
                yield Skip(item.name, "the label is empty")
            elif passes is not None and not passes(item.label):
                yield Skip(item.name, f"left out by the filter {self.filter}", repr(item.label))
            else:
                yield item


def selection_of(
    dataset: str,
    split: str | None,
    *,
    filter_name: str | None = None,
    subset: str | None = None,
    names: str | os.PathLike[str] | None = None,
) -> Selection:
    """Return what these options ask for.

    Args:
        dataset: a name of `DATASETS`.
        split: of it; None for the subset's or the usual one.
        filter_name: a name of `FILTERS`.
        subset: the count of a subset by which papers name it, as `1015`.
        names: a file with one name of a word a line.

    Raises:
        ConfigError: the dataset has no such split or subset, or the options contradict each other.
        DataError: the file of names cannot be read.
    """
    listed = None if names is None else _names_in(names)
    if subset is None:
        asked = (dataset, check_split(dataset, split), filter_name)
        rules = [known for known in KNOWN if not known.by_names and listed is None]
        fitting = tuple(known for known in rules if (known.dataset, known.split, known.filter) == asked)
        return Selection(asked[1], filter_name, listed, next(iter(fitting), None), fitting)
    found = next((known for known in KNOWN if (known.dataset, str(known.number)) == (dataset, subset)), None)
    if found is None:
        counts = ", ".join(str(known.number) for known in KNOWN if known.dataset == dataset) or "none"
        raise ConfigError(f"{dataset} has no subset {subset}; its numbers are {counts}")
    if split not in (None, found.split) or filter_name not in (None, found.filter):
        wanted = f"--split {found.split}" + (f" --filter {found.filter}" if found.filter else " without --filter")
        raise ConfigError(f"--subset {subset} of {dataset} is {wanted}; leave these options to it")
    if found.by_names != (listed is not None) and (found.by_names or found.release is None):
        raise ConfigError(_about_names(found))
    if listed is not None:
        found = found._replace(release=None)
    return Selection(found.split, found.filter, listed, found)


def _names_in(path: str | os.PathLike[str]) -> frozenset[str]:
    """Return the names in a file, one a line.

    Raises:
        DataError: it cannot be read, or has more than `MOST_NAMES`.
    """
    names = frozenset(text.strip() for _, text in islice(numbered_lines(path), MOST_NAMES + 1))
    if len(names) > MOST_NAMES:
        raise DataError(f"{path} names more than {MOST_NAMES:,} words; is it the right file?")
    return names


def _about_names(known: Known) -> str:
    if known.by_names:
        return (
            f"no rule gives the {known.number} words of {known.dataset}, only a list; name a file of it with --names, "
            "one picture per line, or take another subset"
        )
    return f"--subset {known.number} of {known.dataset} follows from a rule; leave out --names"
