"""Networks in ONNX are read as a whole, or not at all where they name other files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segrec.core import onnx_fields
from segrec.core.errors import CheckpointError
from segrec.core.onnx_fields import names_other_files, read_network
from segrec.core.onnx_runtime import OnnxNetwork
from segrec.weights import SEGMENTER, resolve_onnx

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def product(factor: Any, *nodes: Any) -> Any:
    """Return a network that multiplies its input by a tensor, with other nodes before."""
    described = [onnx.helper.make_tensor_value_info(name, 1, [3]) for name in "xy"]
    multiplied = onnx.helper.make_node("Mul", ["x", "factor"], ["y"])
    graph = onnx.helper.make_graph([*nodes, multiplied], "product", described[:1], described[1:], [factor])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def tensor(name: str = "factor", *, elsewhere: str | None = None) -> Any:
    made = onnx.numpy_helper.from_array(np.array([1, 2, 3], np.float32), name)
    if elsewhere is not None:
        made.ClearField("raw_data")
        made.data_location = onnx.TensorProto.EXTERNAL
        entry = made.external_data.add()
        entry.key, entry.value = "location", elsewhere
    return made


def constant(value: Any) -> Any:
    return onnx.helper.make_node("Constant", [], ["unused"], value=value)


def branch(value: Any) -> Any:
    """Return a node that holds a graph which holds a constant."""
    output = onnx.helper.make_tensor_value_info("unused", 1, [3])
    inner = onnx.helper.make_graph([constant(value)], "inner", [], [output])
    return onnx.helper.make_node("If", ["x"], ["chosen"], then_branch=inner, else_branch=inner)


def test_a_network_of_one_file_runs(tmp_path: Path):
    onnx.save(product(tensor()), tmp_path / "whole.onnx")
    (found,) = OnnxNetwork(tmp_path / "whole.onnx").run(np.ones(3, np.float32))
    assert found.tolist() == [1, 2, 3]
    assert not names_other_files(resolve_onnx(SEGMENTER).read_bytes())


@pytest.mark.parametrize(
    "made",
    [
        lambda outside: product(outside),
        lambda outside: product(tensor(), constant(outside)),
        lambda outside: product(tensor(), branch(outside)),
    ],
    ids=["weights", "a constant", "a constant of a branch"],
)
def test_numbers_in_other_files_are_refused_with_the_remedy(made: Callable[[Any], Any], tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numbers").write_bytes(np.ones(3, np.float32).tobytes())
    file = tmp_path / "split.onnx"
    file.write_bytes(made(tensor(elsewhere="numbers")).SerializeToString())
    with pytest.raises(
        CheckpointError, match=r"has its weights in other files, .*save_as_external_data=False"
    ) as error:
        OnnxNetwork(file)
    assert "\n" not in str(error.value)


def test_bits_that_readers_leave_out_hide_no_field():
    content = product(tensor(elsewhere="numbers")).SerializeToString()
    graph = bytes([7 << 3 | 2])
    hidden = content.replace(graph, bytes([graph[0] | 128, 128, 128, 128, 16]), 1)  # and bit 32
    assert hidden != content and names_other_files(content) and names_other_files(hidden)


def test_what_is_too_large_damaged_or_missing_is_refused_in_one_line(tmp_path: Path, monkeypatch):
    with open(tmp_path / "sparse.onnx", "wb") as file:
        file.truncate(2**40)
    with pytest.raises(CheckpointError, match="more than the 536,870,912 that are read"):
        read_network(tmp_path / "sparse.onnx")
    content = resolve_onnx(SEGMENTER).read_bytes()
    for name, odd in {"cut": content[:1000], "text": b"no network", "bits": b"\xff" * 30}.items():
        (tmp_path / name).write_bytes(odd)
        with pytest.raises(CheckpointError, match=r"is not a readable \.onnx file \(it is .*\); copy it again"):
            read_network(tmp_path / name)
    with pytest.raises(CheckpointError, match="no weights file at"):
        read_network(tmp_path / "absent.onnx")
    monkeypatch.setattr(onnx_fields, "MOST_FIELDS", 100)
    with pytest.raises(CheckpointError, match="more than 100 fields"):
        read_network(resolve_onnx(SEGMENTER))
