"""The mode for training the input layer alone: gradients pass through what is frozen, and nothing frozen moves."""

from __future__ import annotations

import copy

import pytest
import torch
from small_aster import small_aster
from torch import nn

from recognizers import crnn_slim, freeze_all_but_input, input_layers, train_input_mode, widen_input

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


class Reader(nn.Module):
    """A reader of another project with whatever may move or be random."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.InstanceNorm2d(8, affine=True))
        self.norms = nn.Sequential(
            nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, track_running_stats=True), nn.Dropout2d(0.5), nn.ReLU()
        )
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True)
        self.lstm = nn.LSTM(8, 8, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(16, 8, batch_first=True)
        self.cell = nn.GRUCell(8, 8)
        self.head = nn.Sequential(nn.LayerNorm(8), nn.Dropout(0.5), nn.Linear(8, 5))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        sequence = self.norms(self.stem(images)).mean(dim=2).transpose(1, 2)
        sequence = self.attention(sequence, sequence, sequence, need_weights=False)[0]
        sequence = self.gru(self.lstm(sequence)[0])[0]
        return self.head(self.cell(sequence.flatten(0, 1)))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("init", ["random", "zero-mask"])
def test_a_backward_through_frozen_rnns_reaches_the_input_layer_and_nothing_else_moves(device, init):
    torch.manual_seed(0)
    wide = widen_input(Reader(), init, layer="stem.0").to(device)
    assert freeze_all_but_input(wide) == ["stem.0.weight", "stem.0.bias"]
    assert not any(parameter.requires_grad for parameter in [*wide.lstm.parameters(), *wide.gru.parameters()])
    before = copy.deepcopy(wide.state_dict())
    optimizer = torch.optim.SGD([p for p in wide.parameters() if p.requires_grad], lr=1)
    for _ in range(2):
        train_input_mode(wide)
        optimizer.zero_grad()
        wide(torch.rand(2, 4, 8, 12, device=device)).square().sum().backward()
        assert (wide.stem[0].weight.grad.abs().sum(dim=(0, 2, 3)) > 0).all(), "each of the four channels learns"
        optimizer.step()
    after = wide.state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"stem.0.weight", "stem.0.bias"}


@pytest.mark.parametrize("build", [Reader, lambda: small_aster(lively=False), crnn_slim])
def test_rnns_are_in_train_mode_and_norms_dropout_and_attention_in_eval_mode(build):
    model = build()
    for start in (model.eval, model.train):
        start()
        train_input_mode(model)
        modules = list(model.modules())
        assert model.training
        assert {module.training for module in modules if isinstance(module, nn.RNNBase | nn.RNNCellBase)} == {True}
        still = [*NORMS, nn.modules.dropout._DropoutNd, nn.MultiheadAttention]
        assert {module.training for module in modules if isinstance(module, tuple(still))} == {False}


@pytest.mark.parametrize("device", DEVICES)
def test_two_passes_in_this_mode_are_equal_since_nothing_is_random(device):
    torch.manual_seed(0)
    model, images = Reader().to(device), torch.rand(2, 3, 8, 12, device=device)
    train_input_mode(model)
    assert torch.equal(model(images), model(images))
    model.train()
    assert not torch.equal(model(images), model(images))


def test_more_than_one_layer_may_see_the_image():
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 1))
    wide = widen_input(model, layer=["0", "1", "0"])
    assert input_layers(wide) == ("0", "1") and [wide[index].in_channels for index in range(3)] == [4, 4, 2]
    assert freeze_all_but_input(wide) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert freeze_all_but_input(wide, layer="2") == ["2.weight", "2.bias"]
