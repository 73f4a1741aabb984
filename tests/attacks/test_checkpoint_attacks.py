"""Weights of strangers: whatever they ask for, they get one line, little memory and little time."""

from __future__ import annotations

from pathlib import Path

import hostile_checkpoints as hostile
import hostile_networks as networks
import pytest
from attacked import answers, assert_refused


def test_no_public_checkpoint_takes_more_than_it_holds(tmp_path: Path):
    files = {}
    for number, (name, make) in enumerate(hostile.PUBLIC.items()):
        (tmp_path / str(number)).mkdir()
        files[name] = make(tmp_path / str(number) / "model.pth")
    attempts = {f"info {name}": ["info", file] for name, file in files.items()}
    convert = ["convert", "--drop-objects", "--output", tmp_path / "out.safetensors"]
    attempts |= {f"convert {name}": [*convert, file] for name, file in files.items()}
    found = answers("public checkpoints", attempts, tmp_path)
    only_told_by_a_forward_pass = found.pop("convert negative_variance")
    assert only_told_by_a_forward_pass.code == 0
    assert_refused(found)
    assert "no finite numbers" in found["info negative_variance"].err
    assert "again and again" in found["info stride_zero"].err
    assert "compressed" in found["info deflated"].err
    for kind in ("int8", "float8_e4m3fn", "bool", "complex64"):
        assert f"cnn.conv3.weight as {kind}" in found[f"info {kind} weights"].err, kind


def test_no_network_in_onnx_takes_more_than_it_holds(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    files = {}
    for number, (name, make) in enumerate(networks.NETWORKS.items()):
        (tmp_path / str(number)).mkdir()
        files[name] = make(tmp_path / str(number) / "model.onnx")
    files["sound"] = networks.written(networks.SOUND)(tmp_path / "sound.onnx")
    found = answers("networks in ONNX", {name: ["info", file] for name, file in files.items()}, tmp_path)
    assert found.pop("sound").code == 0
    assert_refused(found)
    for name in ("outside", "a device", "memory of the process"):
        assert "has its weights in other files, which are not opened" in found[name].err, name


def test_no_header_of_a_weights_file_is_believed(tmp_path: Path):
    files = hostile.headers(tmp_path)
    found = answers("weights headers", {name: ["info", file] for name, file in files.items()}, tmp_path)
    assert_refused(found)
    assert "upgrade segrec" in found["version 2"].err


def test_no_configuration_makes_a_network_of_impossible_sizes(tmp_path: Path):
    attempts = {}
    for number, (name, (architecture, config)) in enumerate(hostile.configurations().items()):
        attempts[name] = ["info", hostile.configured(tmp_path / f"{number}.safetensors", architecture, config)]
    found = answers("configurations", attempts, tmp_path)
    assert_refused(found)
    assert all("loads: no" in answer.out for answer in found.values())
