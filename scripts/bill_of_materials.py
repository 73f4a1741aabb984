"""Write which packages this environment runs segrec with, as a CycloneDX bill of materials: `python ... FILE.json`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from segrec import __version__
from segrec.core.files import write_json

SPECIFICATION = "1.5"
ROOT = "segrec"
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?[^;]*(?:;(.*))?")


def bill_of_materials(root: str = ROOT) -> dict[str, Any]:
    """Return the bill of a distribution: it and all installed ones that it needs, with version and licence, by name.

    Requirements of extras are listed where they are installed.
    """
    found: dict[str, Distribution] = {}
    needs: dict[str, list[str]] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name in needs:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            needs[name] = []
            continue
        needs[name] = sorted(set(_required(found[name])))
        waiting += needs[name]
    installed = sorted(found)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {"component": {"type": "application", "name": ROOT, "version": __version__, "bom-ref": ROOT}},
        "components": [_component(name, found[name]) for name in installed if name != root],
        "dependencies": [
            {"ref": name, "dependsOn": [need for need in needs[name] if need in found]} for name in installed
        ],
    }


def _required(package: Distribution) -> Iterator[str]:
    for requirement in package.requires or []:
        match = _REQUIREMENT.match(requirement)
        if match is not None:
            yield re.sub(r"[-_.]+", "-", match[1]).lower()


def _component(name: str, package: Distribution) -> dict[str, Any]:
    about = package.metadata
    licence = about.get("License-Expression") or about.get("License") or "unknown"
    return {
        "type": "library",
        "bom-ref": name,
        "name": name,
        "version": package.version,
        "purl": f"pkg:pypi/{name}@{package.version}",
        "licenses": [{"license": {"name": licence.splitlines()[0][:100]}}],
    }


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "build/bom.json")
    write_json(target, bill_of_materials())
    print(target)
