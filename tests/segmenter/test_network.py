"""Promises of the mutually guided network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segmenter.choices import PRESETS
from segmenter.network import MutuallyGuidedNet, Outputs, fold_batch_norms, normalise_images


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def awake(**options: object) -> MutuallyGuidedNet:
    """A small network in eval mode whose BatchNorms are far from the identity."""
    torch.manual_seed(5)
    model = MutuallyGuidedNet(width=4, **options)  # type: ignore[arg-type]
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0.0, 0.1)
            nn.init.uniform_(module.running_var, 0.02, 0.2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.2)
    return model.eval()


def test_literal_table_one_has_exactly_this_many_parameters():
    with torch.device("meta"):
        # Encoder 9,407,936; guidance encoder 9,406,784; two decoders of 3,577,921 with their 1x1 heads.
        assert parameters(MutuallyGuidedNet()) == 9_407_936 + 9_406_784 + 2 * 3_577_921 == 25_970_562
        assert parameters(MutuallyGuidedNet(separate_guidance=True)) == 25_970_562 + 9_406_784


def test_presets_have_exactly_these_parameters_and_the_slim_one_fits_four_megabytes_in_float16():
    with torch.device("meta"):
        counts = {name: parameters(MutuallyGuidedNet(**options)) for name, options in PRESETS.items()}
        slim = MutuallyGuidedNet(**PRESETS["mgnet-slim"]).state_dict().values()
    assert counts.pop("mgnet-slim-plain") == 1_626_594
    assert counts == {"mgnet": 25_970_562, "mgnet-skip": 29_140_866, "mgnet-slim": 1_824_738}
    assert sum(tensor.numel() * (2 if tensor.is_floating_point() else 8) for tensor in slim) < 3_900_000


def test_table_one_channels_and_sizes():
    with torch.device("meta"):
        model = MutuallyGuidedNet()
        features = model.encoder(torch.empty(1, 3, 512, 512))
        outputs = model(torch.empty(1, 3, 512, 512))
    assert [tuple(f.shape[1:]) for f in features] == [
        (64, 512, 512),
        (128, 256, 256),
        (256, 128, 128),
        (512, 64, 64),
        (512, 32, 32),
    ]
    convolutions = [m for m in model.text_decoder.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size[0]) for c in convolutions] == [
        (1024, 256, 3),
        (256, 256, 3),
        (256, 128, 3),
        (128, 128, 3),
        (128, 64, 3),
        (64, 64, 3),
        (64, 64, 3),
        (64, 64, 3),
        (64, 1, 1),
    ]
    assert all(output.shape == (1, 1, 512, 512) for output in outputs)


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("separate", [False, True])
def test_text_mask_equals_the_guided_text_output(skips: bool, separate: bool):
    model = awake(skips=skips, separate_guidance=separate)
    images = torch.rand(3, 3, 32, 48) * 2 - 1
    with torch.no_grad():
        outputs = model(images)
        torch.testing.assert_close(model.text_mask(images), outputs.text2, rtol=0, atol=1e-5)
    assert not torch.allclose(outputs.text, outputs.text2, atol=1e-3), "the guidance must matter for this test"


@pytest.mark.parametrize("skips", [False, True])
def test_folded_network_gives_the_same_outputs_and_leaves_the_original_alone(skips: bool):
    model = awake(skips=skips).double().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    folded = fold_batch_norms(model)
    images = torch.rand(2, 3, 32, 48, dtype=torch.float64) * 2 - 1
    assert model.training and not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    with torch.no_grad():
        for ours, theirs in zip(folded(images), model.eval()(images), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_zero_guidance_is_the_decoder_on_zero_features():
    model = awake(skips=True)
    with torch.no_grad():
        features = model.encoder(torch.rand(2, 3, 32, 32))
        zero = torch.zeros_like(features[-1])
        torch.testing.assert_close(model.text_decoder(features, None), model.text_decoder(features, zero))


def test_second_pass_is_guided_by_the_other_head():
    model = awake()
    with torch.no_grad():
        images = torch.rand(2, 3, 32, 32)
        first = model(images, phases=1)
        features = model.encoder(images)
        guided_text = model.text_decoder(features, model.text_guidance(first.region.sigmoid())[-1])
        guided_region = model.region_decoder(features, model.text_guidance(first.text.sigmoid())[-1])
        outputs = model(images)
    assert first.text2 is None and first.region2 is None
    torch.testing.assert_close(outputs, Outputs(first.text, first.region, guided_text, guided_region))


def test_training_leaves_the_guidance_statistics_alone_while_there_is_no_guidance():
    model = MutuallyGuidedNet(width=2).train()
    model(torch.rand(2, 3, 32, 32), phases=1)
    norms = [m for m in model.text_guidance.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(int(norm.num_batches_tracked) == 0 for norm in norms)


def test_detach_guidance_stops_the_gradient_between_the_heads():
    for detach in (False, True):
        model = awake(detach_guidance=detach)
        model(torch.rand(1, 3, 32, 32)).text2.sum().backward()
        # text2 reaches the region decoder only through the guidance.
        reached = any(p.grad is not None for p in model.region_decoder.parameters())
        assert reached is not detach


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_number_of_image_channels_and_any_multiple_of_sixteen(channels: int):
    model = MutuallyGuidedNet(width=2, in_channels=channels).eval()
    assert model.text_mask(torch.rand(1, channels, 16, 80)).shape == (1, 1, 16, 80)


def test_errors_name_the_remedy():
    model = MutuallyGuidedNet(width=2)
    with pytest.raises(
        ValueError, match=r"height and width must be multiples of 16, got \(30, 64\); pad to \(32, 64\)"
    ):
        model(torch.rand(1, 3, 30, 64))
    with pytest.raises(ValueError, match=r"images must be \(N, 3, H, W\), got \(1, 1, 32, 32\)"):
        model.text_mask(torch.rand(1, 1, 32, 32))
    with pytest.raises(ValueError, match="phases must be 1 or 2, got 3"):
        model(torch.rand(1, 3, 32, 32), phases=3)
    with pytest.raises(ValueError, match="working_height must be a positive multiple of 16, got 40"):
        MutuallyGuidedNet(working_height=40)
    with pytest.raises(ValueError, match="width must be a whole number from 1 to 128, got 0"):
        MutuallyGuidedNet(width=0)


def test_config_rebuilds_the_network():
    model = MutuallyGuidedNet(width=2, skips=True, separate_guidance=True, working_height=32)
    again = MutuallyGuidedNet(**model.config())
    again.load_state_dict(model.state_dict())
    assert again.config() == model.config()


def test_normalised_images_span_minus_one_to_one():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    assert normalise_images(images).flatten().tolist() == pytest.approx([-1.0, -0.6, 1.0])
