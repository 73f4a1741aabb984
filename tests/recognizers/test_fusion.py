"""Masks fused beside plain weights: every architecture starts as the plain network and comes back from its file."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from small_aster import small_aster, small_images
from small_dtrb import small_trba, small_vgg, small_words
from torch import nn

from recognizers import (
    CRNN,
    InputSpec,
    freeze_all_but_input,
    input_layers,
    input_rates,
    load_pretrained,
    save_recognizer,
    widen_input,
)
from recognizers.fused_part import fused_part, fusion_of

RGB = InputSpec(color="rgb")
LUMA = torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)


def small_crnn(**changes: object) -> CRNN:
    torch.manual_seed(1)
    return CRNN(widths=(4, 4, 4, 4, 6, 6, 8), hidden=5, **changes).eval()


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "crnn-grey": small_crnn,
    "crnn-rgb": lambda: small_crnn(input_spec=RGB),
    "vgg": small_vgg,
    "trba-grey": small_trba,
    "trba-rgb": lambda: small_trba(input_spec=InputSpec(color="rgb", interpolation="bicubic")),
    "aster": small_aster,
    "aster-both": lambda: small_aster(bidirectional=True),
}
FUSIONS = ["adapter", "sft", "stream"]
WAYS = [
    (network, fusion)
    for network in NETWORKS
    for fusion in FUSIONS
    if fusion != "stream" or not network.startswith("trba")
]
"""What can be fused into what: TRBA's convolutions are not one stack and take no stream."""


def colours(model: nn.Module) -> torch.Tensor:
    return small_images() if model.input_spec.height * 2 == model.input_spec.width else small_words(channels=3)


def with_mask(images: torch.Tensor, seed: int = 3) -> torch.Tensor:
    mask = torch.rand(len(images), 1, *images.shape[2:], generator=torch.Generator().manual_seed(seed))
    return torch.cat((images, mask), dim=1)


def stirred(model: nn.Module) -> nn.Module:
    """Give the fusion weights, as training would."""
    for name in input_layers(model):
        last = fused_part(model, name)[1].fusion[-1]
        nn.init.normal_(last.weight, std=0.1)
        nn.init.normal_(last.bias, std=0.1)
    return model


@pytest.mark.parametrize(("network", "fusion"), WAYS)
@torch.no_grad()
def test_before_any_training_the_logits_are_the_plain_networks_whatever_the_mask(network, fusion):
    plain = NETWORKS[network]()
    images = colours(plain)
    wide = widen_input(plain, fusion=fusion)
    grey = plain.input_spec.color == "grey"
    expected = plain((images * LUMA).sum(dim=1, keepdim=True) if grey else images)
    given = wide(with_mask(images))
    assert expected.std() > 1e-3 and given.shape == expected.shape
    if grey and "trba" in network:  # its rectifier warps three colours, of which the luma is then taken
        assert (given - expected).abs().max() < 1e-3
    else:
        assert torch.equal(given, expected)


@pytest.mark.parametrize(("network", "fusion"), WAYS)
@torch.no_grad()
def test_a_trained_fusion_hears_the_mask_and_reads_the_same_from_its_file(network, fusion, tmp_path):
    wide = stirred(widen_input(NETWORKS[network](), fusion=fusion))
    images = colours(wide)
    features = wide.encode if hasattr(wide, "encode") else wide
    assert not torch.equal(features(with_mask(images)), features(with_mask(images, seed=4)))
    save_recognizer(tmp_path / "wide.safetensors", wide)
    loaded = load_pretrained(tmp_path / "wide.safetensors")
    assert loaded.config() == wide.config() and loaded.config()["fusion"] == fusion
    assert loaded.input_spec == wide.input_spec and loaded.input_spec.mask
    assert torch.equal(loaded(with_mask(images)), wide(with_mask(images)))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_training_the_input_trains_the_fusion_alone_and_the_gradient_reaches_it(fusion):
    wide = stirred(widen_input(small_crnn(), fusion=fusion))
    names = freeze_all_but_input(wide)
    place, part = fused_part(wide, "cnn.conv0")
    assert place == ("cnn" if fusion == "stream" else "cnn.conv0")
    assert names == [f"{place}.fusion.{name}" for name, _ in part.fusion.named_parameters()]
    wide(with_mask(colours(wide))).square().sum().backward()
    assert all(wide.get_parameter(name).grad.abs().sum() > 0 for name in names)
    assert wide.cnn.conv0.weight.grad is None


