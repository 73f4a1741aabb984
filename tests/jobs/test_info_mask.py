"""What `segrec info` says of the mask's part in a recognizer's first layer."""

from __future__ import annotations

import pytest
import torch

from recognizers import CRNN, InputSpec, aster_slim, save_recognizer, widen_input
from segrec.jobs.info import describe
from segrec.jobs.info_weights import ChannelNorms, channel_norms, verdict


def test_norms_by_hand():
    weight = torch.zeros(2, 4, 1, 2)
    weight[0, 0, 0] = torch.tensor([3.0, 4.0])  # norms 5, 0, 1 of the colours
    weight[1, 2, 0, 0] = -1
    weight[:, 3, 0, 1] = 0.6
    found = channel_norms(weight)
    assert found == pytest.approx((0.6 * 2**0.5, 2.0))
    assert found.share == pytest.approx(0.3 * 2**0.5)


@pytest.mark.parametrize(
    ("mask", "said"),
    [(0.0, "no: its kernel is zero"), (0.05, "hardly: its kernel has 2.5 %"), (0.2, "weakly: "), (1.0, "it can be: ")],
)
def test_the_verdict_follows_the_share_of_a_colours_norm(mask, said):
    assert verdict(ChannelNorms(mask, 2.0)).startswith(said)


def test_a_network_without_weights_has_no_share():
    assert ChannelNorms(0.0, 0.0).share == 0.0


def test_info_tells_a_network_that_was_only_widened_from_one_that_has_a_kernel_for_the_mask(tmp_path):
    torch.manual_seed(0)
    plain = CRNN(widths=(2, 3, 4, 4, 5, 5, 6), hidden=3, input_spec=InputSpec(color="rgb"))
    wide = widen_input(plain, "zero-mask")
    save_recognizer(tmp_path / "wide.safetensors", wide)
    found = describe(tmp_path / "wide.safetensors").facts
    assert found["mask kernel's norm"].startswith("0.000, a colour's is ")
    assert found["mask used"].startswith("no: ")
    with torch.no_grad():
        weight = wide.get_parameter("cnn.conv0.weight")
        weight[:, 3] = weight[:, 0]
    save_recognizer(tmp_path / "trained.safetensors", wide)
    assert describe(tmp_path / "trained.safetensors").facts["mask used"].startswith("it can be: ")
    save_recognizer(tmp_path / "plain.safetensors", plain)
    assert "mask used" not in describe(tmp_path / "plain.safetensors").facts


def test_each_layer_that_sees_the_mask_has_its_norm(tmp_path):
    save_recognizer(tmp_path / "both.safetensors", widen_input(aster_slim(), mask_in_rectifier=True))
    norms = describe(tmp_path / "both.safetensors").facts["mask kernel's norm"]
    assert "encoder.layer0.0: " in norms and "; stn_head.stn_convnet.0.0: " in norms


@pytest.mark.parametrize(("fusion", "place"), [("sft", "cnn.conv0"), ("stream", "cnn")])
def test_a_fusion_is_judged_by_its_last_layer_not_by_a_colours_kernel(tmp_path, fusion, place):
    wide = widen_input(CRNN(widths=(2, 3, 4, 4, 5, 5, 6), hidden=3), fusion=fusion)
    save_recognizer(tmp_path / "wide.safetensors", wide)
    found = describe(tmp_path / "wide.safetensors").facts
    assert "mask kernel's norm" not in found
    assert found["mask joins by"] == f"{fusion}, {place}.fusion, whose last layer has the norm 0.000"
    assert found["mask used"].startswith("no: its last layer is zero")
    with torch.no_grad():
        last = wide.get_submodule(place).fusion[-1]
        last.weight.zero_()[0, 0] = 2
    save_recognizer(tmp_path / "trained.safetensors", wide)
    found = describe(tmp_path / "trained.safetensors").facts
    assert found["mask joins by"].endswith("the norm 2.000") and found["mask used"].startswith("it can be: ")
