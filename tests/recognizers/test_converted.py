"""Recognizers that come in ONNX become networks that are widened, trained, stored and exported as others."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx2torch")
pytest.importorskip("onnxruntime")

import onnx
import onnxruntime
import torch
from small_ppocr import CHARACTERS, write_small_ppocr

from recognizers import Charset, load_pretrained, save_recognizer, widen_input
from recognizers.converted import _converted as converted
from recognizers.onnx_graph import graph_from_text, graph_to_text, plain_graph
from segrec.core.checkpoint import load_weights, read_header, save_weights
from segrec.core.errors import CheckpointError, LibraryError
from segrec.core.onnx_runtime import OnnxNetwork
from segrec.jobs.export import export_onnx
from segrec.weights import SEGMENTER, resolve_onnx


@pytest.fixture(scope="module", params=[False, True], ids=["version 6", "version 4"])
def file(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The tiny recognizer, with weights as the file's versions have them; tests must not change it."""
    return write_small_ppocr(tmp_path_factory.mktemp("ppocr") / "small.onnx", constants=request.param)


@pytest.fixture
def model(file: Path) -> Any:
    """The same as a PyTorch network."""
    return load_pretrained(file)


def images(words: int, width: int, *, channels: int = 3) -> torch.Tensor:
    """Return (words, channels, 48, width) noise, colours in [-1, 1] and a mask in [0, 1]."""
    noise = torch.rand(words, channels, 48, width, generator=torch.Generator().manual_seed(width))
    return torch.cat((noise[:, :3] * 2 - 1, noise[:, 3:]), dim=1)


@pytest.mark.parametrize(("words", "width"), [(1, 96), (3, 48), (2, 130)])
def test_logits_are_those_of_onnxruntime(file, model, words, width):
    given = images(words, width)
    (expected,) = OnnxNetwork(file, threads=1).run(given.flip(1).numpy())
    with torch.inference_mode():
        found = model(given).softmax(dim=2).numpy()
    assert found.shape == expected.shape and np.ptp(expected, axis=1).max() > 0.05
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_characters_and_geometry_are_those_of_ppocr(model):
    assert model.charset == Charset(CHARACTERS + " ")
    spec = model.input_spec
    assert (spec.height, spec.color, spec.mask, spec.keep_ratio) == (48, "rgb", False, True)
    assert (spec.mean, spec.deviation) == (127.5, 127.5)


def test_the_report_says_that_the_first_layer_was_turned(model):
    report = model.load_report
    (conversion,) = report.converted
    assert conversion.names == (f"{model.input_layer}.weight",) and "blue first" in conversion.reason
    assert {*report.copied, *conversion.names} == set(model.state_dict())
    assert len(report.copied) == len(model.state_dict()) - 1
    assert "red first" in report.table()


@pytest.mark.parametrize("fusion", ["input", "adapter"])
def test_a_widened_network_starts_as_the_plain_one_and_is_built_again_from_its_file(model, tmp_path, fusion):
    wide = widen_input(model, "zero-mask", fusion=fusion)
    given = images(2, 96, channels=4)
    with torch.inference_mode():
        torch.testing.assert_close(wide(given), model(given[:, :3]))
    save_recognizer(tmp_path / "wide.safetensors", wide, parent="small", parent_digest="0")
    again: Any = load_pretrained(tmp_path / "wide.safetensors")
    with torch.inference_mode():
        assert torch.equal(again(given), wide(given))
    assert again.charset == model.charset and again.input_spec == wide.input_spec
    assert read_header(tmp_path / "wide.safetensors").parent == "small"


