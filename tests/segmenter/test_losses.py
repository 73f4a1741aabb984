"""Promises of the semi-supervised loss."""

from __future__ import annotations

import math

import pytest
import torch

from segmenter.crf import dense_crf_loss
from segmenter.losses import semi_supervised_loss, soft_iou_loss, subset_loss
from segmenter.network import MutuallyGuidedNet, Outputs


def logit(*probabilities: float) -> torch.Tensor:
    return torch.logit(torch.tensor(probabilities, dtype=torch.float64)).view(1, 1, 1, -1)


def row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1)


def test_soft_iou_by_hand():
    # X M = .9 + .2 = 1.1; X + M - X M = 2.0 (.9 + .1, .2 + .8) + .5.
    assert float(soft_iou_loss(logit(0.9, 0.2, 0.5), row(1, 1, 0))) == pytest.approx(-1.1 / 2.5)


def test_soft_iou_of_an_empty_target_by_hand():
    # Four pixels, so s = .4; their outputs sum up to .8.
    assert float(soft_iou_loss(logit(0.5, 0.1, 0.1, 0.1), row(0, 0, 0, 0))) == pytest.approx(-0.4 / 1.2, rel=1e-4)


def test_soft_iou_is_a_mean_over_images_not_over_all_pixels():
    logits = torch.cat([logit(0.9, 0.2, 0.5), logit(0.5, 0.5, 0.5)])
    target = torch.cat([row(1, 1, 0), row(0, 0, 0)])
    assert float(soft_iou_loss(logits, target)) == pytest.approx((-1.1 / 2.5 - 0.3 / 1.8) / 2, rel=1e-4)


def test_soft_iou_counts_only_valid_pixels():
    with_ignored = soft_iou_loss(logit(0.9, 0.2, 0.5, 0.99), row(1, 1, 0, 0), row(1, 1, 1, 0).bool())
    assert float(with_ignored) == pytest.approx(-1.1 / 2.5)


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


def test_the_gradient_of_all_terms_is_exact_in_float64():
    torch.manual_seed(6)
    logits = tuple(torch.randn(3, 1, 3, 4, dtype=torch.float64, requires_grad=True) for _ in range(4))
    target, images = torch.rand(3, 1, 3, 4) > 0.5, torch.rand(3, 3, 3, 4, dtype=torch.float64) * 255
    has_text, has_region = torch.tensor([True, False, True]), torch.tensor([False, True, True])

    def whole(*outputs: torch.Tensor) -> torch.Tensor:
        parts = semi_supervised_loss(
            Outputs(*outputs),
            target,
            target,
            has_text=has_text,
            has_region=has_region,
            images=images,
            lambda2=2.0,
            outside=0.5,
            crf_backend="exact",
        )
        return parts["loss"]

    assert torch.autograd.gradcheck(whole, logits)


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


def test_the_papers_first_phase_is_the_iou_of_both_heads_alone():
    text, region = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    target = torch.rand(2, 1, 4, 4) > 0.5
    parts = semi_supervised_loss(Outputs(text, region, None, None), target, target, lambda1=0, lambda2=0)
    torch.testing.assert_close(parts["loss"], soft_iou_loss(text, target) + soft_iou_loss(region, target))
    assert float(parts["subset"]) == float(parts["crf"]) == 0


def test_one_pass_with_the_weak_losses_has_a_single_pair():
    # Row alpha of Table IV: the losses of Phase 2 without its guidance.
    text, region = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    parts = semi_supervised_loss(Outputs(text, region, None, None), torch.rand(2, 1, 4, 4) > 0.5)
    torch.testing.assert_close(parts["subset"], subset_loss(text, region))


