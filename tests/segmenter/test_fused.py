"""The network for prediction computes what the network itself computes."""

from __future__ import annotations

import pytest
import torch

from segmenter.fused import FusedNet
from segmenter.network import MutuallyGuidedNet


def network(**options: int) -> MutuallyGuidedNet:
    """Return a network whose BatchNorms all change their input, as after a training."""
    torch.manual_seed(2)
    model = MutuallyGuidedNet(width=3, **options).double().eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.05, 0.2)
                module.weight.uniform_(0.6, 1.4)
                module.bias.uniform_(-0.3, 0.3)
    return model


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("size", [(16, 16), (48, 80)])
def test_the_logits_are_those_of_the_guided_pass(skips: bool, separate: bool, size: tuple[int, int]):
    model = network(skips=skips, separate_guidance=separate)
    images = torch.rand(2, 3, *size, dtype=torch.float64) * 2 - 1
    with torch.inference_mode():
        expected = model(images)
        fused = FusedNet(model)
        both = torch.cat([expected.text2, expected.region2], dim=1)
        torch.testing.assert_close(fused(images), both, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(fused.text_mask(images), expected.text2, rtol=1e-9, atol=1e-9)
    assert both.std() > 1e-3 and (expected.text2 - expected.text).abs().max() > 1e-3


def test_weights_of_one_pass_give_its_logits():
    model = network(skips=True, passes=1)
    images = torch.rand(1, 3, 32, 48, dtype=torch.float64)
    with torch.inference_mode():
        expected, fused = model(images, phases=1), FusedNet(model)
        torch.testing.assert_close(fused(images), torch.cat([expected.text, expected.region], dim=1))
        torch.testing.assert_close(fused.text_mask(images), expected.text)


def test_it_is_a_copy_that_leaves_the_network_as_it_was():
    model = network(skips=True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fused = FusedNet(model)
    images = torch.rand(1, 3, 16, 32, dtype=torch.float64)
    with torch.inference_mode():
        logits = fused(images)
        for parameter in model.parameters():
            parameter.zero_()
        assert torch.equal(fused(images), logits)
    assert before.keys() == model.state_dict().keys()
