"""Exported recognizers give what PyTorch gives, whatever the batch and the width."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_aster import small_aster
from small_dtrb import small_trba, small_vgg, small_words

from recognizers import CRNN, InputSpec, load_pretrained, save_recognizer, widen_input
from recognizers.decoding import read_logits
from recognizers.onnx_predictor import OnnxRecognizer
from recognizers.preprocess import normalise
from segrec.core.errors import ConfigError, TrainingError
from segrec.core.onnx_runtime import OnnxNetwork
from segrec.jobs import export, export_check
from segrec.jobs.export import export_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

WIDTHS = (4, 6, 8, 8, 10, 10, 12)


def small_crnn(**changes: Any) -> CRNN:
    """Return a CRNN whose BatchNorms have seen pictures and whose logits differ from frame to frame."""
    torch.manual_seed(3)
    model = CRNN(widths=WIDTHS, hidden=8, **changes).train()
    with torch.no_grad():
        for _ in range(20):
            model(torch.rand(4, model.input_spec.channels, 32, 100) * 2 - 1)
        for layer in (0, 1):
            for weight in model.get_submodule(f"rnn.{layer}.rnn").parameters():
                weight.normal_(0, 1)
        model.get_submodule("rnn.1.embedding").weight *= 10
    return model.eval()


def lively_vgg() -> torch.nn.Module:
    """Return a network whose logits differ from word to word."""
    model = small_vgg().train()
    with torch.no_grad():
        for seed in range(20):
            model(small_words(8, seed=seed))
        for weight in [*model.SequenceModeling.parameters(), model.Prediction.weight]:
            weight.normal_(0, 1)
    return model.eval()


def heard_stream(plain: torch.nn.Module, stack: str) -> torch.nn.Module:
    """Return a network that a mask joins by a stream, as training would leave it."""
    model = widen_input(plain, fusion="stream")
    torch.nn.init.normal_(model.get_submodule(f"{stack}.fusion.join").weight, std=0.1)
    return model


MODELS = {
    "crnn": small_crnn,
    "crnn-mask": lambda: widen_input(small_crnn(), "luma"),
    "crnn-random": lambda: widen_input(small_crnn(), generator=torch.Generator().manual_seed(1)),
    "crnn-adapter": lambda: widen_input(small_crnn(), fusion="adapter"),
    "crnn-stream": lambda: heard_stream(small_crnn(), "cnn"),
    "crnn-ratio": lambda: small_crnn(input_spec=InputSpec(mean=127, deviation=127, keep_ratio=True)),
    "vgg": lively_vgg,
    "aster": small_aster,
    "aster-mask": lambda: widen_input(small_aster(), "zero-mask"),
    "aster-stream": lambda: heard_stream(small_aster(), "encoder"),
    "trba": small_trba,
}


def exported(model: torch.nn.Module, folder: Path) -> tuple[Any, Path]:
    """Return the network as its weights file gives it, and its `.onnx` file."""
    save_recognizer(folder / "weights.safetensors", model)
    return load_pretrained(folder / "weights.safetensors"), export_onnx(
        folder / "weights.safetensors", folder / "model.onnx"
    ).output


def pixels(words: int, channels: int, height: int, width: int) -> np.ndarray:
    """Return (words, channels, height, width) uint8 smooth pictures."""
    coarse = torch.rand(words, channels, 4, 12, generator=torch.Generator().manual_seed(words))
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=True)
    return (smooth * 255).byte().numpy()


@pytest.mark.parametrize("name", MODELS)
def test_logits_and_texts_are_those_of_pytorch(name, tmp_path):
    model, file = exported(MODELS[name](), tmp_path)
    network, spec = OnnxNetwork(file, threads=1), model.input_spec
    widths = (spec.width,) if model.charset.is_attention else (spec.width, 60, 164)
    for words, width in [(1, widths[0]), (5, widths[-1]), (2, widths[len(widths) // 2])]:
        batch = pixels(words, spec.channels, spec.height, width)
        with torch.inference_mode():
            expected = model(normalise(torch.from_numpy(batch), spec)).numpy()
        (found,) = network.run(batch)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-3)
        read = [reading.text for reading in read_logits(found, model.charset)]
        assert read == [reading.text for reading in read_logits(expected, model.charset)]
        assert words == 1 or np.ptp(found, axis=0).max() > 0.01, "logits that are all alike show nothing"


@pytest.mark.parametrize(("model", "size"), [(small_aster(), (3, 32, 64)), (small_trba(), (1, 32, 100))])
def test_an_attention_decoder_stops_with_the_last_word_and_at_its_bound(model, size, tmp_path):
    with torch.no_grad():
        head = model.Prediction.generator if hasattr(model, "Prediction") else model.decoder.decoder.fc
        head.bias[model.charset.end] += 2 if size[0] == 3 else 1  # some words end soon, some at the bound
    model, file = exported(model, tmp_path)
    network, steps = OnnxNetwork(file, threads=1), set()
    for word in range(12):
        batch = pixels(12, *size)[word : word + 1]
        with torch.inference_mode():
            expected = model(normalise(torch.from_numpy(batch), model.input_spec))
        (found,) = network.run(batch)
        assert found.shape == tuple(expected.shape)
        steps.add(found.shape[1])
    assert max(steps) == model.max_length and len(steps) > 2


def test_the_file_says_what_it_takes(tmp_path):
    model, file = exported(widen_input(small_crnn(), "luma"), tmp_path)
    settings = json.loads(OnnxNetwork(file).metadata["segrec"])
    assert (settings["version"], settings["kind"], settings["architecture"]) == (1, "recognizer", "crnn")
    assert settings["charset"] == model.charset.characters and settings["charset_kind"] == "ctc"
    assert InputSpec(**settings["input"]) == model.input_spec
    assert settings["normalisation"] == (
        "in the graph: feed uint8, 0..255; (x - 127.5) / 127.5 of colours; x / 255 of the mask, the last channel"
    )
    assert settings["padding"] == "none: height 32, width 100, stretched"
    assert settings["weights"]["name"] == "weights" and len(settings["weights"]["digest"]) == 64
    reader = OnnxRecognizer(file)
    assert reader.needs_mask and reader.charset == model.charset


def rounded(file: Path, target: Path) -> Path:
    """Write a network again with its large tensors rounded to float16 and back, and return the new file."""
    import onnx

    network = onnx.load(file)
    for tensor in network.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= 256:
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16).astype(np.float32), tensor.name))
    target.write_bytes(network.SerializeToString())
    return target


@pytest.mark.parametrize("name", ["crnn-mask", "aster"])
def test_half_weights_compute_to_the_bit_as_the_same_weights_in_float32(name, tmp_path, monkeypatch):
    import onnx

    model, file = exported(MODELS[name](), tmp_path)
    # rounding changes the texts of random weights
    monkeypatch.setattr(export, "compare_with_torch", lambda *_, **__: (0.0, 0))
    half = export_onnx(tmp_path / "weights.safetensors", tmp_path / "half.onnx", half_weights=True)
    assert half.size < 0.8 * file.stat().st_size
    kinds = {tensor.data_type for tensor in onnx.load(half.output).graph.initializer if np.prod(tensor.dims) >= 256}
    assert kinds == {onnx.TensorProto.FLOAT16}
    batch = pixels(3, model.input_spec.channels, model.input_spec.height, model.input_spec.width)
    plain, once, kept = (
        OnnxNetwork(path, threads=1).run(batch)[0]
        for path in (file, rounded(file, tmp_path / "rounded.onnx"), half.output)
    )
    assert np.array_equal(once, kept) and not np.array_equal(plain, kept)
    assert OnnxRecognizer(half.output).charset == model.charset


def test_weights_too_large_for_float16_are_refused(tmp_path):
    model = small_crnn()
    with torch.no_grad():
        model.get_submodule("cnn.conv3").weight[0, 0, 0, 0] = 7e4
    save_recognizer(tmp_path / "weights.safetensors", model)
    with pytest.raises(ConfigError, match=r"conv3\.weight holds values too large for float16; export without half"):
        export_onnx(tmp_path / "weights.safetensors", tmp_path / "half.onnx", half_weights=True)
    assert not (tmp_path / "half.onnx").exists()


def test_half_weights_that_change_the_values_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(export_check, "HALF_TOLERANCE", 0.0)
    save_recognizer(tmp_path / "weights.safetensors", small_crnn())
    with pytest.raises(TrainingError, match=r"differs from PyTorch .*; export without half weights"):
        export_onnx(tmp_path / "weights.safetensors", tmp_path / "half.onnx", half_weights=True)
    assert not (tmp_path / "half.onnx").exists()


def test_two_decoders_are_refused(tmp_path):
    save_recognizer(tmp_path / "both.safetensors", small_aster(bidirectional=True))
    with pytest.raises(ConfigError, match="an ASTER with two decoders cannot be exported"):
        export_onnx(tmp_path / "both.safetensors", tmp_path / "both.onnx")
    assert not (tmp_path / "both.onnx").exists()


def test_a_file_that_differs_from_pytorch_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(export_check, "TOLERANCE", 0.0)
    save_recognizer(tmp_path / "weights.safetensors", small_crnn())
    for before in (None, b"an older file"):
        if before is not None:
            (tmp_path / "model.onnx").write_bytes(before)
        with pytest.raises(TrainingError, match="the exported network differs from PyTorch"):
            export_onnx(tmp_path / "weights.safetensors", tmp_path / "model.onnx")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx"] * (before is not None) + [
            "weights.safetensors"
        ]
    assert (tmp_path / "model.onnx").read_bytes() == b"an older file"


def test_torch_export_takes_an_attention_recognizer():
    model = small_aster()
    images = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(4)) * 2 - 1
    program = torch.export.export(model, (images,), strict=False)
    with torch.no_grad():
        written, whole = model(images), program.module()(images)
    assert whole.shape[1] == model.max_length
    torch.testing.assert_close(whole[:, : written.shape[1]], written, atol=1e-4, rtol=1e-4)
