"""Gradient checkpointing changes the memory of a training and nothing else."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from segmenter.network import MutuallyGuidedNet
from segmenter.recompute import recomputed
from segrec.core.device import autocast

Step = tuple[float, dict[str, torch.Tensor], dict[str, torch.Tensor], int]


def trained(model: MutuallyGuidedNet, images: torch.Tensor, *, phases: int, amp: str = "off") -> Step:
    """Return loss, gradients, state and bytes kept for the backward pass of one training step."""
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    model.train()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        with autocast(torch.device("cpu"), amp):
            outputs = model(images, phases=phases)
        loss = sum(((output.float() - 0.5) ** 2).mean() for output in outputs if output is not None)
    loss.backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return float(loss.detach()), gradients, model.state_dict(), sum(kept.values())


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("phases", [1, 2])
@pytest.mark.parametrize("amp", ["off", "bf16"])
def test_loss_gradients_and_statistics_are_the_same_and_less_is_kept(skips: bool, phases: int, amp: str):
    torch.manual_seed(3)
    model = MutuallyGuidedNet(width=2, skips=skips)
    again = copy.deepcopy(model)
    again.gradient_checkpointing = True
    images = torch.rand(2, 3, 32, 48) * 2 - 1
    loss, gradients, state, kept = trained(model, images, phases=phases, amp=amp)
    loss2, gradients2, state2, kept2 = trained(again, images, phases=phases, amp=amp)
    assert loss2 == loss
    assert gradients2.keys() == gradients.keys() and state2.keys() == state.keys()
    assert all(torch.equal(gradients2[name], gradients[name]) for name in gradients)
    assert all(torch.equal(state2[name], state[name]) for name in state)
    assert int(state2["text_decoder.blocks.0.1.num_batches_tracked"]) == phases
    assert kept2 < 0.5 * kept


def test_a_batch_norm_of_any_momentum_counts_a_batch_once():
    layers = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, momentum=None), nn.Tanh(), nn.BatchNorm2d(2))
    twin = copy.deepcopy(layers)
    images = torch.rand(2, 1, 8, 8)
    for _ in range(3):
        layers(images).square().sum().backward()
        recomputed(twin, twin, images).square().sum().backward()
    assert twin[1].momentum is None and twin[3].momentum == 0.1
    assert all(torch.equal(tensor, layers.state_dict()[name]) for name, tensor in twin.state_dict().items())
    assert all(torch.equal(p.grad, q.grad) for p, q in zip(layers.parameters(), twin.parameters(), strict=True))


def test_the_switch_reaches_all_parts_and_is_no_part_of_the_weights():
    model = MutuallyGuidedNet(width=2, separate_guidance=True)
    names, config = set(model.state_dict()), model.config()
    assert not model.gradient_checkpointing
    model.gradient_checkpointing = True
    parts = (model.encoder, model.text_guidance, model.region_guidance, model.text_decoder, model.region_decoder)
    assert all(part.gradient_checkpointing for part in parts)
    assert set(model.state_dict()) == names and model.config() == config
    model.gradient_checkpointing = False
    assert not any(part.gradient_checkpointing for part in parts)


def test_nothing_is_computed_again_without_a_gradient(monkeypatch):
    def refuse(*given: object) -> None:
        raise AssertionError("recomputed was called")

    monkeypatch.setattr("segmenter.network.recomputed", refuse)
    model = MutuallyGuidedNet(width=2)
    model.gradient_checkpointing = True
    with torch.no_grad():
        model.train()(torch.rand(2, 3, 32, 32))
    model.eval()(torch.rand(1, 3, 32, 32))
    with pytest.raises(AssertionError, match="recomputed was called"):
        model.train()(torch.rand(2, 3, 32, 32))
