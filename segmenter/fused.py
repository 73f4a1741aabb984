"""Networks for prediction: the same outputs, of the mutually guided one with less arithmetic."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.interface import SegmentationNetwork
from segmenter.network import Decoder, MutuallyGuidedNet, fold_batch_norms


def for_prediction(network: SegmentationNetwork) -> FusedNet | SinglePass:
    """Return a copy of a network that gives its last pass's logits: all that it has, or by `text_mask` the text's."""
    return FusedNet(network) if isinstance(network, MutuallyGuidedNet) else SinglePass(network)


class SinglePass(nn.Module):
    """Gives the logits of a network without guidance.

    Args:
        network: copied; later changes of its weights do not show here.
    """

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of text and region, (N, 2, H, W), or of the text alone, of images (N, 3, H, W)."""
        outputs = self.network(images)
        return outputs.text if outputs.region is None else torch.cat([outputs.text, outputs.region], dim=1)

    def text_mask(self, images: Tensor) -> Tensor:
        """Return the logits of the text, (N, 1, H, W)."""
        return self.network.text_mask(images)


class FusedNet(nn.Module):
    """Computes the logits of a network's last pass; they agree with its own to rounding.

    Three things save time: BatchNorm is folded into the convolutions; what a decoder makes of the image is computed
    once for both passes; and upsampling with the convolution after it becomes one transposed convolution, which
    multiplies 4 times where the two multiply 9 times.

    Args:
        network: copied; later changes of its weights do not show here.
    """

    def __init__(self, network: MutuallyGuidedNet) -> None:
        super().__init__()
        folded = fold_batch_norms(network)
        self.encoder = folded.encoder
        self.text_guidance, self.region_guidance = folded.text_guidance, folded.region_guidance
        self.text_decoder = FusedDecoder(folded.text_decoder)
        self.region_decoder = FusedDecoder(folded.region_decoder)
        self.passes = network.passes

    def forward(self, images: Tensor) -> Tensor:
        """Return the last pass's logits of text and region, (N, 2, H, W), of images (N, 3, H, W) in [-1, 1]."""
        features = self.encoder(images)
        if self.passes == 1:  # one after the other, so that what one decoder makes of the image is gone before the next
            decoders = self.text_decoder, self.region_decoder
            return torch.cat([decoder(decoder.of_image(features)) for decoder in decoders], dim=1)
        text, region = self.text_decoder.of_image(features), self.region_decoder.of_image(features)
        first = self.text_decoder(text), self.region_decoder(region)
        for_region, for_text = first[0].sigmoid(), first[1].sigmoid()
        if self.region_guidance is None:
            guidance = self.text_guidance(torch.cat([for_text, for_region]))[-1].chunk(2)
        else:
            guidance = (self.text_guidance(for_text)[-1], self.region_guidance(for_region)[-1])
        return torch.cat([self.text_decoder(text, guidance[0]), self.region_decoder(region, guidance[1])], dim=1)

    def text_mask(self, images: Tensor) -> Tensor:
        """Return `forward(images)[:, :1]` without the passes that only the region needs."""
        features = self.encoder(images)
        guidance = None
        if self.passes == 2:
            region = self.region_decoder(self.region_decoder.of_image(features))
            guidance = self.text_guidance(region.sigmoid())[-1]
        text: Tensor = self.text_decoder(self.text_decoder.of_image(features), guidance)
        return text


class FusedDecoder(nn.Module):
    """A decoder in two steps: what the image alone decides, then what the guidance changes.

    Each block's first convolution is taken apart by its input: the upsampled maps, the skip, the guidance.

    Args:
        decoder: with BatchNorm folded.
    """

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.upsampled, self.skipped, self.second = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.head = decoder.head
        for depth, block in enumerate(decoder.blocks):
            first, second = (layer for layer in block.children() if isinstance(layer, nn.Conv2d))
            parts = list(first.weight.detach().chunk(1 + int(decoder.skips) + int(depth == 0), dim=1))
            if depth == 0:
                self.guided = _doubling(parts.pop(), None)
            self.upsampled.append(_doubling(parts[0], first.bias))
            self.second.append(second)
            if decoder.skips:
                self.skipped.append(_convolution(parts[1]))

    def of_image(self, features: list[Tensor]) -> list[Tensor | None]:
        """Return for each block what the image alone gives its first convolution; None where that is nothing.

        Args:
            features: the encoder's five maps.
        """
        lowest = self.upsampled[0](features[-1])
        if not len(self.skipped):
            return [lowest, None, None, None]
        skips = [convolution(features[3 - depth]) for depth, convolution in enumerate(self.skipped)]
        return [lowest + skips[0], *skips[1:]]

    def forward(self, of_image: list[Tensor | None], guidance: Tensor | None = None) -> Tensor:
        """Return logits (N, 1, H, W).

        Args:
            of_image: from the function of that name; not changed.
            guidance: (N, 8 width, H/16, W/16), the guidance encoder's last map; None is a guidance of zero.
        """
        maps = of_image[0]
        assert maps is not None
        if guidance is not None:
            maps = maps + self.guided(guidance)
        maps = F.relu(self.second[0](F.relu(maps)))
        for upsampled, second, skip in zip(self.upsampled[1:], self.second[1:], of_image[1:], strict=True):
            maps = upsampled(maps)
            maps = (maps if skip is None else maps.add_(skip)).relu_()
            maps = second(maps).relu_()
        logits: Tensor = self.head(maps)
        return logits


def _convolution(weight: Tensor) -> nn.Conv2d:
    convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, bias=False, device=weight.device)
    convolution.weight = nn.Parameter(weight.clone(), requires_grad=False)
    return convolution


def _doubling(weight: Tensor, bias: Tensor | None) -> nn.ConvTranspose2d:
    """Return nearest-neighbour upsampling by 2 and a 3x3 convolution as one layer.

    A pixel goes to 2x2 places of the output and from there through the 3x3 kernel, so it reaches 4x4 of them, each by
    the sum of the kernel's entries over the ways there.
    """
    outputs, inputs = weight.shape[:2]
    ways = [F.pad(weight, (left, 1 - left, top, 1 - top)) for top in (0, 1) for left in (0, 1)]
    kernel = torch.stack(ways).sum(0)  # (outputs, inputs, 4, 4)
    layer = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=bias is not None, device=weight.device)
    layer.weight = nn.Parameter(kernel.flip(2, 3).transpose(0, 1).contiguous(), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
    return layer
