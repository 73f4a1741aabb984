"""A wider mask network begins where the narrower one stands, and its new channels learn."""

from __future__ import annotations

import pytest
import torch

from segmenter import MutuallyGuidedNet
from segmenter.enlarging import enlarged


def trained(**options) -> MutuallyGuidedNet:
    """Return a small network whose norms have seen something."""
    torch.manual_seed(0)
    network = MutuallyGuidedNet(width=2, working_height=32, **options)
    for _ in range(3):
        network(torch.rand(2, 3, 32, 48) * 2 - 1)
    return network.eval()


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("separate_guidance", [False, True])
@torch.no_grad()
def test_all_outputs_stay(skips, separate_guidance):
    network = trained(skips=skips, separate_guidance=separate_guidance)
    wide = enlarged(network, 5)
    images = torch.rand(2, 3, 32, 64) * 2 - 1
    assert wide.config() == {**network.config(), "width": 5}
    for before, after in zip(network(images), wide(images), strict=True):
        torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-5)


def test_new_channels_are_connected_by_training():
    wide = enlarged(trained(skips=True), 4).train()
    optimizer = torch.optim.SGD(wide.parameters(), lr=0.1)
    images = torch.rand(2, 3, 32, 48) * 2 - 1
    new = wide.text_decoder.head.weight[:, 2:]
    assert not new.any()
    for step in range(2):
        optimizer.zero_grad()
        wide(images, phases=1, text_only=True).text.square().mean().backward()
        first = wide.encoder.blocks[0][0].weight.grad[2:]
        assert bool(first.any()) == (step > 0)  # what is not connected yet has no effect
        optimizer.step()
    assert new.all()


def test_a_network_is_not_made_narrower():
    with pytest.raises(ValueError, match="more than the network's 2, got 2"):
        enlarged(trained(), 2)