def test_the_crf_sees_the_outputs_of_the_branch_whose_truth_an_image_lacks():
    torch.manual_seed(4)
    outputs = Outputs(*(torch.randn(3, 1, 6, 6) for _ in range(4)))
    target, images = torch.rand(3, 1, 6, 6) > 0.5, torch.randint(0, 256, (3, 3, 6, 6), dtype=torch.uint8)
    has_text, has_region = torch.tensor([True, False, True]), torch.tensor([False, True, True])
    valid = torch.rand(3, 1, 6, 6) > 0.2
    parts = semi_supervised_loss(
        outputs,
        target,
        target,
        has_text=has_text,
        has_region=has_region,
        text_valid=valid,
        images=images,
        lambda2=0.5,
        crf_backend="exact",
    )
    regions = torch.cat([outputs.region, outputs.region2], dim=1)[:1]
    texts = torch.cat([outputs.text, outputs.text2], dim=1)[1:2]
    expected = dense_crf_loss(regions, images[:1], valid[:1], backend="exact").sum()
    expected = expected + dense_crf_loss(texts, images[1:2], backend="exact").sum()
    torch.testing.assert_close(parts["crf"], expected / 3)
    torch.testing.assert_close(parts["loss"], parts["iou"] + 10 * parts["subset"] + 0.5 * parts["crf"])


def test_without_images_or_with_both_truths_there_is_no_crf_term():
    outputs = Outputs(*(torch.randn(1, 1, 4, 4) for _ in range(4)))
    target, images = torch.rand(1, 1, 4, 4) > 0.5, torch.zeros(1, 3, 4, 4)
    assert float(semi_supervised_loss(outputs, target)["crf"]) == 0
    assert float(semi_supervised_loss(outputs, target, target, images=images)["crf"]) == 0


def test_the_term_outside_polygons_by_hand():
    # One row of four pixels, polygon over the first two, the last ignored: the text output there is .2; s = .1.
    text, region = logit(0.9, 0.9, 0.2, 0.7), logit(0.5, 0.5, 0.5, 0.5)
    known = row(1, 1, 1, 0).bool()
    parts = semi_supervised_loss(
        Outputs(text, region, None, None), None, row(1, 1, 0, 0), region_valid=known, outside=2.0, lambda1=0
    )
    assert float(parts["outside"]) == pytest.approx(-0.1 / 0.3, rel=1e-4)
    torch.testing.assert_close(parts["loss"], parts["iou"] + 2 * parts["outside"])
    both = semi_supervised_loss(Outputs(text, region, None, None), row(1, 0, 0, 0), row(1, 1, 0, 0), outside=2.0)
    assert float(both["outside"]) == 0


def test_the_cross_entropy_by_hand_leaves_out_ignored_pixels_and_images_without_the_target():
    outputs = Outputs(torch.cat([logit(0.9, 0.2, 0.5), logit(0.5, 0.5, 0.5)]), None, None, None)
    parts = semi_supervised_loss(
        outputs,
        torch.cat([row(1, 0.5, 0), row(0, 0, 0)]),
        text_valid=torch.cat([row(1, 1, 0), row(1, 1, 1)]).bool(),
        has_text=torch.tensor([True, False]),
        cross_entropy=2.0,
    )
    by_hand = -(math.log(0.9) + 0.5 * math.log(0.2) + 0.5 * math.log(0.8)) / 2 / 2
    assert float(parts["cross_entropy"]) == pytest.approx(by_hand)
    assert float(parts["loss"]) == pytest.approx(float(parts["iou"]) + 2 * by_hand)


def test_a_missing_target_gives_no_supervision_whatever_its_mask_holds():
    torch.manual_seed(3)
    text, region = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    target = torch.rand(2, 1, 4, 4) > 0.5
    only_first = torch.tensor([True, False])
    one = semi_supervised_loss(Outputs(text, region, None, None), target, has_text=only_first, lambda1=0)["loss"]
    torch.testing.assert_close(one, soft_iou_loss(text[:1], target[:1]) / 2)
    changed = torch.cat([target[:1], ~target[1:]])
    again = semi_supervised_loss(Outputs(text, region, None, None), changed, has_text=only_first, lambda1=0)["loss"]
    assert one == again
    with_region = semi_supervised_loss(
        Outputs(text, region, None, None), target, target, has_text=only_first, has_region=~only_first, lambda1=0
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