def test_the_adapter_is_three_convolutions_of_24_channels_on_colours_and_mask_whose_output_joins_the_picture():
    plain = small_crnn()
    conv = widen_input(plain, fusion="adapter").cnn.conv0
    shapes = [tuple(layer.weight.shape) for layer in conv.fusion if isinstance(layer, nn.Conv2d)]
    assert shapes == [(24, 2, 5, 5), (24, 24, 5, 5), (1, 24, 5, 5)]
    with torch.no_grad():
        conv.fusion[-1].bias.fill_(0.25)  # the adapter then gives 0.25 everywhere
        images = with_mask(small_words(channels=3))
        grey = (images[:, :3] * LUMA).sum(dim=1, keepdim=True)
        torch.testing.assert_close(conv(images), plain.cnn.conv0(grey + 0.25))


@torch.no_grad()
def test_sft_scales_and_shifts_the_first_maps():
    plain = small_crnn(input_spec=RGB)
    conv = widen_input(plain, fusion="sft").cnn.conv0
    conv.fusion[-1].bias.copy_(torch.tensor([0.5, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0]))
    images = small_words(channels=3)
    expected = plain.cnn.conv0(images)
    expected[:, 0] *= 1.5
    expected[:, 1] += 2
    torch.testing.assert_close(conv(with_mask(images)), expected)


@pytest.mark.parametrize("fusion", ["adapter", "sft"])
@torch.no_grad()
def test_a_network_of_another_project_takes_a_fusion_at_the_layer_that_is_named(fusion):
    plain = nn.Sequential(nn.Sequential(nn.Conv2d(3, 5, (3, 5), 2, (1, 2), bias=False)), nn.Conv2d(5, 2, 1)).eval()
    before = copy.deepcopy(plain.state_dict())
    wide = widen_input(plain, layer="0.0", fusion=fusion)
    images = small_words(channels=3)
    assert torch.equal(wide(with_mask(images)), plain(images))
    assert not torch.equal(stirred(wide)(with_mask(images)), plain(images))
    assert all(torch.equal(before[name], tensor) for name, tensor in plain.state_dict().items())


def test_the_generator_decides_the_fusions_weights():
    first, second, other = (
        widen_input(small_crnn(), fusion="adapter", generator=torch.Generator().manual_seed(seed)).cnn.conv0.fusion[0]
        for seed in (1, 1, 2)
    )
    assert torch.equal(first.weight, second.weight) and torch.equal(first.bias, second.bias)
    assert not torch.equal(first.weight, other.weight) and not torch.equal(first.bias, other.bias)


def test_the_fusion_has_the_masks_rate_and_the_plain_layer_the_colours():
    wide = widen_input(small_crnn(), fusion="adapter")
    rates = input_rates(wide, mask=4.0, colour=0.5)
    conv = wide.cnn.conv0
    assert {float(rates[parameter]) for parameter in conv.fusion.parameters()} == {4.0}
    assert rates[conv.weight].flatten().tolist() == [0.5] and float(rates[conv.bias]) == 0.5


def test_files_of_the_papers_fusion_say_nothing_of_it():
    wide = widen_input(small_crnn(), "luma")
    assert "fusion" not in wide.config() and fusion_of(wide, "cnn.conv0") == "input"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fusion": "late"}, "fusion must be 'input', 'adapter', 'sft', 'stream', got 'late'"),
        ({"fusion": "sft", "mask_in_rectifier": True}, "mask_in_rectifier goes with fusion='input', got 'sft'"),
    ],
)
def test_fusions_that_do_not_go_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        widen_input(small_aster(), **options)


def test_a_fused_network_is_not_widened_again():
    with pytest.raises(ValueError, match="takes a mask through fusion='adapter': it is widened already"):
        widen_input(widen_input(small_crnn(), fusion="adapter"), "luma")
