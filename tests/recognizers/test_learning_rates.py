"""Which weights of a widened network learn at the mask's rate."""

from __future__ import annotations

import pytest
import torch
from small_aster import small_aster
from torch import nn

from recognizers import crnn_slim, freeze_all_but_input, input_rates, widen_input
from segrec.training.optimizers import make_optimizer


def test_the_fourth_column_has_the_masks_rate_and_the_rest_with_the_bias_the_colours():
    wide = widen_input(crnn_slim(), "luma")
    rates = input_rates(wide, mask=20.0, colour=0.5)
    assert set(rates) == {wide.cnn.conv0.weight, wide.cnn.conv0.bias}
    assert rates[wide.cnn.conv0.weight].flatten().tolist() == [0.5, 0.5, 0.5, 20.0]
    assert float(rates[wide.cnn.conv0.bias]) == 0.5


def test_a_plain_network_has_colours_only_and_a_widened_rectifier_has_two_masks():
    plain = crnn_slim()
    assert input_rates(plain, mask=20.0, colour=0.5)[plain.cnn.conv0.weight].flatten().tolist() == [0.5]
    wide = widen_input(small_aster(), "zero-mask", mask_in_rectifier=True)
    columns = [rate.flatten().tolist() for rate in input_rates(wide, mask=3.0, colour=1.0).values() if rate.ndim]
    assert columns == [[1, 1, 1, 3]] * 2


@pytest.mark.parametrize("layer", ["0", "1"])
def test_a_network_of_another_project_moves_its_mask_column_alone(layer):
    stem = nn.Conv2d(3, 4, 3)
    plain = nn.Sequential(stem, nn.ReLU()) if layer == "0" else nn.Sequential(nn.Identity(), stem)
    wide = widen_input(plain, "zero-mask", layer=layer)
    freeze_all_but_input(wide)
    before = wide.get_parameter(f"{layer}.weight").detach().clone()
    scales = input_rates(wide, mask=1.0, colour=0.0)
    optimizer = make_optimizer("adam", wide.parameters(), learning_rate=1e-2, scales=scales)
    for _ in range(3):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * group.get("lr_scale", 1.0)
        optimizer.zero_grad()
        (wide(torch.rand(2, 4, 8, 8)) + 1).square().sum().backward()
        optimizer.step()
    after = wide.get_parameter(f"{layer}.weight").detach()
    assert torch.equal(after[:, :3], before[:, :3]) and after[:, 3].abs().min() > 0.01
    assert torch.equal(wide.get_parameter(f"{layer}.bias"), stem.bias)
