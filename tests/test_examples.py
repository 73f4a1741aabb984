"""The notebooks in examples/ run from their first cell to their last, and are kept without outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SAID = {
    "read_words": ("truth:", "image/png"),
    "mask_channel": ("masked", "control"),
    "edit_picture": ("of the pixels are text", "image/png"),
}
"""What must stand in the outputs of each."""


def test_there_is_something_to_expect_of_each_notebook():
    assert [path.stem for path in NOTEBOOKS] == sorted(SAID)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_as_it_was_before_it_ran(path):
    content = json.loads(path.read_text("utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert code and all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    nbformat.validate(content)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))  # of the kernel, which starts in an empty folder
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    notebook: Any = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=1200, kernel_name="python3", resources=resources).execute()
    outputs = json.dumps([cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"])
    assert all(text in outputs for text in SAID[path.stem])
