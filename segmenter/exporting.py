"""The mask network as one graph from pixels to probabilities, for export."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from segmenter.fused import FusedNet
from segmenter.network import MutuallyGuidedNet, normalise_images

SUREST = 8.0
"""Largest logit of a quantized network: 256 steps up to the surest pixels' would be too coarse for the others."""


class TextMaskGraph(nn.Module):
    """Gives the text mask of pixels, the last pass's where there are two; the region mask is left out.

    Args:
        network: copied in its fused form.

    Attributes:
        outputs: names of what it gives.
    """

    outputs: ClassVar[tuple[str, ...]] = ("text",)

    def __init__(self, network: MutuallyGuidedNet) -> None:
        super().__init__()
        self.network = FusedNet(network).eval()

    def forward(self, pixels: Tensor) -> Tensor:
        """Return probabilities (N, 1, H, W) in [0, 1] of (N, 3, H, W) RGB, 0..255, H and W multiples of 16."""
        return self.network.text_mask(normalise_images(pixels)).sigmoid()


class BothMasksGraph(TextMaskGraph):
    """Gives the text mask and the region mask of pixels, of the last pass.

    Args:
        network: copied in its fused form.
    """

    outputs = ("text", "region")

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Return probabilities of text and of region, (N, 1, H, W) each, for pixels as of `TextMaskGraph`."""
        text, region = self.network(normalise_images(pixels)).sigmoid().split(1, dim=1)
        return text, region


class QuantizableMaskGraph(TextMaskGraph):
    """The same with the operators that ONNX Runtime has in 8 bits, and with logits that 8 bits hold well.

    Args:
        network: copied in its fused form.
    """

    def __init__(self, network: MutuallyGuidedNet) -> None:
        super().__init__(network)
        for name, layer in list(self.network.named_modules()):
            if isinstance(layer, nn.ConvTranspose2d):
                self.network.set_submodule(name, Shuffled(layer))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return what `TextMaskGraph` does, no nearer to 0 or 1 than by 3e-4."""
        return self.network.text_mask(normalise_images(pixels)).clamp(-SUREST, SUREST).sigmoid()


class Shuffled(nn.Module):
    """A transposed convolution as a plain one that gives the four pixels of each 2x2 block as channels.

    Args:
        layer: of 4x4 kernels, stride 2 and padding 1; its weights are copied.
    """

    def __init__(self, layer: nn.ConvTranspose2d) -> None:
        super().__init__()
        inputs, outputs = layer.weight.shape[:2]
        self.outputs = outputs
        self.convolution = nn.Conv2d(inputs, 4 * outputs, 3, padding=1, bias=layer.bias is not None)
        # Pixel 2 i of a row takes the kernel's entry 3 from i - 1 and 1 from i; pixel 2 i + 1 takes 2 from i and 0 from
        # i + 1.
        kernel = layer.weight.detach().transpose(0, 1)  # (outputs, inputs, 4, 4)
        weight = kernel.new_zeros(2, 2, outputs, inputs, 3, 3)
        entries = (((0, 3), (1, 1)), ((1, 2), (2, 0)))
        for row, down in enumerate(entries):
            for column, across in enumerate(entries):
                for to_row, from_row in down:
                    for to_column, from_column in across:
                        weight[row, column, :, :, to_row, to_column] = kernel[:, :, from_row, from_column]
        self.convolution.weight = nn.Parameter(weight.flatten(0, 2), requires_grad=False)
        if layer.bias is not None:
            self.convolution.bias = nn.Parameter(layer.bias.detach().repeat(4), requires_grad=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (N, outputs, 2 H, 2 W) of maps (N, inputs, H, W)."""
        number, _, height, width = maps.shape
        blocks = self.convolution(maps).permute(0, 2, 3, 1)  # (N, H, W, row, column, outputs)
        rows = blocks.reshape(number, height, width, 2, 2 * self.outputs).transpose(2, 3)
        doubled: Tensor = rows.reshape(number, 2 * height, 2 * width, self.outputs)
        return doubled.permute(0, 3, 1, 2)
