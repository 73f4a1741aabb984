from __future__ import annotations

import pytest
import torch
from small_aster import small_aster, small_images
from torch import nn

from recognizers import Aster, Charset, InputSpec, aster_slim, load_pretrained, save_recognizer
from recognizers.aster.encoder import Encoder
from segrec.core.errors import ConfigError

PUBLIC_NAMES = {
    "encoder.layer0.0.weight": (32, 3, 3, 3),
    "encoder.layer0.1.running_var": (32,),
    "encoder.layer1.0.conv1.weight": (32, 32, 1, 1),
    "encoder.layer1.0.downsample.1.weight": (32,),
    "encoder.layer3.5.conv2.weight": (128, 128, 3, 3),
    "encoder.layer5.2.bn2.bias": (512,),
    "encoder.rnn.weight_ih_l1_reverse": (1024, 512),
    "decoder.decoder.attention_unit.sEmbed.weight": (512, 512),
    "decoder.decoder.attention_unit.xEmbed.bias": (512,),
    "decoder.decoder.attention_unit.wEmbed.weight": (1, 512),
    "decoder.decoder.tgt_embedding.weight": (98, 512),
    "decoder.decoder.gru.weight_ih_l0": (1536, 1024),
    "decoder.decoder.fc.bias": (97,),
    "stn_head.stn_convnet.0.0.bias": (32,),
    "stn_head.stn_convnet.10.1.num_batches_tracked": (),
    "stn_head.stn_fc1.1.running_mean": (512,),
    "stn_head.stn_fc2.weight": (40, 512),
}


def test_the_public_size_has_the_names_shapes_and_number_of_weights_of_aster_pytorch():
    with torch.device("meta"):
        model = Aster()
    state = model.state_dict()
    assert {name: tuple(state[name].shape) for name in PUBLIC_NAMES} == PUBLIC_NAMES
    assert sum(parameter.numel() for parameter in model.parameters()) == 20_991_594
    assert len(state) == 380  # the public file has 4 matrices of the spline more, which follow from the sizes


def test_the_encoder_keeps_25_columns_of_a_word_and_one_row():
    encoder = Encoder(3, widths=(2, 2, 2, 2, 2, 4), blocks=(1, 1, 1, 1, 1), hidden=3).eval()
    assert encoder(torch.zeros(2, 3, 32, 100)).shape == (2, 25, 6)


def test_teacher_forcing_on_its_own_words_gives_the_greedy_logits():
    model = small_aster()
    with torch.inference_mode():
        greedy = model(small_images())
        assert len(set(greedy.argmax(dim=2).flatten().tolist())) > 2, "the words of this seed should differ"
        forced = model(small_images(), greedy.argmax(dim=2))
    torch.testing.assert_close(forced, greedy, atol=1e-4, rtol=0)


def test_the_decoder_step_is_the_textbook_one():
    """Attention as written, its context and the embedding through torch's own GRU, no projection made beforehand."""
    model = small_aster()
    unit, weights = model.decoder.decoder.attention_unit, model.decoder.decoder
    with torch.inference_mode():
        features = model.encode(small_images())
        state, previous = torch.zeros(1, 3, 8), torch.full((3,), weights.charset.start)
        for logits in model(small_images()).unbind(dim=1):
            query = unit.sEmbed(state[0])[:, None]
            attention = unit.wEmbed(torch.tanh(query + unit.xEmbed(features))).squeeze(2).softmax(dim=1)
            context = (attention[:, :, None] * features).sum(dim=1)
            _, state = weights.gru(torch.cat((weights.tgt_embedding(previous), context), dim=1)[:, None], state)
            expected = weights.fc(state[0])
            torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
            previous = expected.argmax(dim=1)


def test_decoding_stops_when_every_word_has_ended_and_never_after_max_length():
    model = small_aster()
    images = small_images()
    with torch.no_grad():
        model.decoder.decoder.fc.bias[model.charset.end] = 1e4
        assert model(images).shape == (3, 1, 7)
        model.decoder.decoder.fc.bias[model.charset.end] = -1e4
        assert model(images).shape == (3, 7, 7)


