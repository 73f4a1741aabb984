"""Packages that may be missing, imported where they are used, and the oldest versions that read files of strangers."""

from __future__ import annotations

import re
from importlib import import_module, util
from pathlib import Path
from types import ModuleType

from segrec.core.errors import LibraryError

TORCH = (2, 10)
"""Below it, `torch.load(weights_only=True)` has published holes; segrec has its own unpickler, its users do not."""
OPENCV = (4, 12)
"""Below it, the JPEG reader of 4.10 and 4.11 has a published overflow (CVE-2025-53644)."""


def package(name: str, missing: str) -> ModuleType:
    """Return a module of a package that may not be installed.

    Args:
        name: of the module, as `scipy.io`.
        missing: what to say without it, the remedy included; "{reason}" becomes what its import said.

    Raises:
        LibraryError: it is not installed, or does not start.
    """
    try:
        return import_module(name)
    except (ImportError, RuntimeError) as error:  # torchvision raises RuntimeError where it does not fit its torch
        raise LibraryError(missing.replace("{reason}", str(error))) from error


def folders_in(path: str) -> list[Path]:
    """Return where a folder of an installed package is, without importing it; no folder where it is not installed.

    Args:
        path: as `package/folder/in/it`.
    """
    name, _, inside = path.partition("/")
    spec = util.find_spec(name)
    roots = spec.submodule_search_locations if spec is not None else None
    return [Path(root) / inside for root in roots or ()]


def require(library: str, version: str, floor: tuple[int, int]) -> None:
    """Check that a library is not older than `floor`.

    Args:
        library: its name for pip.
        version: as it says itself, such as "2.14.1+cu130".
        floor: the first two numbers of the oldest version.

    Raises:
        LibraryError: it is older; the message says how to replace it.
    """
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is not None and (int(found[1]), int(found[2])) < floor:
        oldest = ".".join(map(str, floor))
        raise LibraryError(
            f"{library} {version} has known holes in what reads files; pip install --upgrade '{library}>={oldest}'"
        )
