from __future__ import annotations

import re
from collections import OrderedDict

import numpy as np
import pytest
import torch
from small_dtrb import small_trba, small_vgg, small_words
from torch import nn

from recognizers import ALNUM36, PRINTABLE94, Charset, InputSpec, load_pretrained, save_recognizer, widen_input
from recognizers.dtrb import Trba, VggBiLstmCtc
from recognizers.dtrb.resnet import ResNet
from recognizers.dtrb.spline import TwoStepSpline
from segrec.core.errors import CheckpointError, ConfigError

VGG_NAMES = {
    "FeatureExtraction.ConvNet.0.weight": (64, 1, 3, 3),
    "FeatureExtraction.ConvNet.8.bias": (256,),
    "FeatureExtraction.ConvNet.11.weight": (512, 256, 3, 3),
    "FeatureExtraction.ConvNet.12.running_var": (512,),
    "FeatureExtraction.ConvNet.15.num_batches_tracked": (),
    "FeatureExtraction.ConvNet.18.weight": (512, 512, 2, 2),
    "SequenceModeling.0.rnn.weight_ih_l0_reverse": (1024, 512),
    "SequenceModeling.1.linear.weight": (256, 512),
    "Prediction.weight": (37, 256),
}
TRBA_NAMES = {
    "Transformation.LocalizationNetwork.conv.0.weight": (64, 1, 3, 3),
    "Transformation.LocalizationNetwork.conv.13.bias": (512,),
    "Transformation.LocalizationNetwork.localization_fc1.0.weight": (256, 512),
    "Transformation.LocalizationNetwork.localization_fc2.bias": (40,),
    "FeatureExtraction.ConvNet.conv0_1.weight": (32, 1, 3, 3),
    "FeatureExtraction.ConvNet.bn0_2.running_mean": (64,),
    "FeatureExtraction.ConvNet.layer1.0.downsample.1.weight": (128,),
    "FeatureExtraction.ConvNet.layer3.4.conv2.weight": (512, 512, 3, 3),
    "FeatureExtraction.ConvNet.layer4.2.bn2.bias": (512,),
    "FeatureExtraction.ConvNet.conv4_2.weight": (512, 512, 2, 2),
    "SequenceModeling.1.rnn.weight_hh_l0": (1024, 256),
    "Prediction.attention_cell.i2h.weight": (256, 256),
    "Prediction.attention_cell.h2h.bias": (256,),
    "Prediction.attention_cell.score.weight": (1, 256),
    "Prediction.attention_cell.rnn.weight_ih": (1024, 294),
    "Prediction.generator.bias": (38,),
}
DERIVED = ("Transformation.GridGenerator.inv_delta_C", "Transformation.GridGenerator.P_hat")


def as_saved(model: nn.Module, prefix: str = "module.") -> OrderedDict[str, torch.Tensor]:
    """What the benchmark's training script saves of such a network."""
    state = OrderedDict((prefix + name, tensor) for name, tensor in model.state_dict().items())
    if isinstance(model, Trba):
        state |= {prefix + name: torch.full((3, 2), 7.0) for name in DERIVED}
    return state


@pytest.mark.parametrize(
    ("network", "names", "tensors", "weights"),
    [(VggBiLstmCtc, VGG_NAMES, 44, 8_451_621), (Trba, TRBA_NAMES, 250, 49_555_182)],
)
def test_the_public_size_has_the_names_shapes_and_number_of_weights_of_the_files(network, names, tensors, weights):
    with torch.device("meta"):
        model = network()
    state = model.state_dict()
    assert {name: tuple(state[name].shape) for name in names} == names
    assert (len(state), sum(parameter.numel() for parameter in model.parameters())) == (tensors, weights)


