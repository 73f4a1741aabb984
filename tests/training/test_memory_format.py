"""Which networks train with their channels last."""

import pytest
import torch
from torch import nn

from recognizers import CRNN, aster_slim
from segrec.training.memory_format import LEAST_CHANNELS, with_channels_last


def channels_last(network: nn.Module) -> bool:
    return all(
        part.weight.is_contiguous(memory_format=torch.channels_last)
        for part in network.modules()
        if isinstance(part, nn.Conv2d)
    )


@pytest.mark.parametrize("make", [aster_slim, CRNN])
def test_shipped_recognizers_train_so(make):
    network = make()
    assert with_channels_last(network) is network and channels_last(network)


@pytest.mark.parametrize(("channels", "kernel", "stride"), [(4, 3, 2), (4, 1, 1), (LEAST_CHANNELS, 1, 2)])
def test_a_step_has_the_gradients_of_the_usual_order(channels, kernel, stride):
    torch.manual_seed(0)
    plain = nn.Conv2d(channels, channels, kernel, stride=stride, padding=kernel // 2)
    moved = nn.Conv2d(channels, channels, kernel, stride=stride, padding=kernel // 2)
    moved.load_state_dict(plain.state_dict())
    assert channels_last(with_channels_last(moved))
    images = torch.rand(2, channels, 32, 100)
    for network, given in ((plain, images), (moved, images.contiguous(memory_format=torch.channels_last))):
        network(given).pow(2).sum().backward()
    assert torch.allclose(plain.weight.grad, moved.weight.grad, rtol=1e-4)


@pytest.mark.parametrize("stride", [2, (2, 1)])
def test_a_thin_strided_convolution_of_one_pixel_keeps_the_whole_network_as_it_is(stride):
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 1, stride=stride))
    assert with_channels_last(network) is network
    assert all(part.weight.is_contiguous() for part in network) and not channels_last(network[:1])