def test_a_word_is_read_alike_alone_and_in_a_batch():
    model = small_aster()
    images = small_images(5)
    with torch.inference_mode():
        together = model(images)
        for row, image in zip(together, images, strict=True):
            alone = model(image[None])[0]
            torch.testing.assert_close(row[: len(alone)], alone, atol=2e-4, rtol=0)


def test_a_fresh_localiser_gives_the_frame_whatever_the_image():
    model = small_aster(lively=False)
    first, second = model.rectify(small_images(2)).control_points
    torch.testing.assert_close(first, second)
    expected = [[0.01, 0.01], [0.5, 0.01], [0.99, 0.01], [0.01, 0.99], [0.5, 0.99], [0.99, 0.99]]
    torch.testing.assert_close(first, torch.tensor(expected))


def test_inspection_agrees_with_reading():
    model = small_aster()
    images = small_images()
    seen = model.inspect(images)
    torch.testing.assert_close(seen.logits, model(images))
    torch.testing.assert_close(seen.attention.sum(dim=2), torch.ones(seen.attention.shape[:2]))
    assert seen.rectified.shape == (3, 3, 32, 100)
    assert seen.control_points.shape == (3, 6, 2)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_saved_network_is_the_same_network(tmp_path, bidirectional):
    spec = InputSpec(height=32, width=64, color="rgb", mask=True)
    model = small_aster(bidirectional=bidirectional, input_spec=spec)
    save_recognizer(tmp_path / "a.safetensors", model)
    loaded = load_pretrained(tmp_path / "a.safetensors")
    assert loaded.config() == model.config()
    images = small_images(channels=4)
    with torch.inference_mode():
        assert torch.equal(loaded(images), model(images))


def test_without_the_mask_in_the_rectifier_the_points_do_not_depend_on_the_mask():
    spec = InputSpec(height=32, width=64, color="rgb", mask=True)
    images = small_images(channels=4)
    masked = images.clone()
    masked[:, 3] = 1 - images[:, 3]
    apart = small_aster(input_spec=spec)
    assert torch.equal(apart.rectify(images).control_points, apart.rectify(masked).control_points)
    assert not torch.equal(apart.rectify(images).images[:, 3], apart.rectify(masked).images[:, 3])
    within = small_aster(input_spec=spec, mask_in_rectifier=True)
    assert not torch.equal(within.rectify(images).control_points, within.rectify(masked).control_points)


def test_slim_weights_are_small():
    parameters = sum(parameter.numel() for parameter in aster_slim().parameters())
    assert parameters < 4_000_000


def test_a_training_step_reaches_every_weight():
    model = small_aster(bidirectional=True).train()
    targets = torch.tensor([[0, 1, 4], [2, 4, 4], [3, 3, 4]])
    both = model.forward_both(small_images(), targets)
    loss = sum(nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()) for logits in both)
    loss.backward()
    untouched = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    # a score's bias moves all scores alike, and a bias before a norm is taken out again
    assert all(name.endswith(("wEmbed.bias", ".0.bias")) for name in untouched), untouched


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"charset": Charset("abcd")}, "charset of kind 'aster', got 'ctc'"),
        ({"widths": (4, 4)}, "6 positive widths"),
        ({"blocks": (1, 1, 1, 1, 0)}, "blocks of a stage must be a whole number from 1 to 64, got 0"),
        ({"points": 5}, "even number of points"),
        ({"max_length": 0}, "max_length must be a whole number from 1 to 512, got 0"),
    ],
)
def test_impossible_networks_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        small_aster(**changes)


def test_images_of_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"images must be \(N, 3, H, W\), got \(3, 4, 32, 64\)"):
        small_aster()(small_images(channels=4))


def test_a_damaged_configuration_is_refused():
    with pytest.raises(ConfigError, match="not the configuration of Aster"):
        Aster.from_config({"charset": "ab"})
