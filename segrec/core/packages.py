"""Packages that only some of segrec needs, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from segrec.core.errors import LibraryError


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
