"""What a reproduction is, where it was run, and the files that it leaves."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from segrec.core.files import write_json, write_text
from segrec.core.tables import csv_table

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Machine:
    """What to compute with.

    Attributes:
        device: see `segrec.core.device.resolve_device`.
        workers: loader processes.
    """

    device: str = "auto"
    workers: int = 1


@dataclass
class Reproduction:
    """A table as far as it is.

    Attributes:
        rows: figures of the finished rows, see `reproduction.tables.figures`.
        absent: why rows were not run, by key.
        missing: what data to get, by key.
        page: the table as markdown.
        results: what was kept of each finished row, by key, for figures.
        segmenter: weights that predicted the masks of Table IV(b); None where there are none.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    page: str = ""
    results: dict[Any, Any] = field(default_factory=dict)
    segmenter: str | None = None


def surroundings(device: str) -> dict[str, Any]:
    """Return the commit, the device, and the versions on which figures may depend."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "device": device if not torch.cuda.is_available() else f"{device}, {torch.cuda.get_device_name()}",
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "torchvision", "numpy")},
    }


def where_run(record: Mapping[str, Any]) -> str:
    """Return one line for a page, of what `surroundings` gave."""
    commit = record["commit"] or "an unknown commit"
    changed = " with uncommitted changes" if record["uncommitted_changes"] else ""
    return f"Commit {commit[:12]}{changed}, {record['device']}, torch {record['versions']['torch']}."


def _git(*arguments: str) -> str:
    """Return what git says, or nothing where there is no git or no repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def write_files(stem: Path, found: Reproduction, record: Mapping[str, Any]) -> None:
    """Write the record as JSON, also to `reproduce.json`, the page as markdown and the rows as CSV, each atomically."""
    write_json(stem.with_suffix(".json"), record)
    write_json(stem.parent / "reproduce.json", record)
    for suffix, text in ((".md", found.page), (".csv", comma_separated(found.rows))):
        write_text(stem.with_suffix(suffix), text)


def comma_separated(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as CSV; nothing without rows."""
    return csv_table(rows, list(rows[0])) if rows else ""
