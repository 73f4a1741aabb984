"""Promises of the segmenter's weights files and package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import segmenter
from segmenter.choices import PRESETS
from segmenter.loading import load_segmenter, save_segmenter
from segmenter.network import MutuallyGuidedNet
from segrec.core.checkpoint import WeightsHeader, load_weights, save_weights
from segrec.core.errors import CheckpointError


def test_a_saved_network_comes_back_with_its_outputs_and_working_height(tmp_path: Path):
    torch.manual_seed(0)
    model = MutuallyGuidedNet(width=2, skips=True, working_height=32).eval()
    save_segmenter(tmp_path / "net.safetensors", model, notes={"data": "rendered"})
    again = load_segmenter(tmp_path / "net.safetensors")
    images = torch.rand(1, 3, 32, 32)
    assert not again.training and again.working_height == 32 and again.config() == model.config()
    assert torch.equal(again.text_mask(images), model.text_mask(images))
    assert load_weights(tmp_path / "net.safetensors")[1].notes == {"data": "rendered"}


def test_the_slim_preset_in_float16_stays_below_four_million_bytes(tmp_path: Path):
    save_segmenter(tmp_path / "slim.safetensors", MutuallyGuidedNet(**PRESETS["mgnet-slim"]), half=True)
    assert (tmp_path / "slim.safetensors").stat().st_size < 4_000_000
    loaded = load_segmenter(tmp_path / "slim.safetensors")
    assert all(p.dtype == torch.float32 for p in loaded.parameters())


@pytest.mark.parametrize("separate", [False, True])
def test_a_lean_file_gives_the_same_masks_and_a_guidance_that_can_be_trained(tmp_path: Path, separate: bool):
    torch.manual_seed(0)
    model = MutuallyGuidedNet(width=2, skips=True, passes=1, separate_guidance=separate).eval()
    for name, lean in (("whole", False), ("lean", True)):
        save_segmenter(tmp_path / f"{name}.safetensors", model, lean=lean)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("lean", "whole")]
    assert sizes[0] < 0.8 * sizes[1]
    first, again = (load_segmenter(tmp_path / "lean.safetensors") for _ in range(2))
    state, images = first.state_dict(), torch.rand(1, 3, 32, 32)
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in state.items()), "always alike"
    assert torch.equal(first.text_mask(images), model.text_mask(images))
    assert state["text_guidance.blocks.1.0.weight"].std() == pytest.approx(
        float(model.state_dict()["text_guidance.blocks.1.0.weight"].std()), rel=0.3
    )
    first.train()(images).text2.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in first.text_guidance.parameters())


def test_only_a_network_of_one_pass_is_stored_lean_and_such_a_file_may_lack_nothing_else(tmp_path: Path):
    model = MutuallyGuidedNet(width=2)
    with pytest.raises(ValueError, match="a network of 2 passes needs its guidance"):
        save_segmenter(tmp_path / "lean.safetensors", model, lean=True)
    state = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("text_guidance.")}
    for name, config, left_out in (("guided", {}, None), ("less", {"passes": 1}, "encoder.blocks.0.0.weight")):
        header = WeightsHeader("mgnet", {"width": 2, **config})
        kept = {key: tensor for key, tensor in state.items() if key != left_out}
        save_weights(tmp_path / f"{name}.safetensors", kept, header)
        with pytest.raises(CheckpointError, match=r"own header: .*Missing key"):
            load_segmenter(tmp_path / f"{name}.safetensors")


def test_other_files_are_refused_in_one_line(tmp_path: Path):
    state = MutuallyGuidedNet(width=2).state_dict()
    cases = {
        "crnn": (WeightsHeader("crnn", {}), state, "holds a model of architecture 'crnn', not a segmenter"),
        "option": (WeightsHeader("mgnet", {"depth": 3}), state, "has a header that no segmenter fits: .*'depth'"),
        "huge": (WeightsHeader("mgnet", {"width": 2**40}), state, "has a header that no segmenter fits"),
        "list": (WeightsHeader("mgnet", ["width"]), state, "has a damaged header"),  # type: ignore[arg-type]
        "wide": (
            WeightsHeader("mgnet", {"width": 4}),
            state,
            "does not fit the network of its own header: .*size mismatch",
        ),
        "short": (WeightsHeader("mgnet", {"width": 2}), dict(list(state.items())[3:]), "own header: .*Missing key"),
    }
    for name, (header, tensors, message) in cases.items():
        save_weights(tmp_path / f"{name}.safetensors", tensors, header)
        with pytest.raises(CheckpointError, match=message) as caught:
            load_segmenter(tmp_path / f"{name}.safetensors")
        assert "\n" not in str(caught.value) and name in str(caught.value)
    with pytest.raises(CheckpointError, match="no weights file"):
        load_segmenter(tmp_path / "absent.safetensors")


def test_every_public_name_resolves_and_the_package_imports_no_torch():
    assert sorted(segmenter.__all__) == dir(segmenter)
    for name in segmenter.__all__:
        assert getattr(segmenter, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        segmenter.absent  # noqa: B018
    code = "import sys, segmenter; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
