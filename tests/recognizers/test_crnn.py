from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from crnn_states import public_state
from torch import Tensor
from torch.nn import functional

from recognizers import CRNN, Charset, InputSpec, crnn_slim, load_pretrained
from segrec.core.errors import ConfigError

INPUTS = [InputSpec(), InputSpec(color="rgb"), InputSpec(color="rgb", mask=True)]
SMALL = (4, 6, 8, 8, 10, 10, 12)


def literal_crnn(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """The published network written out from the paper's table: time-major logits (T, N, classes), in float64."""
    state = {name: tensor.double() for name, tensor in state.items()}

    def conv(x: Tensor, index: int, padding: int = 1) -> Tensor:
        return functional.conv2d(x, state[f"cnn.conv{index}.weight"], state[f"cnn.conv{index}.bias"], padding=padding)

    def norm(x: Tensor, index: int) -> Tensor:
        mean, variance, weight, bias = (
            state[f"cnn.batchnorm{index}.{part}"].reshape(1, -1, 1, 1)
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (variance + 1e-5).sqrt() * weight + bias

    def tall_pool(x: Tensor) -> Tensor:
        return functional.max_pool2d(x, (2, 2), stride=(2, 1), padding=(0, 1))

    x = functional.max_pool2d(conv(images.double(), 0).relu(), 2)
    x = functional.max_pool2d(conv(x, 1).relu(), 2)
    x = norm(conv(x, 2), 2).relu()
    x = tall_pool(conv(x, 3).relu())
    x = norm(conv(x, 4), 4).relu()
    x = tall_pool(conv(x, 5).relu())
    x = norm(conv(x, 6, padding=0), 6).relu()
    assert x.shape[2] == 1
    sequence = x[:, :, 0].permute(2, 0, 1)  # (T, N, 512)
    for layer in range(2):
        states = torch.cat([_lstm(state, f"rnn.{layer}.rnn.", sequence, suffix) for suffix in ("l0", "l0_reverse")], 2)
        sequence = states @ state[f"rnn.{layer}.embedding.weight"].T + state[f"rnn.{layer}.embedding.bias"]
    return sequence


def _lstm(state: dict[str, Tensor], prefix: str, sequence: Tensor, suffix: str) -> Tensor:
    """One direction step by step; gates in torch's order input, forget, cell, output."""
    w_x, w_h, b_x, b_h = (
        state[f"{prefix}{part}_{suffix}"] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    backwards = suffix.endswith("reverse")
    hidden = cell = sequence.new_zeros(sequence.shape[1], w_h.shape[1])
    outputs = []
    for step in sequence.flip(0) if backwards else sequence:
        enter, forget, candidate, leave = (step @ w_x.T + b_x + hidden @ w_h.T + b_h).chunk(4, dim=1)
        cell = forget.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
        hidden = leave.sigmoid() * cell.tanh()
        outputs.append(hidden)
    stacked = torch.stack(outputs)
    return stacked.flip(0) if backwards else stacked


@pytest.mark.parametrize("width", [100, 160])
def test_a_public_file_gives_the_logits_of_the_network_written_out_by_hand(width):
    state = public_state()
    images = torch.rand(2, 1, 32, width, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        logits = load_pretrained(state)(images)
    expected = literal_crnn(state, images)
    assert expected.std() > 0.5, "lively logits, or the comparison would say little"
    assert logits.shape == (2, width // 4 + 1, 37)
    assert (logits.transpose(0, 1) - expected).abs().max() < 3e-4


def test_names_and_shapes_are_those_of_the_public_file():
    shapes = {name: tensor.shape for name, tensor in CRNN().state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in public_state().items()}
    assert sum(parameter.numel() for parameter in CRNN().parameters()) == 8_331_301  # 8.3 M, the paper's


@pytest.mark.parametrize("spec", INPUTS, ids=lambda spec: f"{spec.channels} channels")
@pytest.mark.parametrize("width", [4, 5, 100, 103])
def test_one_three_and_four_channels_run_at_any_width(spec, width):
    model = CRNN(input_spec=spec, widths=SMALL, hidden=8).eval()
    assert model(torch.zeros(2, spec.channels, 32, width)).shape == (2, width // 4 + 1, 37)


def test_slim_is_the_same_network_with_fewer_weights():
    slim = crnn_slim(charset=Charset("abc"))
    assert slim.state_dict().keys() == CRNN().state_dict().keys()
    assert slim(torch.zeros(1, 1, 32, 100)).shape == (1, 26, 4)
    assert sum(parameter.numel() for parameter in crnn_slim().parameters()) == 1_418_245


@pytest.mark.parametrize("shape", [(1, 1, 31, 100), (1, 3, 32, 100), (1, 32, 100), (1, 1, 32, 3)])
def test_other_shapes_are_refused_with_the_expected_one(shape):
    with pytest.raises(ValueError, match=r"images must be \(N, 1, 32, W\) with W >= 4, got \("):
        CRNN(widths=SMALL, hidden=8)(torch.zeros(shape))


def test_the_configuration_is_json_and_rebuilds_the_network():
    model = CRNN(charset=Charset("xyz"), input_spec=INPUTS[2], widths=SMALL, hidden=8)
    again = CRNN.from_config(json.loads(json.dumps(model.config())))
    assert again.config() == model.config()
    assert (again.charset, again.input_spec) == (model.charset, model.input_spec)
    again.load_state_dict(model.state_dict())


@pytest.mark.parametrize(
    "config",
    [{}, {"charset": "ab"}, {"charset": "ab", "input": {"depth": 3}}, {"charset": "ab", "input": {}, "widths": [1]}],
)
def test_a_wrong_configuration_is_refused(config):
    with pytest.raises(ConfigError):
        CRNN.from_config(config)


def test_other_heights_are_refused():
    with pytest.raises(ConfigError, match=r"CRNN takes an input height of 32 .*, got height 64"):
        CRNN(input_spec=InputSpec(height=64))


def test_importing_the_package_loads_no_torch():
    code = "import recognizers, sys; assert 'CRNN' in dir(recognizers); raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there_and_others_are_not():
    import recognizers

    assert all(getattr(recognizers, name) is not None for name in recognizers.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        recognizers.nothing  # noqa: B018
