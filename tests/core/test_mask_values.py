"""The values of mask pixels stand once."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("segrec", "segmenter", "recognizers")


def test_no_file_but_one_gives_the_value_of_pixels_to_ignore_a_name():
    named = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assign) and "IGNORE" in ast.unparse(node.targets[0]).upper()
        if any(isinstance(part, ast.Constant) and part.value == 128 for part in ast.walk(node.value))
    ]
    assert named == ["segrec/core/mask_values.py"]
