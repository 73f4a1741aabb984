"""Promises of the networks that the paper compares its own with."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import Tensor, nn

from segmenter.baselines.base import Baseline
from segmenter.baselines.cenet import CENet, DenseAtrousConvolution, ResidualMultiKernelPooling
from segmenter.baselines.deeplab import DeepLabV3
from segmenter.baselines.segnet import SegNet
from segmenter.baselines.smanet import MultiScaleAttention, SMANet
from segmenter.baselines.unet import UNet
from segmenter.interface import SegmentationNetwork
from segmenter.loading import load_segmenter, save_segmenter
from segmenter.models import MODELS, fresh_model, model_class
from segmenter.predictor import TorchSegmenter
from segrec.core.errors import ConfigError

NETWORKS = (UNet, SegNet, CENet, DeepLabV3, SMANet)
Network = type[Baseline]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(3)


def on_meta(network: Network, **options: object) -> Baseline:
    with torch.device("meta"):
        return network(**options)


def convolutions(module: nn.Module) -> list[tuple[int, int, int]]:
    """(channels in, channels out, side of the kernel) of every convolution, in order."""
    found = (m for m in module.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d))
    return [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in found]


def awake(network: Network, **options: object) -> Baseline:
    """A small network in eval mode whose BatchNorms have seen something."""
    model = network(width=4, **options)
    with torch.no_grad():
        for _ in range(5):
            model(torch.rand(3, 3, 64, 64) * 2 - 1)
    return model.eval()


def test_unet_has_the_23_convolutions_of_its_figure():
    """Ronneberger et al., Fig. 1: 18 of 3x3, four up-convolutions of 2x2 and one 1x1."""
    model = on_meta(UNet)
    down = [(3, 64, 3), (64, 64, 3), (64, 128, 3), (128, 128, 3), (128, 256, 3), (256, 256, 3), (256, 512, 3)]
    down += [(512, 512, 3), (512, 1024, 3), (1024, 1024, 3)]
    assert convolutions(model.get_submodule("down")) == down
    assert convolutions(model.get_submodule("up")) == [(1024, 512, 2), (512, 256, 2), (256, 128, 2), (128, 64, 2)]
    joined = [(1024, 512, 3), (512, 512, 3), (512, 256, 3), (256, 256, 3), (256, 128, 3), (128, 128, 3)]
    assert convolutions(model.get_submodule("joined")) == [*joined, (128, 64, 3), (64, 64, 3)]
    assert len(convolutions(model)) == 23


def test_segnet_has_vgg16s_convolutions_and_their_mirror():
    """Badrinarayanan et al., Section 3: the 13 convolutions of VGG16, and a decoder layer for each."""
    from torchvision.models import vgg16

    with torch.device("meta"):
        published = convolutions(vgg16().features)
    model = on_meta(SegNet)
    assert convolutions(model.get_submodule("down")) == published
    decoder = [*convolutions(model.get_submodule("up")), *convolutions(model.get_submodule("head"))]
    mirrored = [(after, before, 3) for before, after, _ in reversed(published)]
    assert decoder == [*mirrored[:-1], (64, 1, 3)]
    assert abs(sum(p.numel() for p in model.parameters()) / 1e6 - 29.45) < 0.05, "Table VI of the article: 29.45 M"


def test_segnet_puts_values_back_where_the_pool_took_them():
    model = SegNet(width=2)
    maps = torch.rand(1, 3, 8, 8)
    pooled, places = model.pool(maps)
    back = model.unpool(pooled, places)
    assert torch.equal(back[back > 0], maps[back > 0]) and int((back > 0).sum()) == 3 * 4 * 4


def shapes(state: dict[str, Tensor], prefix: str = "") -> dict[str, tuple[int, ...]]:
    return {key[len(prefix) :]: tuple(value.shape) for key, value in state.items() if key.startswith(prefix)}


def test_encoders_are_torchvisions_by_name_and_shape():
    from torchvision.models import resnet34, resnet50

    for network, published in ((CENet, resnet34), (DeepLabV3, resnet50), (SMANet, resnet50)):
        with torch.device("meta"):
            wanted = {key: shape for key, shape in shapes(published().state_dict()).items() if "fc." not in key}
        assert shapes(on_meta(network).state_dict(), "encoder.") == wanted, network.__name__


def test_deeplab_is_torchvisions_layer_by_layer():
    from torchvision.models.segmentation import deeplabv3_resnet50

    with torch.device("meta"):
        published = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=1, aux_loss=False)
    rates = [(m.kernel_size, m.dilation, m.stride) for m in published.modules() if isinstance(m, nn.Conv2d)]
    model = on_meta(DeepLabV3)
    assert [(m.kernel_size, m.dilation, m.stride) for m in model.modules() if isinstance(m, nn.Conv2d)] == rates
    assert [p.shape for p in model.parameters()] == [p.shape for p in published.parameters()]


def test_a_deeplab_with_torchvisions_weights_gives_torchvisions_masks():
    from torchvision.models.segmentation import deeplabv3_resnet50

    published = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=1, aux_loss=False).eval()
    model = DeepLabV3().eval()
    model.load_state_dict(dict(zip(model.state_dict(), published.state_dict().values(), strict=True)))
    images = torch.rand(1, 3, 64, 80)
    with torch.no_grad():
        torch.testing.assert_close(model(images).text, published(images)["out"], rtol=1e-4, atol=1e-5)


def test_cenets_cascades_see_3_7_9_and_19_pixels():
    """Gu et al., Fig. 3."""
    block = DenseAtrousConvolution(1)
    for cascade, field in (
        (lambda x: block.rate1(x), 3),
        (lambda x: block.point(block.rate3(x)), 7),
        (lambda x: block.point(block.rate3(block.rate1(x))), 9),
        (lambda x: block.point(block.rate5(block.rate3(block.rate1(x)))), 19),
    ):
        maps = torch.rand(1, 1, 41, 41, requires_grad=True)
        cascade(maps)[0, 0, 20, 20].backward()
        seen = maps.grad[0, 0].nonzero()
        assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [field, field]


def test_cenets_pooling_adds_four_maps_and_its_decoder_has_the_releases_channels():
    """Gu et al., Fig. 4 and 5."""
    assert ResidualMultiKernelPooling(512)(torch.rand(1, 512, 16, 16)).shape == (1, 516, 16, 16)
    assert ResidualMultiKernelPooling(8)(torch.rand(1, 8, 1, 4)).shape == (1, 12, 1, 4), "word crops are small"
    up = convolutions(on_meta(CENet).get_submodule("up"))
    assert up[:3] == [(516, 129, 1), (129, 129, 3), (129, 256, 1)]
    assert up[3:] == [(256, 64, 1), (64, 64, 3), (64, 128, 1), (128, 32, 1), (32, 32, 3), (32, 64, 1), (64, 16, 1),
                      (16, 16, 3), (16, 64, 1)]  # fmt: skip
    assert convolutions(on_meta(CENet).get_submodule("last")) == [(64, 32, 4), (32, 32, 3)]


def test_smanet_has_two_attention_modules_at_an_eighth_and_a_quarter_of_the_size():
    model = awake(SMANet)
    seen = {}
    for name, module in model.named_modules():
        if isinstance(module, MultiScaleAttention):
            module.register_forward_hook(lambda m, given, out, name=name: seen.update({name: tuple(out.shape[2:])}))
    model(torch.rand(1, 3, 64, 96))
    assert seen == {"attention": (8, 12), "skip_attention": (16, 24)}


def test_attention_weighs_each_value_between_once_and_twice():
    maps = torch.rand(2, 8, 5, 7)
    weighed = MultiScaleAttention(8).eval()(maps)
    assert (weighed >= maps).all() and (weighed <= 2 * maps).all() and not torch.equal(weighed, maps)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_gives_masks_of_its_pictures_size_with_and_without_polygons(network: Network):
    images = torch.rand(2, 3, 48, 80) * 2 - 1
    for branch in (False, True):
        model = awake(network, polygon_branch=branch)
        with torch.no_grad():
            outputs = model(images)
            assert outputs.text.shape == (2, 1, 48, 80) and outputs.text2 is None and outputs.region2 is None
            assert (outputs.region is not None) == branch == model.has_region
            assert outputs.region is None or outputs.region.shape == (2, 1, 48, 80)
            torch.testing.assert_close(model.text_mask(images), outputs.text)
            assert model(images, text_only=True).region is None


@pytest.mark.parametrize("network", NETWORKS)
def test_every_parameter_learns(network: Network):
    model = network(width=4, polygon_branch=True)
    outputs = model(torch.rand(2, 3, 64, 64) * 2 - 1)
    (outputs.text.square().mean() + outputs.region.square().mean()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("network", NETWORKS)
def test_weights_come_back_as_they_were_saved(network: Network, tmp_path):
    model = awake(network, polygon_branch=True, working_height=48)
    save_segmenter(tmp_path / "x.safetensors", model)
    loaded = load_segmenter(tmp_path / "x.safetensors")
    assert type(loaded) is network and loaded.config() == model.config() and loaded.working_height == 48
    images = torch.rand(1, 3, 32, 48)
    with torch.no_grad():
        torch.testing.assert_close(loaded(images).text, model(images).text, rtol=1e-5, atol=1e-6)  # rounding by memory
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in loaded.state_dict().items())


def test_a_forward_is_short_enough_to_read():
    functions = [model_class(name).forward for name in MODELS] + [Baseline.decode, Baseline.encode]
    for network in NETWORKS:
        functions += [network.encode, network.decode]
    for function in functions:
        lines = inspect.getsource(function).splitlines()
        body = [line for line in lines if line.strip()]
        documented = inspect.getdoc(function) or ""
        code = len(body) - len([line for line in documented.splitlines() if line.strip()]) - 1
        assert code <= 15, f"{function.__qualname__}: {code} lines"


def test_a_network_without_a_branch_has_text_masks_and_refuses_both():
    segmenter = TorchSegmenter(awake(UNet), scales=[1])
    picture = (torch.rand(40, 60, 3) * 255).byte().numpy()
    assert segmenter.predict_text([picture])[0].shape == (40, 60) and not segmenter.has_region
    with pytest.raises(ConfigError, match="unet knows no text regions; ask for its text masks alone"):
        segmenter.predict([picture])
    both = TorchSegmenter(awake(UNet, polygon_branch=True)).predict([picture])[0]
    assert both.region.shape == (40, 60)


def test_what_cannot_be_made_is_refused_in_words():
    with pytest.raises(ConfigError, match="unknown model 'vnet'; use one of mgnet, cenet"):
        fresh_model("vnet")
    with pytest.raises(ConfigError, match="mgnet learns from polygons as it is"):
        fresh_model("mgnet", polygon_branch=True)
    with pytest.raises(ConfigError, match=r"no unet can be made of .*working_height 20: working_height must be"):
        fresh_model("unet", working_height=20)
    with pytest.raises(ValueError, match="unet has one phase, got 2"):
        UNet(width=1)(torch.zeros(1, 3, 16, 16), phases=2)


def test_every_network_is_of_one_kind():
    for name in MODELS:
        network = model_class(name)
        assert issubclass(network, SegmentationNetwork) and network.architecture == name
