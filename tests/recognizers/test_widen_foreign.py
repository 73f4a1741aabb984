"""Widening networks of other projects, here torchvision's."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn
from torchvision.models import VisionTransformer
from torchvision.models.resnet import BasicBlock, ResNet

from recognizers import freeze_all_but_input, input_layers, train_input_mode, widen_input

EXAMPLE = Path(__file__).parents[2] / "scripts" / "widen_foreign.py"


class ResNetReader(ResNet):
    """torchvision's ResNet with an LSTM over its columns."""

    def __init__(self) -> None:
        super().__init__(BasicBlock, [1, 1, 1, 1])
        self.fc = nn.Linear(32, 6)
        self.lstm = nn.LSTM(256, 16, bidirectional=True, batch_first=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        columns = self.layer3(self.layer2(self.layer1(maps))).mean(dim=2).transpose(1, 2)
        return self.fc(self.lstm(columns)[0])


def example() -> ModuleType:
    """Return the script that users copy, not run."""
    spec = importlib.util.spec_from_file_location("widen_foreign", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vision_reader() -> nn.Module:
    return example().VisionReader(classes=6, length=4)


def vision_transformer() -> nn.Module:
    network = VisionTransformer(64, patch_size=16, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=16)
    network.heads = nn.Linear(16, 6)
    return network


READERS = [(vision_reader, "vision.conv_proj"), (vision_transformer, "conv_proj"), (ResNetReader, "conv1")]


@pytest.mark.parametrize(("build", "layer"), READERS)
def test_a_network_of_torchvision_keeps_its_logits_whatever_the_mask_and_trains_that_layer_only(
    build: Callable[[], nn.Module], layer: str
):
    torch.manual_seed(0)
    plain, images = build().eval(), torch.rand(2, 3, 64, 64) * 2 - 1
    wide = widen_input(plain, "zero-mask", layer=layer)
    inputs = [torch.cat((images, mask), dim=1) for mask in (torch.zeros(2, 1, 64, 64), torch.rand(2, 1, 64, 64))]
    with torch.inference_mode():
        expected = plain(images)
        assert expected.std() > 1e-3 and all((wide(given) - expected).abs().max() < 3e-5 for given in inputs)
    assert input_layers(wide) == (layer,)
    names, before = freeze_all_but_input(wide), copy.deepcopy(wide.state_dict())
    assert set(names) == {f"{layer}.{part}" for part, _ in plain.get_submodule(layer).named_parameters()}
    train_input_mode(wide)
    wide(inputs[1]).square().sum().backward()
    torch.optim.AdamW([p for p in wide.parameters() if p.requires_grad], lr=1e-2).step()
    changed = {name for name, tensor in wide.state_dict().items() if not torch.equal(before[name], tensor)}
    assert changed == set(names) and wide.get_parameter(f"{layer}.weight")[:, 3].abs().min() > 0


def test_the_example_prints_what_it_widened_and_what_it_trained(capsys):
    example().main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("widened vision.conv_proj: logits differ by ") and float(lines[0].split()[5]) < 3e-5
    assert lines[1] == "training vision.conv_proj.weight and vision.conv_proj.bias: 65600 of 136294 weights"
    assert float(lines[2].split()[-1]) > 0


class OwnConvolution(nn.Conv2d):
    """Stands for convolutions that standardise their weights or pad in their own way."""


def parametrised() -> nn.Module:
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)))


@pytest.mark.parametrize(
    ("conv", "message"),
    [
        (OwnConvolution(3, 4, 3), r"must be a plain Conv2d .*, got a OwnConvolution .*put a plain nn.Conv2d .*in its"),
        (parametrised()[0], r"must be a plain Conv2d .*, got a ParametrizedConv2d .*put a plain nn.Conv2d"),
        (nn.Conv2d(3, 6, 3, groups=3), r"must be an ungrouped Conv2d .*, got groups=3.*put an ungrouped one in its"),
        (nn.Conv2d(2, 4, 3), "must take 1 or 3 channels .*, it takes 2: name the layer that sees the image"),
        (nn.Conv2d(4, 4, 3), "must take 1 or 3 channels .*, it takes 4: it is widened already"),
        (nn.Conv1d(3, 4, 3), "must be a Conv2d to be widened, got Conv1d"),
    ],
)
def test_convolutions_that_a_mask_cannot_simply_join_are_refused_with_the_remedy(conv, message):
    model = nn.ModuleDict({"stem": conv})
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=message) as caught:
        widen_input(model, "zero-mask", layer="stem")
    assert "\n" not in str(caught.value) and "'stem'" in str(caught.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("layer", ["", [], ["0", "nowhere"]])
def test_a_layer_that_is_none_is_refused_by_naming_those_that_are(layer):
    with pytest.raises(ValueError, match=r"Sequential has .*; its first convolutions are \['0'\]"):
        widen_input(nn.Sequential(nn.Conv2d(3, 4, 3)), layer=layer)


def test_hooks_and_padding_of_the_convolution_stay_and_a_module_named_input_layer_is_no_name():
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.input_layer = nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular", bias=False)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.input_layer(images)

    plain, seen = Network().double(), []
    plain.input_layer.register_forward_hook(lambda module, given, result: seen.append(given[0].shape[1]))
    with pytest.raises(ValueError, match="names no input_layer: pass layer="):
        widen_input(plain)
    wide, images = widen_input(plain, "luma", layer="input_layer"), torch.rand(2, 3, 5, 6, dtype=torch.float64)
    grey = (images * torch.tensor([0.299, 0.587, 0.114]).double().reshape(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    assert torch.allclose(wide(torch.cat((images, images[:, :1]), dim=1)), plain(grey), atol=1e-7)
    assert seen == [4, 1]
