"""Promises of the semi-supervised loss."""

from __future__ import annotations

import math

import pytest
import torch

from segmenter.losses import semi_supervised_loss, soft_iou_loss, subset_loss
from segmenter.network import MutuallyGuidedNet, Outputs


def logit(*probabilities: float) -> torch.Tensor:
    return torch.logit(torch.tensor(probabilities, dtype=torch.float64)).view(1, 1, 1, -1)


def row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1)


def test_soft_iou_by_hand():
    # X M = .9 + .2 = 1.1; X + M - X M = 2.0 (.9 + .1, .2 + .8) + .5; one pixel on both sides: -2.1 / 3.5.
    assert float(soft_iou_loss(logit(0.9, 0.2, 0.5), row(1, 1, 0))) == pytest.approx(-2.1 / 3.5)


def test_soft_iou_is_a_mean_over_images_not_over_all_pixels():
    logits = torch.cat([logit(0.9, 0.2, 0.5), logit(0.5, 0.5, 0.5)])
    target = torch.cat([row(1, 1, 0), row(0, 0, 0)])
    assert float(soft_iou_loss(logits, target)) == pytest.approx((-2.1 / 3.5 - 1 / 2.5) / 2)


def test_soft_iou_counts_only_valid_pixels():
    with_ignored = soft_iou_loss(logit(0.9, 0.2, 0.5, 0.99), row(1, 1, 0, 0), row(1, 1, 1, 0).bool())
    assert float(with_ignored) == pytest.approx(-2.1 / 3.5)


def test_soft_iou_lies_between_minus_one_and_zero():
    torch.manual_seed(0)
    target = (torch.rand(4, 1, 16, 16) > 0.7).float()
    for logits in (torch.randn(4, 1, 16, 16) * 5, torch.full((4, 1, 16, 16), 90.0), torch.full((4, 1, 16, 16), -90.0)):
        assert -1 <= float(soft_iou_loss(logits, target)) <= 0
    assert float(soft_iou_loss((target * 2 - 1) * 90, target)) == pytest.approx(-1)
    assert float(soft_iou_loss((1 - target * 2) * 90, target)) == pytest.approx(0, abs=0.01)


