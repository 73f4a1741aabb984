from __future__ import annotations

import copy

import pytest
import torch
from crnn_states import public_state, small_state
from torch import nn

from recognizers import (
    WordBatch,
    ctc_loss,
    freeze_all_but_input,
    load_pretrained,
    train_input_mode,
    widen_input,
)

CPU = torch.device("cpu")
LUMA = torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)


def colour(count: int = 2, seed: int = 3) -> torch.Tensor:
    return torch.rand(count, 3, 32, 100, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def masks(kind: str, count: int = 2) -> torch.Tensor:
    if kind == "random":
        return torch.randint(0, 2, (count, 1, 32, 100), generator=torch.Generator().manual_seed(5)).float()
    return torch.full((count, 1, 32, 100), {"zero": 0.0, "one": 1.0, "half": 0.5}[kind])


@pytest.mark.parametrize("init", ["zero-mask", "luma"])
@pytest.mark.parametrize("kind", ["zero", "one", "half", "random"])
@torch.inference_mode()
def test_widened_grey_weights_give_the_logits_of_the_grey_picture_whatever_the_mask(init, kind):
    plain = load_pretrained(public_state())
    images = colour()
    wide = widen_input(plain, init)
    logits = wide(torch.cat((images, masks(kind)), dim=1))
    expected = plain((images * LUMA).sum(dim=1, keepdim=True))
    assert expected.std() > 0.5
    assert (logits - expected).abs().max() < 3e-5


@pytest.mark.parametrize("kind", ["zero", "one", "random"])
@torch.inference_mode()
def test_widened_rgb_weights_give_the_plain_logits_whatever_the_mask(kind):
    plain = load_pretrained(public_state(channels=3))
    images = colour()
    logits = widen_input(plain, "zero-mask")(torch.cat((images, masks(kind)), dim=1))
    assert (logits - plain(images)).abs().max() < 1e-5


def test_random_draws_the_whole_layer_as_torch_would_and_reproducibly():
    plain = load_pretrained(public_state())
    first, second = (widen_input(plain, generator=torch.Generator().manual_seed(7)).cnn.conv0 for _ in range(2))
    other = widen_input(plain, generator=torch.Generator().manual_seed(8)).cnn.conv0
    assert torch.equal(first.weight, second.weight) and torch.equal(first.bias, second.bias)
    assert not torch.equal(first.weight, other.weight) and not torch.equal(first.bias, plain.cnn.conv0.bias)
    bound = 1 / 36**0.5  # Conv2d's uniform bound at 4 x 3 x 3 inputs
    assert 0.95 * bound < first.weight.abs().max() <= bound
    assert first.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
    assert 0.8 * bound < first.bias.abs().max() <= bound


def test_random_without_generator_is_the_layer_that_torch_itself_draws():
    plain = load_pretrained(small_state())
    torch.manual_seed(11)
    drawn = widen_input(plain, "random").cnn.conv0
    torch.manual_seed(11)
    expected = nn.Conv2d(4, 4, 3, padding=1)
    assert torch.equal(drawn.weight, expected.weight) and torch.equal(drawn.bias, expected.bias)


def test_the_pretrained_model_is_left_as_it_was_and_the_copy_says_what_it_takes():
    plain = load_pretrained(small_state())
    before = copy.deepcopy(plain.state_dict())
    wide = widen_input(plain, "luma")
    with torch.no_grad():
        for parameter in wide.parameters():
            parameter.add_(1)
    assert all(torch.equal(before[name], tensor) for name, tensor in plain.state_dict().items())
    assert plain.input_spec.channels == 1 and wide.input_spec.channels == 4
    assert wide.input_layer == "cnn.conv0" and not wide.training


def test_a_model_of_another_project_is_widened_at_the_layer_that_is_named():
    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 5, (3, 5), 2, (1, 2), bias=False)), nn.Conv2d(5, 2, 1))
    wide = widen_input(model, "zero-mask", layer="0.0")
    images = colour()
    assert torch.allclose(wide(torch.cat((images, masks("one")), 1)), model(images), atol=1e-6)
    assert freeze_all_but_input(wide) == ["0.0.weight"]


@pytest.mark.parametrize(
    ("model", "init", "layer", "message"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "luma", "0", "luma is for grey weights.*use init='zero-mask'"),
        (nn.Sequential(nn.Conv2d(4, 4, 3)), "random", "0", "must take 1 or 3 channels to be widened to 4, it takes 4"),
        (
            nn.Sequential(nn.ReLU()),
            "random",
            "0",
            "must be a Conv2d to be widened, got ReLU: name the first convolution",
        ),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "random", "stem", r"no layer 'stem'; its first convolutions are \['0'\]"),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "random", None, "names no input_layer: pass layer="),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "zeros", "0", "init must be 'random', 'zero-mask' or 'luma', got 'zeros'"),
    ],
)
def test_what_cannot_be_widened_is_refused_with_the_remedy(model, init, layer, message):
    with pytest.raises(ValueError, match=message):
        widen_input(model, init, layer=layer)


@pytest.mark.parametrize("init", ["random", "luma"])
def test_frozen_steps_move_the_input_layer_and_leave_every_other_tensor_bit_identical(init):
    wide = widen_input(load_pretrained(small_state()), init, generator=torch.Generator().manual_seed(0))
    assert freeze_all_but_input(wide) == ["cnn.conv0.weight", "cnn.conv0.bias"]
    before = copy.deepcopy(wide.state_dict())
    optimizer = torch.optim.Adam([p for p in wide.parameters() if p.requires_grad], lr=1e-2, weight_decay=1e-2)
    images = torch.randint(0, 256, (4, 4, 32, 100), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    batch = WordBatch(images, torch.arange(1, 13), torch.tensor([3, 3, 3, 3]))
    for _ in range(3):
        train_input_mode(wide)
        optimizer.zero_grad()
        ctc_loss(wide, batch, device=CPU)["loss"].backward()
        optimizer.step()
    after = wide.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"cnn.conv0.weight", "cnn.conv0.bias"}
    assert (before["cnn.conv0.weight"] != after["cnn.conv0.weight"])[:, 3].any(), "the mask's weights learn"


def test_train_input_mode_keeps_normalisation_and_dropout_fixed_and_the_lstm_in_train_mode():
    model = nn.ModuleDict({"norm": nn.BatchNorm1d(2), "drop": nn.Dropout(), "rnn": nn.LSTM(2, 2)}).eval()
    train_input_mode(model)
    assert model.training and model["rnn"].training
    assert not model["norm"].training and not model["drop"].training
