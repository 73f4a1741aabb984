"""Widening recognizers with a rectifier: one grid for all channels, and a localiser that need not see the mask."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from crnn_states import small_state
from small_aster import small_aster, small_images
from torch import nn

from recognizers import (
    InputSpec,
    WordBatch,
    freeze_all_but_input,
    input_layers,
    load_pretrained,
    save_recognizer,
    train_input_mode,
    widen_input,
)
from recognizers.dtrb import Trba, VggBiLstmCtc
from recognizers.training import recognition_loss

BACKBONE, LOCALISER = "encoder.layer0.0", "stn_head.stn_convnet.0.0"
LUMA = torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
TARGETS = torch.tensor([[0, 1, 2, 4], [3, 4, 5, 5], [2, 2, 4, 5]])


def masks(kind: str) -> torch.Tensor:
    if kind == "random":
        return torch.rand(3, 1, 32, 64, generator=torch.Generator().manual_seed(5)).round()
    return torch.full((3, 1, 32, 64), {"zero": 0.0, "one": 1.0}[kind])


def masked(images: torch.Tensor, kind: str = "random") -> torch.Tensor:
    return torch.cat((images, masks(kind)), dim=1)


@cache
@torch.inference_mode(False)
def aster(color: str) -> nn.Module:
    """Return one small network for all tests, which only change widened copies of it."""
    return small_aster(input_spec=InputSpec(height=32, width=64, color=color))


def benchmark_network(architecture: type[nn.Module]) -> nn.Module:
    """Return a narrow network of the benchmark whose localiser, if it has one, looks at the picture."""
    sizes = {"widths": (4, 4, 4, 8, 8, 8), "localiser_widths": (4, 4, 4, 8), "points": 6, "max_length": 5}
    torch.manual_seed(0)
    network = architecture(hidden=8, **(sizes if architecture is Trba else {"widths": (4, 4, 8, 8, 8, 8, 8)})).eval()
    if network.rectifier_layer:
        nn.init.normal_(network.Transformation.LocalizationNetwork.localization_fc2.weight, 0, 0.1)
    return network


def sees_mask(model: torch.nn.Module) -> bool:
    """Whether another mask moves the control points."""
    images = small_images()
    return not torch.equal(
        model.rectify(masked(images, "zero")).control_points, model.rectify(masked(images)).control_points
    )


@pytest.mark.parametrize("kind", ["zero", "one", "random"])
@torch.inference_mode()
def test_a_mask_of_weight_zero_leaves_control_points_bit_equal_and_the_logits_as_they_were(kind):
    plain, images = aster("rgb"), small_images()
    wide = widen_input(plain, "zero-mask")
    before, after = plain.inspect(images), wide.inspect(masked(images, kind))
    assert torch.equal(before.control_points, after.control_points)
    assert before.logits.std() > 0.5 and (before.logits - after.logits).abs().max() < 3e-5
    assert (wide(masked(images, kind), TARGETS) - plain(images, TARGETS)).abs().max() < 3e-5
    assert plain.rectify(images).control_points.std(dim=0).max() > 1e-3, "each picture has its own points"


@torch.inference_mode()
def test_one_grid_warps_the_mask_as_it_warps_the_colours():
    images = small_images()
    rectified = widen_input(aster("rgb"), "zero-mask").rectify(torch.cat((images, images[:, :1]), dim=1)).images
    assert torch.equal(rectified[:, 3], rectified[:, 0]) and not torch.equal(rectified[:, 3], rectified[:, 1])


@pytest.mark.parametrize("mask_in_rectifier", [False, True])
@torch.inference_mode()
def test_grey_weights_give_the_logits_of_the_grey_picture_with_either_localiser(mask_in_rectifier):
    plain, images = aster("grey"), small_images()
    wide = widen_input(plain, "luma", mask_in_rectifier=mask_in_rectifier)
    expected = plain.inspect((images * LUMA).sum(dim=1, keepdim=True))
    found = wide.inspect(masked(images))
    assert (found.control_points - expected.control_points).abs().max() < 1e-6
    assert (found.logits - expected.logits).abs().max() < 3e-5
    assert wide.get_submodule(LOCALISER).in_channels == (4 if mask_in_rectifier else 1)


@torch.inference_mode()
def test_the_localiser_takes_the_mask_where_it_is_asked_to_and_nowhere_else():
    plain, images = aster("rgb"), small_images()
    default, both = (widen_input(plain, "zero-mask", mask_in_rectifier=wanted) for wanted in (False, True))
    assert input_layers(plain) == input_layers(default) == (BACKBONE,)
    assert input_layers(both) == (BACKBONE, LOCALISER) and both.mask_in_rectifier and not default.mask_in_rectifier
    assert (both.inspect(masked(images)).logits - plain.inspect(images).logits).abs().max() < 3e-5
    assert not sees_mask(default) and not sees_mask(both), "the mask weighs nothing yet"
    both.get_submodule(LOCALISER).weight[:, 3] += 0.5
    assert sees_mask(both)
    drawn = widen_input(plain, "random", generator=torch.Generator().manual_seed(1))
    assert torch.equal(drawn.get_submodule(LOCALISER).weight, plain.get_submodule(LOCALISER).weight)
    assert not sees_mask(drawn) and sees_mask(widen_input(plain, "random", mask_in_rectifier=True))


def test_no_rectifier_no_mask_in_it():
    with pytest.raises(ValueError, match="CRNN has no rectifier: leave mask_in_rectifier out"):
        widen_input(load_pretrained(small_state()), "luma", mask_in_rectifier=True)


@pytest.mark.parametrize("mask_in_rectifier", [False, True])
@pytest.mark.parametrize("color", ["rgb", "grey"])
def test_a_widened_recognizer_survives_its_file(tmp_path, color, mask_in_rectifier):
    wide = widen_input(aster(color), "zero-mask", mask_in_rectifier=mask_in_rectifier)
    with torch.no_grad():
        for layer in input_layers(wide):
            wide.get_submodule(layer).weight[:, -1] += 0.5
    save_recognizer(tmp_path / "wide.safetensors", wide)
    loaded = load_pretrained(tmp_path / "wide.safetensors")
    assert input_layers(loaded) == input_layers(wide) and loaded.input_spec == wide.input_spec
    with torch.inference_mode():
        assert torch.equal(loaded(masked(small_images())), wide(masked(small_images())))
        assert sees_mask(loaded) == mask_in_rectifier


@pytest.mark.parametrize(("architecture", "wanted"), [(VggBiLstmCtc, False), (Trba, False), (Trba, True)])
@torch.inference_mode()
def test_the_benchmarks_grey_networks_give_the_logits_of_the_grey_picture_also_when_rebuilt(architecture, wanted):
    plain = benchmark_network(architecture)
    wide = widen_input(plain, "luma", mask_in_rectifier=wanted)
    rebuilt = architecture.from_config(wide.config()).eval()
    rebuilt.load_state_dict(wide.state_dict())
    images = torch.rand(3, 3, 32, 100) * 2 - 1
    logits = plain((images * LUMA).sum(dim=1, keepdim=True))
    for model in (wide, rebuilt):
        assert (model(torch.cat((images, torch.rand(3, 1, 32, 100).round()), dim=1)) - logits).abs().max() < 3e-5
        assert input_layers(model) == (plain.input_layer, *([plain.rectifier_layer] if wanted else []))


@pytest.mark.parametrize("mask_in_rectifier", [False, True])
def test_frozen_steps_move_the_widened_layers_and_leave_every_other_tensor_bit_identical(mask_in_rectifier):
    wide = widen_input(aster("rgb"), "zero-mask", mask_in_rectifier=mask_in_rectifier)
    names = freeze_all_but_input(wide)
    expected = [f"{BACKBONE}.weight"] + [f"{LOCALISER}.{part}" for part in ("weight", "bias") if mask_in_rectifier]
    assert sorted(names) == sorted(expected)
    before = copy.deepcopy(wide.state_dict())
    optimizer = torch.optim.AdamW([p for p in wide.parameters() if p.requires_grad], lr=1e-2)
    pictures = torch.randint(0, 256, (3, 4, 32, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    batch = WordBatch(pictures, torch.tensor([0, 1, 2, 3, 1]), torch.tensor([3, 1, 1]))
    for _ in range(2):
        train_input_mode(wide)
        optimizer.zero_grad()
        recognition_loss(wide, batch, device=torch.device("cpu"))["loss"].backward()
        optimizer.step()
    changed = {name for name, tensor in wide.state_dict().items() if not torch.equal(before[name], tensor)}
    assert changed == set(expected)
    assert all(wide.get_submodule(layer).weight[:, 3].abs().sum() > 0 for layer in input_layers(wide))
