"""The source distribution holds what its own tests read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_all_that_tests_read_of_the_tree_is_in_the_source_distribution():
    included = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["sdist"]
    read = {
        name
        for file in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r'\bROOT / "([^"]+)"', file.read_text("utf-8"))
    }
    assert {"README.md", "requirements-ci.txt"} <= read
    of_itself = {"pyproject.toml", ".gitignore"}  # which hatchling always puts in
    assert read - of_itself <= set(included["include"])
