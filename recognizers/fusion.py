"""Ways for a text mask to join a picture: convolutions that take RGB + mask and keep a plain network's weights."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognizers.choices import Fusion
from recognizers.colour_channels import colour_channels

WIDTH = 24


class FusedConvolution(nn.Conv2d, ABC):
    """A network's first convolution with its plain weights, and `fusion`, through which a mask changes what it gives.

    It takes (N, 4, H, W), RGB and mask, and stands under the name of the convolution that it replaces, so that the
    network needs no change, and its file holds the plain tensors under their plain names beside `fusion`'s. Before any
    training it gives what the plain convolution gives of the colours (grey: of their luma).

    Args:
        plain: takes 1 or 3 channels; its parameters are taken over, not copied.
        generator: of the fusion's weights, on the CPU; None is torch's global one.
    """

    kind: ClassVar[Fusion]
    fusion: nn.Sequential

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
        last = self.fusion[-1]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.fusion.to(plain.weight.device)
        self.train(plain.training)

    @abstractmethod
    def _fusion(self) -> nn.Sequential:
        """Return the layers between the mask and what it changes; the last is a convolution, which starts at zero."""

    def config(self) -> dict[str, str]:
        """Return what a weights file's configuration says of this layer beside the plain network's."""
        return {"fusion": self.kind, "fusion_color": "grey" if self.in_channels == 1 else "rgb"}


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
    """Replace the convolution `name` of a model by one into which a mask is fused, in place."""
    plain = model.get_submodule(name)
    assert isinstance(plain, nn.Conv2d), f"{name} is not a Conv2d"
    model.set_submodule(name, _FUSED[fusion](plain, generator=generator))


def fusion_of(layer: nn.Module) -> Fusion:
    """Return how a mask joins in this first layer of a network; `input` where the layer is a plain convolution."""
    return layer.kind if isinstance(layer, FusedConvolution) else "input"


def fusion_config(layer: nn.Module) -> dict[str, str]:
    """Return what the configuration of a network with this first layer has beside the plain network's."""
    return layer.config() if isinstance(layer, FusedConvolution) else {}


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