@pytest.mark.parametrize("width", [8, 11, 33, 100])
def test_vgg_gives_a_frame_each_four_pixels_but_one(width):
    assert small_vgg()(torch.zeros(2, 1, 32, width)).shape == (2, width // 4 - 1, 37)


@pytest.mark.parametrize("width", [5, 33, 100])
def test_the_resnet_gives_one_row_of_a_quarter_of_the_columns_and_one(width):
    features = ResNet(3, (2, 2, 2, 2, 2, 4)).eval()(torch.zeros(2, 3, 32, width))
    assert features.shape == (2, 4, 1, width // 4 + 1)


@pytest.mark.parametrize(("build", "classes"), [(small_vgg, 37), (small_vgg, 95), (small_trba, 38), (small_trba, 96)])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_benchmark_file_loads_and_its_classes_tell_the_charset(build, classes, prefix):
    known = ALNUM36 if classes < 40 else PRINTABLE94
    model = build(charset=known) if build is small_vgg else build(charset=known.with_kind("go-first"), lively=False)
    loaded = load_pretrained(as_saved(model, prefix))
    assert loaded.charset == model.charset and loaded.charset.classes == classes
    assert loaded.input_spec == InputSpec(interpolation="bicubic")
    assert loaded.load_report.derived == (DERIVED if build is small_trba else ())
    assert len(loaded.load_report.copied) == len(model.state_dict()) and not loaded.load_report.unexpected
    assert not loaded.training
    with torch.inference_mode():
        if build is small_trba:
            targets = torch.tensor([[2, 3, 1]] * 3)  # the file does not say how many steps greedy decoding may take
            assert torch.equal(loaded(small_words(), targets), model(small_words(), targets))
        else:
            assert torch.equal(loaded(small_words()), model(small_words()))


def test_other_classes_need_their_characters_which_may_be_plain():
    state = as_saved(small_trba(lively=False))
    with pytest.raises(CheckpointError, match=r"has 6 classes.*charset= with its 4 characters in order, without start"):
        load_pretrained(state)
    assert load_pretrained(state, charset="abcd").charset == Charset("abcd", "go-first")


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (small_vgg, "FeatureExtraction.ConvNet.0.weight"),
        (small_trba, "FeatureExtraction.ConvNet.conv0_1.weight"),
    ],
)
def test_five_input_channels_are_refused(build, name):
    state = as_saved(build(), "")
    state[name] = state[name].repeat(1, 5, 1, 1)
    with pytest.raises(CheckpointError, match=re.escape("takes 5 input channels; a recognizer takes 1 (grey), 3")):
        load_pretrained(state)


def test_a_file_with_a_part_missing_is_refused_by_name():
    state = as_saved(small_vgg())
    del state["module.SequenceModeling.1.linear.bias"]
    with pytest.raises(CheckpointError, match=r"does not fit VggBiLstmCtc: missing SequenceModeling\.1\.linear\.bias"):
        load_pretrained(state)


def test_teacher_forcing_on_its_own_words_gives_the_greedy_logits():
    model = small_trba()
    with torch.inference_mode():
        greedy = model(small_words())
        assert len(greedy.argmax(dim=2).unique(dim=0)) > 1, "the words of this seed should differ"
        forced = model(small_words(), greedy.argmax(dim=2))
    torch.testing.assert_close(forced, greedy, atol=1e-5, rtol=0)


def test_a_beam_of_one_writes_the_greedy_words():
    model = small_trba()
    with torch.inference_mode():
        rows = [row.tolist() for row in model(small_words()).argmax(dim=2)]
    greedy = [tuple(row[: row.index(1)] if 1 in row else row) for row in rows]
    assert [word.ids for word in model.beam_search(small_words(), width=1)] == greedy
    assert len(set(greedy)) > 1, "the words of this seed should differ"


def test_decoding_stops_when_every_word_has_ended_and_never_after_max_length():
    model = small_trba(lively=False)
    with torch.no_grad():
        model.Prediction.generator.bias[1] = 1e4
        assert model(small_words()).shape == (3, 1, 6)
        model.Prediction.generator.bias[1] = -1e4
        assert model(small_words()).shape == (3, 7, 6)


