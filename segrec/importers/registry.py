"""The datasets that can be imported, by name; an importer's file is loaded when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from segrec.core.errors import ConfigError, DataError
from segrec.importers.base import LAYOUTS, Importer


class Dataset(NamedTuple):
    """Where an importer is: `opener(source, split)` of the module `module`, here; the first split is the usual one."""

    module: str
    opener: str
    splits: tuple[str, ...]


DATASETS: Mapping[str, Dataset] = {
    "synth90k": Dataset("synth90k", "Synth90k", ("all", "train", "val", "test")),
    "synthtext": Dataset("synthtext", "SynthText", ("all",)),
    "iiit5k": Dataset("iiit5k", "Iiit5k", ("test", "train")),
    "svt": Dataset("svt", "Svt", ("test", "train")),
    "svtp": Dataset("tsv", "open_packed_list", ("test",)),
    "cute80": Dataset("tsv", "open_packed_list", ("test",)),
    "icdar03": Dataset("icdar03", "open_icdar03", ("test", "train")),
    "icdar13": Dataset("icdar13", "open_icdar13", ("test", "train")),
    "icdar15": Dataset("icdar15", "open_icdar15", ("test", "train")),
    "tsv": Dataset("tsv", "TabList", ("all",)),
}
LISTS = ("tsv", "svtp", "cute80")
"""Datasets of crops that a list of anybody's names by their paths."""


def check_split(dataset: str, split: str | None) -> str:
    """Return the split, the dataset's usual one for None.

    Raises:
        ConfigError: there is no such dataset or split.
    """
    if dataset not in DATASETS:
        raise ConfigError(f"there is no importer {dataset!r}; choose one of {', '.join(DATASETS)}")
    splits = DATASETS[dataset].splits
    if split is not None and split not in splits:
        raise ConfigError(f"{dataset} has no split {split!r}; choose one of {', '.join(splits)}")
    return split or splits[0]


def open_importer(dataset: str, source: str | os.PathLike[str], split: str, *, outside: bool = False) -> Importer:
    """Return the importer of a dataset's split.

    Args:
        dataset: a name of `DATASETS`.
        source: where it lies.
        split: of it.
        outside: of `LISTS`, follow paths that lead out of the list's folder.

    Raises:
        ConfigError: there is no such dataset or split, or it is not a list and `outside` is asked for.
        DataError: the source does not exist or is not laid out like that dataset.
    """
    check_split(dataset, split)
    if not Path(source).exists():
        raise DataError(f"{source} does not exist; name the folder of {dataset}; {LAYOUTS}")
    found = DATASETS[dataset]
    opener: Callable[..., Importer] = getattr(import_module(f"segrec.importers.{found.module}"), found.opener)
    if not outside:
        return opener(source, split)
    if dataset not in LISTS:
        raise ConfigError(f"--outside goes with lists of crops ({', '.join(LISTS)}), not with {dataset}")
    return opener(source, split, outside=True)
