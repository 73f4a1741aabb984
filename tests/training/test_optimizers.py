"""Optimisers by name and what of a network decays."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segrec.core.errors import ConfigError
from segrec.training.optimizers import OPTIMIZERS, make_optimizer


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LSTM(2, 2))


@pytest.mark.parametrize(("name", "kind"), list(zip(OPTIMIZERS, ("Adam", "AdamW", "Adadelta"), strict=True)))
def test_each_name_is_the_optimiser_of_torch(name, kind):
    optimizer = make_optimizer(name, network().parameters(), learning_rate=0.25, weight_decay=0.5)
    assert type(optimizer) is getattr(torch.optim, kind)
    assert {group["lr"] for group in optimizer.param_groups} == {0.25}


def test_biases_and_norms_do_not_decay_and_all_else_does():
    model = network()
    decaying, steady = make_optimizer("adamw", model.parameters(), learning_rate=1, weight_decay=0.5).param_groups
    assert (decaying["weight_decay"], steady["weight_decay"]) == (0.5, 0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    weights = ["0.weight", "2.weight_ih_l0", "2.weight_hh_l0"]
    assert [names[id(parameter)] for parameter in decaying["params"]] == weights
    others = ["0.bias", "1.weight", "1.bias", "2.bias_ih_l0", "2.bias_hh_l0"]
    assert [names[id(parameter)] for parameter in steady["params"]] == others


def test_a_step_without_a_gradient_takes_only_the_decay():
    weight, bias = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
    optimizer = make_optimizer("adamw", [weight, bias], learning_rate=0.5, weight_decay=0.1)
    for parameter in (weight, bias):
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.full((2, 2), 0.95))
    assert bias.tolist() == [1, 1]


def test_without_decay_there_is_one_group_in_the_given_order():
    model = network()
    (group,) = make_optimizer("adam", model.parameters(), learning_rate=1).param_groups
    assert [id(parameter) for parameter in group["params"]] == [id(parameter) for parameter in model.parameters()]


def test_frozen_parameters_are_left_out():
    model = network()
    model[0].requires_grad_(False)
    groups = make_optimizer("adam", model[:2].parameters(), learning_rate=1, weight_decay=0.1).param_groups
    assert [len(group["params"]) for group in groups] == [2]
    with pytest.raises(ConfigError, match="all parameters are frozen, so nothing is left to train; free at least one"):
        make_optimizer("adam", model[0].parameters(), learning_rate=1)


@pytest.mark.parametrize(
    ("name", "decay", "message"),
    [
        ("sgd", 0.0, "unknown optimizer 'sgd'; use one of adam, adamw, adadelta"),
        ("adam", -0.1, "the weight decay must not be negative, got -0.1"),
        ("adam", float("nan"), "must not be negative, got nan"),
    ],
)
def test_settings_that_cannot_work_are_refused(name, decay, message):
    with pytest.raises(ConfigError, match=message):
        make_optimizer(name, network().parameters(), learning_rate=1, weight_decay=decay)


def test_slow_parameters_learn_at_a_tenth_of_the_rate():
    model = network()
    slow = list(model[0].parameters())
    groups = make_optimizer("adamw", model.parameters(), learning_rate=1, weight_decay=0.5, slow=slow).param_groups
    found = {
        id(parameter): (group.get("lr_scale", 1.0), group["weight_decay"])
        for group in groups
        for parameter in group["params"]
    }
    assert [found[id(parameter)] for parameter in slow] == [(0.1, 0.5), (0.1, 0.0)]
    assert {found[id(parameter)] for parameter in model[1:].parameters()} == {(1.0, 0.5), (1.0, 0.0)}


@pytest.mark.parametrize(("name", "rate"), [("adam", 0.01), ("adamw", 0.01), ("adadelta", 1.0)])
def test_each_element_moves_at_its_own_rate_and_those_of_rate_zero_keep_their_bytes(name, rate):
    def moved(scales: dict[nn.Parameter, torch.Tensor], parameter: nn.Parameter) -> torch.Tensor:
        before = parameter.detach().clone()
        optimizer = make_optimizer(name, [parameter], learning_rate=rate, weight_decay=0.1, scales=scales)
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)  # as the loop does
        parameter.grad = torch.linspace(-1, 1, parameter.numel()).reshape(parameter.shape)
        optimizer.step()
        return parameter.detach() - before

    weights = torch.linspace(0.5, 1.5, 12).reshape(3, 4)
    plain, scaled = nn.Parameter(weights.clone()), nn.Parameter(weights.clone())
    whole = moved({}, plain)
    own = moved({scaled: torch.tensor([0.0, 1.0, 0.5, 20.0])}, scaled)
    assert torch.equal(own[:, 0], torch.zeros(3))
    torch.testing.assert_close(own, whole * torch.tensor([0.0, 1.0, 0.5, 20.0]), atol=1e-5, rtol=1e-3)


def test_rates_of_elements_are_no_part_of_the_optimisers_state():
    states = []
    for scale in (None, torch.tensor([0.0, 1.0])):
        parameter = nn.Parameter(torch.ones(3, 2))
        scales = None if scale is None else {parameter: scale}
        optimizer = make_optimizer("adam", [parameter], learning_rate=1, scales=scales)
        parameter.grad = torch.ones(3, 2)
        optimizer.step()
        states.append(optimizer.state_dict())
    first, second = (state["state"][0] for state in states)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert states[0]["param_groups"] == states[1]["param_groups"]


def test_the_first_group_has_the_runs_rate_whatever_single_parameters_have():
    first, second = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    groups = make_optimizer("adam", [first, second], learning_rate=1, scales={first: torch.tensor(5.0)}).param_groups
    assert [(group.get("lr_scale", 1.0), len(group["params"])) for group in groups] == [(1.0, 1), (5.0, 1)]