def test_the_decoder_step_is_the_textbook_one():
    """Additive attention of the features, its context and a one-hot through torch's own LSTM."""
    model = small_trba()
    cell, lstm = model.Prediction.attention_cell, nn.LSTM(12, 6, batch_first=True)
    lstm.load_state_dict({f"{name}_l0": tensor for name, tensor in cell.rnn.state_dict().items()})
    with torch.inference_mode():
        features = model.encode(small_words())
        state, carried, previous = torch.zeros(1, 3, 6), torch.zeros(1, 3, 6), torch.zeros(3, dtype=torch.int64)
        for logits in model(small_words()).unbind(dim=1):
            query = state[0] @ cell.h2h.weight.T + cell.h2h.bias
            scores = torch.tanh(features @ cell.i2h.weight.T + query[:, None]) @ cell.score.weight[0]
            context = (scores.softmax(dim=1)[:, :, None] * features).sum(dim=1)
            given = torch.cat((context, torch.eye(6)[previous]), dim=1)
            _, (state, carried) = lstm(given[:, None], (state, carried))
            expected = model.Prediction.generator(state[0])
            torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
            previous = expected.argmax(dim=1)


def test_inspection_agrees_with_reading():
    model = small_trba()
    seen = model.inspect(small_words())
    torch.testing.assert_close(seen.logits, model(small_words()), atol=5e-4, rtol=0)
    assert seen.attention.shape[2] == 26
    torch.testing.assert_close(seen.attention.sum(dim=2), torch.ones(seen.attention.shape[:2]))
    assert (seen.rectified.shape, seen.control_points.shape) == ((3, 1, 32, 100), (3, 6, 2))


def test_a_fresh_localiser_gives_two_rising_edges_whatever_the_image():
    first, second = small_trba(lively=False).rectify(small_words(2)).control_points
    expected = [[0.0, 0.5], [0.5, 0.25], [1.0, 0.0], [0.0, 1.0], [0.5, 0.75], [1.0, 0.5]]
    torch.testing.assert_close(first, torch.tensor(expected))
    torch.testing.assert_close(second, first)


def test_points_on_the_frame_rectify_to_the_plain_resize():
    """Pixel x of w is then taken at (2 x + 1) / w - 1, where a ramp of the outer pixels' values -1 and 1 is that."""
    model = small_trba(lively=False)
    frame = torch.tensor([[-1.0, -1], [0, -1], [1, -1], [-1, 1], [0, 1], [1, 1]])
    with torch.no_grad():
        model.Transformation.LocalizationNetwork.localization_fc2.bias.copy_(frame.flatten())
    across = torch.linspace(-1, 1, 60).expand(1, 1, 20, 60)
    down = torch.linspace(-1, 1, 20)[:, None].expand(1, 1, 20, 60)
    columns = torch.tensor([(2 * x + 1) / 100 - 1 for x in range(100)])
    rows = torch.tensor([(2 * y + 1) / 32 - 1 for y in range(32)])
    close = {"atol": 2e-5, "rtol": 0.0}
    torch.testing.assert_close(model.rectify(across).images, columns.expand(1, 1, 32, 100), **close)
    torch.testing.assert_close(model.rectify(down).images, rows[:, None].expand(1, 1, 32, 100), **close)