def test_an_empty_target_pulls_the_output_down_and_an_ignored_image_pulls_nothing():
    logits = torch.zeros(1, 1, 4, 4, requires_grad=True)
    soft_iou_loss(logits, torch.zeros(1, 1, 4, 4)).backward()
    assert logits.grad is not None and bool((logits.grad > 0).all())
    logits.grad = None
    loss = soft_iou_loss(logits, torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == -1 and bool((logits.grad == 0).all())


def test_subset_loss_by_hand():
    # Eq. 3 with the minus sign, pixel by pixel, then the mean.
    pairs = [(0.8, 0.3), (0.1, 0.9)]
    expected = sum(-z * (y * math.log(z) + (1 - y) * math.log(1 - z)) for z, y in pairs) / 2
    loss = subset_loss(logit(*(z for z, _ in pairs)), logit(*(y for _, y in pairs)))
    assert float(loss) == pytest.approx(expected)


def test_subset_loss_falls_when_text_outside_the_region_falls():
    region = torch.full((1, 1, 4, 4), -4.0)
    region[..., :2] = 4.0
    values = []
    for outside in (3.0, 1.0, -1.0, -3.0):
        text = torch.full((1, 1, 4, 4), outside)
        text[..., :2] = 3.0
        values.append(float(subset_loss(text, region)))
    assert values == sorted(values, reverse=True) and values[0] > 4 * values[-1]


def test_subset_loss_does_not_ask_text_to_fill_the_region():
    # Region without text costs less than text that is unsure, and a step downhill empties a doubtful pixel outside.
    inside = torch.full((1, 1, 2, 2), 6.0)
    assert float(subset_loss(torch.full((1, 1, 2, 2), -12.0), inside)) < 1e-3
    text = torch.zeros(1, 1, 2, 2, requires_grad=True)
    subset_loss(text, -inside).backward()
    assert text.grad is not None and bool((text.grad > 0).all())


def test_losses_stay_finite_at_extreme_logits_and_in_half_precision():
    extreme = torch.tensor([-200.0, -50.0, 50.0, 200.0]).view(1, 1, 2, 2).requires_grad_()
    loss = subset_loss(extreme, extreme.detach().flip(-1)) + soft_iou_loss(extreme, torch.ones(1, 1, 2, 2))
    loss.backward()
    assert torch.isfinite(loss) and extreme.grad is not None and bool(torch.isfinite(extreme.grad).all())
    half = torch.randn(1, 1, 64, 64).bfloat16()
    assert soft_iou_loss(half, torch.ones(1, 1, 64, 64)).dtype == torch.float32
    assert subset_loss(half, half).dtype == torch.float32


def test_gradients_are_exact_in_float64():
    torch.manual_seed(1)
    text, region, text2, region2 = (torch.randn(2, 1, 3, 4, dtype=torch.float64, requires_grad=True) for _ in range(4))
    target = torch.rand(2, 1, 3, 4) > 0.5
    valid = torch.rand(2, 1, 3, 4) > 0.2
    assert torch.autograd.gradcheck(lambda x: soft_iou_loss(x, target, valid), (text,))
    assert torch.autograd.gradcheck(subset_loss, (text, region))

    def whole(*logits: torch.Tensor) -> torch.Tensor:
        has_text = torch.tensor([True, False])
        return semi_supervised_loss(Outputs(*logits), target, target, text_valid=valid, has_text=has_text)["loss"]

    assert torch.autograd.gradcheck(whole, (text, region, text2, region2))


def test_whole_loss_is_the_sum_of_its_terms():
    torch.manual_seed(2)
    outputs = Outputs(*(torch.randn(2, 1, 4, 4) for _ in range(4)))
    target, area = torch.rand(2, 1, 4, 4) > 0.5, torch.rand(2, 1, 4, 4) > 0.5
    parts = semi_supervised_loss(outputs, target, area, lambda1=3.0)
    iou = sum(soft_iou_loss(x, m) for x, m in zip(outputs, (target, area, target, area), strict=True))
    pairs = sum(subset_loss(z, y) for z in (outputs.text, outputs.text2) for y in (outputs.region, outputs.region2))
    torch.testing.assert_close(parts["iou"], iou)
    torch.testing.assert_close(parts["subset"], pairs)
    torch.testing.assert_close(parts["loss"], iou + 3 * pairs)


def test_one_phase_is_the_iou_of_both_heads_alone():
    text, region = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    target = torch.rand(2, 1, 4, 4) > 0.5
    parts = semi_supervised_loss(Outputs(text, region, None, None), target, target)
    torch.testing.assert_close(parts["loss"], soft_iou_loss(text, target) + soft_iou_loss(region, target))
    assert float(parts["subset"]) == 0


def test_a_missing_target_gives_no_supervision_whatever_its_mask_holds():
    torch.manual_seed(3)
    text, region = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    target = torch.rand(2, 1, 4, 4) > 0.5
    only_first = torch.tensor([True, False])
    one = semi_supervised_loss(Outputs(text, region, None, None), target, has_text=only_first)["loss"]
    torch.testing.assert_close(one, soft_iou_loss(text[:1], target[:1]) / 2)
    changed = torch.cat([target[:1], ~target[1:]])
    assert one == semi_supervised_loss(Outputs(text, region, None, None), changed, has_text=only_first)["loss"]
    with_region = semi_supervised_loss(
        Outputs(text, region, None, None), target, target, has_text=only_first, has_region=~only_first
    )["loss"]
    expected = (soft_iou_loss(text[:1], target[:1]) + soft_iou_loss(region[1:], target[1:])) / 2
    torch.testing.assert_close(with_region, expected)


def test_polygons_alone_reach_the_text_head_through_the_subset_loss():
    model = MutuallyGuidedNet(width=2, detach_guidance=True).train()
    outputs = model(torch.rand(2, 3, 32, 32))
    semi_supervised_loss(outputs, None, torch.rand(2, 1, 32, 32) > 0.5)["loss"].backward()
    assert float(model.text_decoder.head.weight.grad.abs().sum()) > 0


def test_error_texts():
    outputs = Outputs(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4), None, None)
    with pytest.raises(ValueError, match="needs a text target, a region target or both; got neither"):
        semi_supervised_loss(outputs)
    message = r"target must have the logits' shape \(2, 1, 4, 4\), got \(2, 1, 4, 8\)"
    with pytest.raises(ValueError, match=message):
        semi_supervised_loss(outputs, torch.zeros(2, 1, 4, 8))
    with pytest.raises(ValueError, match=r"valid must have the logits' shape \(2, 1, 4, 4\), got \(2, 4, 4\)"):
        soft_iou_loss(outputs.text, torch.zeros(2, 1, 4, 4), torch.ones(2, 4, 4))
    with pytest.raises(
        ValueError, match=r"region logits must have the logits' shape \(2, 1, 4, 4\), got \(1, 1, 4, 4\)"
    ):
        subset_loss(outputs.text, torch.zeros(1, 1, 4, 4))
    with pytest.raises(ValueError, match=r"has_text and has_region must be \(2,\), got \(3,\)"):
        semi_supervised_loss(outputs, torch.zeros(2, 1, 4, 4), has_text=torch.ones(3, dtype=torch.bool))