def test_the_header_holds_the_graph_without_its_weights(model):
    graph = graph_from_text(model.graph)
    assert graph_to_text(graph) == model.graph and json.dumps(model.config())
    floats = [tensor for tensor in graph.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    assert floats and all(not any(tensor.raw_data) for tensor in floats)


def test_all_weights_learn(model):
    model.train()
    frames = model(images(2, 96)).log_softmax(dim=2).transpose(0, 1)
    lengths = torch.tensor([2, 2])
    torch.nn.functional.ctc_loss(frames, torch.tensor([[1, 2], [3, 4]]), lengths + len(frames) - 2, lengths).backward()
    learned = dict(model.named_parameters())
    assert all(parameter.grad is not None for parameter in learned.values())
    weights = sum(parameter.numel() for parameter in learned.values())
    # first (whose norm the exporter made its bias), even, scale, mix, head
    assert weights == (162 + 6) + 150 + 6 + 42 + 7 * (len(CHARACTERS) + 2)


def test_it_is_exported_again_with_its_mask_channel(model, tmp_path):
    wide = widen_input(model, generator=torch.Generator().manual_seed(1))
    save_recognizer(tmp_path / "wide.safetensors", wide)
    exported = export_onnx(tmp_path / "wide.safetensors", tmp_path / "wide.onnx")
    assert exported.kind == "recognizer" and exported.difference < 1e-3 and exported.texts > 0
    settings = OnnxNetwork(exported.output).settings("recognizer")
    assert settings["charset"] == CHARACTERS + " " and settings["input"]["mask"]


def test_what_is_normalised_behind_a_reshape_by_the_picture_is_converted(tmp_path):
    helper, rng = onnx.helper, np.random.default_rng(0)
    shapes = {"first": (4, 3, 3, 3), "second": (5, 4, 1, 1), "scale": (5,), "shift": (5,), "mean": (5,), "spread": (5,)}
    weights = [
        onnx.numpy_helper.from_array(rng.uniform(0.5, 1, size).astype(np.float32), name)
        for name, size in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["maps"]),
        helper.make_node("Shape", ["maps"], ["sides"]),
        helper.make_node("Reshape", ["maps", "sides"], ["shaped"]),
        helper.make_node("Conv", ["shaped", "second"], ["more"]),
        helper.make_node("BatchNormalization", ["more", "scale", "shift", "mean", "spread"], ["y"]),
    ]
    given = helper.make_tensor_value_info("x", 1, ["n", 3, "height", "width"])
    graph = helper.make_graph(nodes, "g", [given], [helper.make_tensor_value_info("y", 1, None)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
    onnx.save(model, tmp_path / "reshaped.onnx")
    picture = images(2, 32)
    (expected,) = OnnxNetwork(tmp_path / "reshaped.onnx", threads=1).run(picture.numpy())
    with torch.inference_mode():
        found = converted(plain_graph(model, "it")).eval()(picture).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_names_of_a_file_do_not_reach_the_code_that_pytorch_writes(tmp_path):
    evil = 'x"), __import__("os").abort(), ("'
    model: Any = load_pretrained(write_small_ppocr(tmp_path / "evil.onnx", name=evil))
    assert "abort" not in model.network.code and "__import__" not in model.network.code
    assert all("abort" not in name for name, _ in model.named_modules())
    graph = graph_from_text(model.graph)
    graph.graph.node[0].name = evil
    assert graph_from_text(graph_to_text(graph)).graph.node[0].name == "conv_0"


def test_what_is_no_such_recognizer_is_refused_in_one_line(file, model, tmp_path):
    with pytest.raises(CheckpointError, match="pads automatically in a Conv with strides"):
        load_pretrained(write_small_ppocr(tmp_path / "strides.onnx", automatic=2))
    with pytest.raises(CheckpointError, match="has 12 classes, but its characters make 5; pass charset="):
        load_pretrained(write_small_ppocr(tmp_path / "few.onnx", characters="abc"))
    with pytest.raises(CheckpointError, match="names no characters in its metadata"):
        load_pretrained(write_small_ppocr(tmp_path / "none.onnx", characters=""))
    assert load_pretrained(tmp_path / "none.onnx", charset=CHARACTERS + " ").charset == model.charset
    (tmp_path / "bad.onnx").write_bytes(file.read_bytes()[:300])
    with pytest.raises(CheckpointError, match=r"is not a readable \.onnx file") as error:
        load_pretrained(tmp_path / "bad.onnx")
    assert "\n" not in str(error.value)
    with pytest.raises(CheckpointError, match="was written by segrec export; load the weights"):
        load_pretrained(resolve_onnx(SEGMENTER))
    other = Path(onnxruntime.__file__).parent / "datasets" / "mul_1.onnx"
    with pytest.raises(CheckpointError, match=r"takes an input of 2 dimensions, not pictures") as error:
        load_pretrained(other, charset="abc")
    assert "\n" not in str(error.value)
    elsewhere = {"save_as_external_data": True, "location": "w", "size_threshold": 0, "convert_attribute": True}
    onnx.save(onnx.load(file), tmp_path / "split.onnx", **elsewhere)
    with pytest.raises(CheckpointError, match="has its weights in other files"):
        load_pretrained(tmp_path / "split.onnx")
    with pytest.raises(CheckpointError, match="no weights file at"):
        load_pretrained(tmp_path / "absent.onnx")


def test_a_damaged_graph_in_a_header_is_refused_in_one_line(model, tmp_path):
    save_recognizer(tmp_path / "good.safetensors", model)
    state, header = load_weights(tmp_path / "good.safetensors")
    huge = graph_from_text(model.graph)
    huge.graph.initializer[0].dims[:] = [2**20, 2**20]
    for graph in ("", "!", model.graph[: len(model.graph) // 2], graph_to_text(huge)):
        header.config["graph"] = graph
        save_weights(tmp_path / "bad.safetensors", state, header)
        with pytest.raises(CheckpointError, match="header") as error:
            load_pretrained(tmp_path / "bad.safetensors")
        assert "\n" not in str(error.value)


def test_a_missing_package_is_named_with_the_command_that_mends_it(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx2torch", None)
    with pytest.raises(
        LibraryError, match=r"converted by onnx2torch, which is not installed; pip install 'segrec\[onnx\]'"
    ):
        load_pretrained(file)
