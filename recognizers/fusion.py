"""Ways for a text mask to join a picture: convolutions that take RGB + mask and keep a plain network's weights."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.choices import Fusion
from recognizers.colour_channels import colour_channels
from recognizers.fused_part import FusedPart, parts_around
from recognizers.two_streams import Streamable, Streams, TwoStreams

WIDTH = 24


class FusedConvolution(FusedPart, nn.Conv2d):
    """A network's first convolution with its plain weights, and `fusion`, through which a mask changes what it gives.

    It takes (N, 4, H, W), RGB and mask, and stands under the name of the convolution that it replaces, so that the
    network needs no change, and its file holds the plain tensors under their plain names beside `fusion`'s. Before any
    training it gives what the plain convolution gives of the colours (grey: of their luma).

    Args:
        plain: takes 1 or 3 channels; its parameters are taken over, not copied.
        generator: of the fusion's weights, on the CPU; None is torch's global one.
    """

    def __init__(self, plain: nn.Conv2d, *, generator: torch.Generator | None = None) -> None:
        super().__init__(
            plain.in_channels,
            plain.out_channels,
            _pair(plain.kernel_size),
            _pair(plain.stride),
            plain.padding if isinstance(plain.padding, str) else _pair(plain.padding),
            _pair(plain.dilation),
            plain.groups,
            plain.bias is not None,
            plain.padding_mode,
            device="meta",
        )
        self.weight, self.bias = plain.weight, plain.bias
        self.fusion = self._fusion().to(plain.weight.dtype)
        for layer in self.fusion:
            if isinstance(layer, nn.Conv2d) and not layer.weight.is_meta:
                _draw(layer, generator)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)
        self.fusion.to(plain.weight.device)
        self.train(plain.training)

    @abstractmethod
    def _fusion(self) -> nn.Sequential:
        """Return the layers between the mask and what it changes; the last is a convolution, which starts at zero."""

    @property
    def plain_channels(self) -> int:
        """How many channels the plain convolution takes."""
        return self.in_channels


class AdaptedConvolution(FusedConvolution):
    """Three small convolutions look at colours and mask; what they give is added to the picture."""

    kind = "adapter"

    def _fusion(self) -> nn.Sequential:
        return nn.Sequential(
            _same_size(self.in_channels + 1, WIDTH, 5),
            nn.ReLU(),
            _same_size(WIDTH, WIDTH, 5),
            nn.ReLU(),
            _same_size(WIDTH, self.in_channels, 5),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return maps of images (N, 4, H, W)."""
        picture = colour_channels(images, self.in_channels)
        return super().forward(picture + self.fusion(torch.cat((picture, images[:, 3:]), dim=1)))


class ModulatedConvolution(FusedConvolution):
    """Two convolutions look at the mask and give a scale and a shift for each value of the first maps.

    Spatial feature transform (Wang et al., CVPR 2018): maps * (1 + scale) + shift. Only the first convolution, which
    has one channel to read, looks around: a wide kernel on 24 channels would cost more than all of a small recognizer.
    """

    kind = "sft"

    def _fusion(self) -> nn.Sequential:
        return nn.Sequential(_same_size(1, WIDTH, 9), nn.ReLU(), _same_size(WIDTH, 2 * self.out_channels, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return maps of images (N, 4, H, W)."""
        maps: Tensor = super().forward(colour_channels(images, self.in_channels))
        mask = images[:, 3:]
        if mask.shape[2:] != maps.shape[2:]:
            mask = functional.interpolate(mask, maps.shape[2:], mode="area")
        changes: Tensor = self.fusion(mask)
        scale, shift = changes.chunk(2, dim=1)
        return torch.addcmul(maps + shift, maps, scale)


_FUSED: dict[str, type[FusedConvolution]] = {kind.kind: kind for kind in (AdaptedConvolution, ModulatedConvolution)}


def fuse(model: nn.Module, name: str, fusion: Fusion, *, generator: torch.Generator | None = None) -> None:
    """Replace the convolution `name` of a model, or the part that it begins, by what a mask is fused into, in place.

    Args:
        model: a network that is not yet widened.
        name: dotted name of its first convolution.
        fusion: any but "input".
        generator: of the fusion's weights, on the CPU; None is torch's global one.

    Raises:
        ValueError: "stream" finds no part that begins with this convolution and can have one, see `Streamable` and
            `TwoStreams`.
    """
    if fusion == Streams.kind:
        model.set_submodule(*_streamed(model, name))
        return
    plain = model.get_submodule(name)
    assert isinstance(plain, nn.Conv2d), f"{name} is not a Conv2d"
    model.set_submodule(name, _FUSED[fusion](plain, generator=generator))


def _streamed(model: nn.Module, name: str) -> tuple[str, Streams]:
    """Return both streams of the part whose first convolution is `name`, and that part's name."""
    around = [(place, model.get_submodule(place)) for place in parts_around(name) if place]
    for place, part in around:
        if isinstance(part, Streamable):
            return place, part.streamed()
    if not around or not isinstance(around[0][1], nn.Sequential):
        raise ValueError(
            f"fusion 'stream' needs layer {name!r} to begin an nn.Sequential of the network's convolutions, as in a "
            "CRNN: choose another fusion"
        )
    return around[0][0], TwoStreams(around[0][1])


def _pair(sides: tuple[int, ...]) -> tuple[int, int]:
    height, width = sides
    return height, width


def _same_size(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


def _draw(convolution: nn.Conv2d, generator: torch.Generator | None) -> None:
    """Draw weights as torch does, from a generator."""
    nn.init.kaiming_uniform_(convolution.weight, a=math.sqrt(5), generator=generator)
    assert convolution.bias is not None
    bound = 1 / math.sqrt(convolution.weight[0].numel())
    nn.init.uniform_(convolution.bias, -bound, bound, generator=generator)
