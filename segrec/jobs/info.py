"""What a file or folder is, and whether it is sound."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from segrec.core.errors import DataError
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.regular import require_regular
from segrec.data.masks.record import shard_folders
from segrec.data.words import PARTIAL_FILE
from segrec.importers.writer import PARTIAL_FOLDER
from segrec.jobs.info_data import inspect_masks, inspect_scenes, inspect_words
from segrec.jobs.info_findings import Findings
from segrec.jobs.info_sets import DEMO_PARTS, icdar15_splits, inspect_demo, inspect_icdar15

Kind = Literal[
    "word database",
    "mask store",
    "run",
    "weights",
    "public checkpoint",
    "network in ONNX",
    "scenes",
    "demo",
    "ICDAR-2015 scenes",
]

PUBLIC_SUFFIXES = (".pth", ".pt", ".tar", ".ckpt")
RUN_FILES = ("run.json", "best.safetensors", "last.safetensors", "state.pt")
SCENE_FOLDERS = ("images", "text", "regions", "polygons")
EXPECTED = (
    f"expected a word database (a folder with {DATA_FILE}), a mask store (with shard folders), a run (with run.json), "
    "rendered scenes (with scenes.json), ICDAR-2015 scenes, a demo's folder, weights (.safetensors), a public "
    "checkpoint (.pth, .pt, .tar, .ckpt) or a network in ONNX (.onnx)"
)


@dataclass(frozen=True)
class Description:
    """What lies at a path.

    Attributes:
        path: as it was given.
        kind: what it is.
        sound: whether there are no problems; an unfinished mask store has one, an unfinished run that can be resumed
            has none.
        facts: name and value, in reading order.
        problems: one line each: what is wrong and what to do.
    """

    path: Path
    kind: Kind
    sound: bool = field(init=False)
    facts: dict[str, str]
    problems: list[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sound", not self.problems)


def describe(path: str | os.PathLike[str], *, verify: bool = False) -> Description:
    """Return what lies at `path` and what is wrong with it; nothing is written.

    Args:
        path: a word database, mask store, run directory, folder of rendered or ICDAR-2015's scenes, what `segrec demo`
            wrote, a weights file or public checkpoint.
        verify: look at every image, mask or scene instead of at most 64 evenly spaced ones.

    Raises:
        DataError: there is nothing at `path`, it cannot be opened, or it is none of these.
    """
    place = Path(path)
    try:
        kind = _kind_of(place)
        findings = _INSPECTORS[kind](place, verify)
    except OSError as error:
        culprit = error.filename or place
        raise DataError(f"cannot read {culprit}: {error.strerror or error}; check its permissions") from error
    return Description(place, kind, findings.facts, findings.problems)


def _kind_of(path: Path) -> Kind:
    if not path.exists():
        raise DataError(f"{path} does not exist; {EXPECTED}")
    if path.is_dir():
        return _kind_of_folder(path)
    require_regular(path)
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return "weights"
    if suffix in PUBLIC_SUFFIXES:
        return "public checkpoint"
    if suffix == ".onnx":
        return "network in ONNX"
    if path.name == DATA_FILE:
        raise DataError(f"{path} is the inside of a database; name its folder {path.parent}")
    raise DataError(f"{path} is a file of no kind that segrec knows; {EXPECTED}")


def _kind_of_folder(path: Path) -> Kind:
    if path.resolve() in shard_folders(path.resolve().parent).values():
        raise DataError(f"{path} is one shard of a mask store; name the store's folder {path.resolve().parent}")
    names = {entry.name for entry in path.iterdir()}
    if names.intersection((DATA_FILE, PARTIAL_FILE, PARTIAL_FOLDER)):
        return "word database"
    if shard_folders(path):
        return "mask store"
    if names.intersection(RUN_FILES):
        return "run"
    if "scenes.json" in names or names.issuperset(SCENE_FOLDERS):
        return "scenes"
    if any((path / "words" / part / DATA_FILE).exists() for part in DEMO_PARTS):
        return "demo"
    if icdar15_splits(path):
        return "ICDAR-2015 scenes"
    raise DataError(f"{path} is {'a folder' if names else 'an empty folder'} of no kind that segrec knows; {EXPECTED}")


def _weights(path: Path, verify: bool) -> Findings:
    from segrec.jobs.info_weights import inspect_weights  # imports torch, which a look at data can do without

    return inspect_weights(path)


def _public(path: Path, verify: bool) -> Findings:
    from segrec.jobs.info_weights import inspect_public

    return inspect_public(path)


def _onnx(path: Path, verify: bool) -> Findings:
    from segrec.jobs.info_onnx import inspect_onnx

    return inspect_onnx(path)


def _run(path: Path, verify: bool) -> Findings:
    from segrec.jobs.info_weights import inspect_run

    return inspect_run(path)


_INSPECTORS: dict[Kind, Callable[[Path, bool], Findings]] = {
    "word database": lambda path, verify: inspect_words(path, verify=verify),
    "mask store": lambda path, verify: inspect_masks(path, verify=verify),
    "scenes": lambda path, verify: inspect_scenes(path, verify=verify),
    "weights": _weights,
    "public checkpoint": _public,
    "network in ONNX": _onnx,
    "demo": lambda path, verify: inspect_demo(path, verify=verify),
    "ICDAR-2015 scenes": lambda path, verify: inspect_icdar15(path),
    "run": _run,
}
