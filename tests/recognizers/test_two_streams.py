"""The stream fusion: what its copy sees, where it joins, what it refuses."""

from __future__ import annotations

import pytest
import torch
from small_aster import small_aster
from small_dtrb import small_trba, small_vgg
from torch import nn

from recognizers import CRNN, InputSpec, freeze_all_but_input, input_rates, widen_input
from recognizers.two_streams import TwoStreams, joint_of


def small_crnn(**changes: object) -> CRNN:
    torch.manual_seed(1)
    return CRNN(widths=(4, 4, 4, 5, 6, 6, 8), hidden=5, **changes).eval()


@torch.no_grad()
def test_by_hand_the_maps_behind_the_third_pooling_are_scaled_and_shifted_by_what_the_copy_reads_in_the_mask():
    plain = small_crnn()
    wide = widen_input(plain, fusion="stream")
    last = wide.cnn.fusion[-1]
    assert last.weight.shape == (10, 5, 1, 1) and not last.weight.any() and not last.bias.any()
    nn.init.normal_(last.weight)
    nn.init.normal_(last.bias)
    images = torch.rand(2, 4, 32, 40)
    until, after = plain.cnn[:12], plain.cnn[12:]  # conv0 to pooling2, the third pooling
    assert isinstance(until[-1], nn.MaxPool2d) and sum(isinstance(layer, nn.MaxPool2d) for layer in until) == 3
    grey = (images[:, :3] * torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    scale, shift = last(until(images[:, 3:] * 2 - 1)).chunk(2, dim=1)
    maps = until(grey)
    torch.testing.assert_close(wide.cnn(images), after(maps + maps * scale + shift))


@torch.no_grad()
def test_a_colour_network_sees_the_mask_as_a_picture_in_three_equal_channels():
    plain = small_crnn(input_spec=InputSpec(color="rgb"))
    wide = widen_input(plain, fusion="stream")
    nn.init.normal_(wide.cnn.fusion[-1].weight)
    images = torch.rand(2, 4, 32, 40)
    until = plain.cnn[:12]
    changed = wide.cnn.fusion(images[:, 3:].expand(-1, 3, -1, -1) * 2 - 1)
    torch.testing.assert_close(changed, wide.cnn.fusion[-1](until(images[:, 3:].repeat(1, 3, 1, 1) * 2 - 1)))


def test_the_copy_is_its_own_and_the_plain_layers_keep_their_names():
    plain = small_crnn()
    names = set(plain.state_dict())
    wide = widen_input(plain, fusion="stream")
    assert names < set(wide.state_dict())
    assert all(name.startswith("cnn.fusion.") for name in set(wide.state_dict()) - names)
    assert wide.cnn.fusion.conv1.weight.data_ptr() != wide.cnn.conv1.weight.data_ptr()
    assert torch.equal(wide.cnn.fusion.conv1.weight, plain.cnn.conv1.weight)
    assert "cnn.fusion.batchnorm2.running_mean" in wide.state_dict()
    assert not hasattr(wide.cnn.fusion, "conv4"), "layers behind the joint are not copied"


def test_only_the_layer_that_begins_at_zero_has_the_masks_rate():
    wide = widen_input(small_crnn(), fusion="stream")
    rates = input_rates(wide, mask=4.0, colour=0.5)
    last = wide.cnn.fusion[-1]
    assert float(rates[last.weight]) == float(rates[last.bias]) == 4.0
    assert wide.cnn.fusion.conv0.weight not in rates and float(rates[wide.cnn.conv0.weight]) == 0.5


@torch.no_grad()
def test_by_hand_asters_maps_behind_its_third_stage_are_scaled_and_shifted_by_what_the_copy_reads():
    plain = small_aster().encoder
    wide = widen_input(small_aster(), fusion="stream").encoder
    last = wide.fusion[-1]
    assert last.weight.shape == (16, 8, 1, 1) and not last.weight.any() and not last.bias.any()
    nn.init.normal_(last.weight)
    nn.init.normal_(last.bias)
    images = torch.rand(2, 4, 32, 64)
    until = nn.Sequential(plain.layer0, plain.layer1, plain.layer2, plain.layer3)
    after = nn.Sequential(plain.layer4, plain.layer5)
    scale, shift = last(until((images[:, 3:] * 2 - 1).repeat(1, 3, 1, 1))).chunk(2, dim=1)
    maps = until(images[:, :3])
    assert maps.shape == (2, 8, 4, 16), "an eighth of the height"
    columns = after(maps + maps * scale + shift).flatten(2).transpose(1, 2)
    torch.testing.assert_close(wide.columns(images), columns)
    torch.testing.assert_close(wide(images), plain.rnn(columns)[0])


def test_asters_copy_is_its_own_and_the_plain_layers_keep_their_names():
    plain, wide = small_aster(), widen_input(small_aster(), fusion="stream")
    added = set(wide.state_dict()) - set(plain.state_dict())
    assert set(plain.state_dict()) < set(wide.state_dict())
    assert all(name.startswith("encoder.fusion.") for name in added)
    assert wide.encoder.fusion.layer3[0].conv2.weight.data_ptr() != wide.encoder.layer3[0].conv2.weight.data_ptr()
    assert not hasattr(wide.encoder.fusion, "layer4") and not hasattr(wide.encoder.fusion, "rnn")
    assert freeze_all_but_input(wide) == [
        f"encoder.fusion.{name}" for name, _ in wide.encoder.fusion.named_parameters()
    ]


def test_a_network_without_one_stack_of_convolutions_is_refused_by_name():
    with pytest.raises(ValueError, match=r"fusion 'stream' needs .*choose another fusion"):
        widen_input(small_trba(), fusion="stream")


def test_a_stack_is_refused_that_pools_too_seldom_or_is_the_whole_network():
    stack = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    with pytest.raises(ValueError, match="this one has 1: choose another fusion"):
        widen_input(nn.ModuleDict({"stack": stack}), layer="stack.0", fusion="stream")
    with pytest.raises(ValueError, match=r"needs layer '0' to begin an nn.Sequential"):
        widen_input(stack, layer="0", fusion="stream")


def test_a_stream_is_not_widened_again():
    with pytest.raises(ValueError, match="fusion='stream': it is widened already"):
        widen_input(widen_input(small_crnn(), fusion="stream"), "luma")


def test_a_network_of_another_project_takes_a_stream_at_its_stack():
    pools = [nn.MaxPool2d(2) for _ in range(3)]
    stack = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), pools[0], nn.Conv2d(4, 6, 3, padding=1), *pools[1:])
    plain = nn.Sequential(stack, nn.Flatten())
    wide = widen_input(plain, layer="0.0", fusion="stream")
    assert isinstance(wide[0], TwoStreams) and joint_of(stack) == 5
    images = torch.rand(2, 4, 16, 16)
    assert torch.equal(wide(images), plain(images[:, :3]))


def test_easyocrs_kind_of_network_joins_behind_the_same_pooling():
    wide = widen_input(small_vgg(), fusion="stream")
    convolutions = [layer for layer in wide.FeatureExtraction.ConvNet.fusion if isinstance(layer, nn.Conv2d)]
    assert [layer.kernel_size for layer in convolutions] == [(3, 3)] * 4 + [(1, 1)]
