"""What a comparison of two checkouts says of their files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from segrec.core.checkpoint import WeightsHeader, save_weights
from segrec.data.words import WordWriter


def words(folder: Path, label: str) -> Path:
    with WordWriter(folder) as writer:
        writer.add(b"picture", "same")
        writer.add(b"picture", label)
    return folder / "data.mdb"


def weights(path: Path, value: float, architecture: str = "net") -> Path:
    tensors = {"a": torch.zeros(2), "b": torch.full((2,), value)}
    save_weights(path, tensors, WeightsHeader(architecture, {}))
    return path


def test_differences_are_named_by_record_tensor_or_header(tmp_path):
    from same_bytes import difference

    one, other = words(tmp_path / "one", "left"), words(tmp_path / "other", "right")
    assert difference(one, other) == "1 of 5 parts: label-000000002"
    first = weights(tmp_path / "first.safetensors", 1)
    assert difference(first, weights(tmp_path / "copy.safetensors", 1)) == ""
    assert "parts: b" in difference(first, weights(tmp_path / "second.safetensors", 2))
    assert "parts: header: architecture" in difference(first, weights(tmp_path / "third.safetensors", 1, "other"))


def test_a_file_that_one_side_lacks_is_named(tmp_path):
    from same_bytes import difference, files

    for side in ("before", "after"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "state.pt").touch()
    (tmp_path / "after" / "new.json").write_text("{}")
    assert files(tmp_path) == ["new.json"]
    assert "not in" in difference(tmp_path / "before" / "new.json", tmp_path / "after" / "new.json")


@pytest.mark.parametrize("name", ["words", "store", "run of crnn", "run of aster", "run of mgnet", "evaluation"])
def test_the_options_of_each_command_are_there(name):
    from same_bytes import COMMANDS

    from segrec.cli import root

    command, parts, known = root, list(COMMANDS[name]), None
    while hasattr(command, "get_command") and (known := command.get_command(None, parts[0])) is not None:
        command, parts = known, parts[1:]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {part for part in parts if part.startswith("--")} <= options
