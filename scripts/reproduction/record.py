"""Where a reproduction was run: commit, machine, libraries, data; written beside every table."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parents[2]


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