def test_the_spline_passes_through_its_control_points_and_keeps_straight_lines():
    spline = TwoStepSpline(6, (3, 3))
    frame = np.array([[-1, -1], [0, -1], [1, -1], [-1, 1], [0, 1], [1, 1]])
    moved = torch.tensor(frame @ np.array([[0.5, 0.1], [-0.2, 0.4]]) + [0.1, -0.2], dtype=torch.float32)
    pixels = np.array([[x, y] for y in (-2 / 3, 0, 2 / 3) for x in (-2 / 3, 0, 2 / 3)])
    expected = pixels @ np.array([[0.5, 0.1], [-0.2, 0.4]]) + [0.1, -0.2]
    np.testing.assert_allclose(spline(moved[None])[0].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("mask_in_rectifier", [False, True])
def test_a_saved_widened_network_is_the_same_network(tmp_path, mask_in_rectifier):
    wide = widen_input(small_trba(lively=False), "luma", mask_in_rectifier=mask_in_rectifier)
    save_recognizer(tmp_path / "a.safetensors", wide)
    loaded = load_pretrained(tmp_path / "a.safetensors")
    assert loaded.config() == wide.config() and loaded.input_spec.mask
    assert (loaded.mask_in_rectifier, loaded.config()["grey_rectifier"]) == (mask_in_rectifier, not mask_in_rectifier)
    images = small_words(channels=4)
    with torch.inference_mode():
        assert torch.equal(loaded(images), wide(images))


def test_a_widened_grey_network_reads_the_luma_whatever_the_mask():
    model = small_trba()
    images = small_words(channels=4)
    luma = (images[:, :3] * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    with torch.inference_mode():
        torch.testing.assert_close(widen_input(model, "luma")(images), model(luma), atol=5e-4, rtol=0)


def test_a_saved_vgg_is_the_same_network(tmp_path):
    model = small_vgg(charset=Charset("xyz"))
    save_recognizer(tmp_path / "a.safetensors", model)
    loaded = load_pretrained(tmp_path / "a.safetensors")
    assert (loaded.config(), loaded.charset) == (model.config(), model.charset)
    with torch.inference_mode():
        assert torch.equal(loaded(small_words()), model(small_words()))


@pytest.mark.parametrize("build", [small_vgg, small_trba])
def test_a_training_step_reaches_every_weight(build):
    model = build().train()
    logits = model(small_words()) if build is small_vgg else model(small_words(), torch.tensor([[2, 3, 1]] * 3))
    (logits * torch.randn(logits.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    untouched = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert untouched == []


@pytest.mark.parametrize(
    ("build", "changes", "message"),
    [
        (small_vgg, {"widths": (4, 4)}, "7 positive widths"),
        (small_vgg, {"charset": Charset("ab", "go-first")}, "a charset of kind 'ctc'"),
        (small_vgg, {"input_spec": InputSpec(height=40)}, "takes an input height of 32, 48, 64"),
        (small_trba, {"charset": Charset("ab")}, "kind 'ctc'; use charset.with_kind('go-first')"),
        (small_trba, {"widths": (4, 4)}, "6 positive widths and 4 of its localiser"),
        (small_trba, {"points": 5}, "an even number of points from 4"),
        (small_trba, {"mask_in_rectifier": True, "grey_rectifier": True}, "contradict each other"),
    ],
)
def test_impossible_networks_are_refused(build, changes, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        build(**changes)


@pytest.mark.parametrize(
    ("build", "shape", "message"),
    [
        (small_vgg, (2, 3, 32, 100), "images must be (N, 1, 32, W) with W >= 8, got (2, 3, 32, 100)"),
        (small_vgg, (2, 1, 32, 7), "with W >= 8, got (2, 1, 32, 7)"),
        (small_trba, (2, 3, 32, 100), "images must be (N, 1, H, W) with H and W at least 8, got (2, 3, 32, 100)"),
        (small_trba, (2, 1, 7, 100), "with H and W at least 8, got (2, 1, 7, 100)"),
    ],
)
def test_images_of_another_shape_are_refused(build, shape, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build()(torch.zeros(shape))


@pytest.mark.parametrize("network", [VggBiLstmCtc, Trba])
def test_a_damaged_configuration_is_refused(network):
    with pytest.raises(ConfigError, match=f"not the configuration of {network.__name__}"):
        network.from_config({"charset": "ab"})
