"""The mutually guided network: one image encoder, a text and a region decoder, each guided by the other's output."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from segmenter.interface import Outputs, SegmentationNetwork, check_sizes
from segmenter.recompute import recomputed
from segrec.core.network_size import check_flags


def normalise_images(images: Tensor) -> Tensor:
    """Return the network's input, float32 (N, 3, H, W) in [-1, 1], from uint8 RGB (N, 3, H, W)."""
    scaled: Tensor = images / 127.5
    return scaled.sub_(1.0)


class MutuallyGuidedNet(SegmentationNetwork):
    """Segments text pixels and text regions; Table I and Fig. 2 of Wang et al., IEEE TIP 2021.

    Args:
        width: channels of the first block; 64 is the paper's.
        skips: hand the encoder's maps to the decoders as a U-Net does. Not stated in the paper; its formulas have none.
        separate_guidance: one guidance encoder for each decoder instead of a shared one. Not stated in the paper.
        detach_guidance: stop the gradient at the guidance of the second pass. Not stated in the paper.
        in_channels: channels of the image.
        working_height: height in pixels to which word crops are resized for this network; kept here because the
            weights are trained for it. Not stated in the paper.
        passes: passes of the decoders from which masks are predicted: 2 with guidance, 1 for weights that were trained
            without it (the paper's Phase 1). `forward` is asked explicitly and does not look at it.
    """

    architecture = "mgnet"
    most_passes = 2

    def __init__(
        self,
        *,
        width: int = 64,
        skips: bool = False,
        separate_guidance: bool = False,
        detach_guidance: bool = False,
        in_channels: int = 3,
        working_height: int = 64,
        passes: int = 2,
    ) -> None:
        super().__init__()
        check_sizes(width=width, in_channels=in_channels, working_height=working_height)
        check_flags(skips=skips, separate_guidance=separate_guidance, detach_guidance=detach_guidance)
        if type(passes) is not int or passes not in (1, 2):
            raise ValueError(f"passes must be 1 or 2, got {passes}")
        self.width, self.skips, self.in_channels = width, skips, in_channels
        self.separate_guidance, self.detach_guidance = separate_guidance, detach_guidance
        self.working_height, self.passes = working_height, passes
        self.encoder = Encoder(in_channels, width)
        self.text_guidance = Encoder(1, width)
        self.region_guidance = Encoder(1, width) if separate_guidance else None
        self.text_decoder = Decoder(width, skips=skips)
        self.region_decoder = Decoder(width, skips=skips)

    def config(self) -> dict[str, Any]:
        """Return the keyword arguments that rebuild this network; JSON-able."""
        names = ("width", "skips", "separate_guidance", "detach_guidance", "in_channels", "working_height", "passes")
        return {name: getattr(self, name) for name in names}

    @property
    def has_region(self) -> bool:
        """True: it has a decoder for each of the two masks."""
        return True

    @property
    def gradient_checkpointing(self) -> bool:
        """Whether training keeps only the maps between blocks and computes those inside again; less memory, more time.

        Outputs, gradients and running statistics are the same. It belongs to a training, not to the weights.
        """
        return self.encoder.gradient_checkpointing

    @gradient_checkpointing.setter
    def gradient_checkpointing(self, wanted: bool) -> None:
        """Set it in all encoders and decoders."""
        for module in self.modules():
            if isinstance(module, Coder):
                module.gradient_checkpointing = wanted

    def forward(self, images: Tensor, phases: int = 2, *, text_only: bool = False) -> Outputs:
        """Return the logits of both heads, (N, 1, H, W) each.

        Args:
            images: (N, 3, H, W) in [-1, 1], RGB; H and W multiples of 16.
            phases: 1 stops after the pass without guidance; `text2` and `region2` are then None.
            text_only: leave the region decoder out of that single pass; `region` is then None.

        Raises:
            ValueError: for another shape or number of phases, or text alone of two phases.
        """
        self.check_images(images)
        if phases not in (1, 2):
            raise ValueError(f"phases must be 1 or 2, got {phases}")
        if text_only and phases != 1:
            raise ValueError("text_only goes with phases=1: the second pass of the text needs the region of the first")
        features = self.encoder(images)
        text = self.text_decoder(features, None)
        if text_only:
            return Outputs(text, None, None, None)
        region = self.region_decoder(features, None)
        if phases == 1:
            return Outputs(text, region, None, None)
        for_text, for_region = self._encode_both(self._guidance(region), self._guidance(text))
        return Outputs(text, region, self.text_decoder(features, for_text), self.region_decoder(features, for_region))

    def text_mask(self, images: Tensor) -> Tensor:
        """Return the text logits of the last pass, (N, 1, H, W), in eval mode, without the work they do not need.

        They are `forward(images).text2`, or `.text` where `passes` is 1.

        Args:
            images: (N, 3, H, W) in [-1, 1], RGB; H and W multiples of 16.

        Raises:
            ValueError: for another shape.
        """
        self.check_images(images)
        features = self.encoder(images)
        guidance = None
        if self.passes == 2:
            guidance = self.text_guidance(self._guidance(self.region_decoder(features, None)))[-1]
        text: Tensor = self.text_decoder(features, guidance)
        return text

    def _guidance(self, logits: Tensor) -> Tensor:
        return (logits.detach() if self.detach_guidance else logits).sigmoid()

    def _encode_both(self, for_text: Tensor, for_region: Tensor) -> tuple[Tensor, Tensor]:
        if self.region_guidance is not None:
            return self.text_guidance(for_text)[-1], self.region_guidance(for_region)[-1]
        # One batch, so that the BatchNorm of a shared encoder sees in training what its running statistics describe.
        both = self.text_guidance(torch.cat([for_text, for_region]))[-1]  # (2N, 8 width, H/16, W/16)
        return both[: len(for_text)], both[len(for_text) :]


class Coder(nn.Module):
    """What encoders and decoders share: blocks that can be computed again in the backward pass."""

    gradient_checkpointing = False

    def run(self, block: nn.Sequential, function: Callable[..., Tensor], *inputs: Tensor | None) -> Tensor:
        """Return `function(block, *inputs)`; in training with `gradient_checkpointing`, only the inputs are kept."""
        if self.gradient_checkpointing and self.training and torch.is_grad_enabled():
            return recomputed(lambda *given: function(block, *given), block, *inputs)
        return function(block, *inputs)


class Encoder(Coder):
    """Table I (a): five blocks of two convolutions with a pool between blocks."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width, 8 * width, 8 * width)
        self.blocks = nn.ModuleList(
            nn.Sequential(*_convolution(before, after), *_convolution(after, after))
            for before, after in zip((in_channels, *widths[:-1]), widths, strict=True)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the map of each block before its pool: (N, C, H, W) at 1, 1/2, 1/4, 1/8 and 1/16 of the size."""
        first, *others = (block for block in self.blocks if isinstance(block, nn.Sequential))
        features = [self.run(first, nn.Sequential.forward, images)]
        for block in others:
            features.append(self.run(block, _pooled, features[-1]))
        return features


class Decoder(Coder):
    """Table I (b): four blocks of upsampling and two convolutions, then a 1x1 convolution to one channel.

    The paper does not state how it upsamples; nearest neighbour needs no arithmetic, and the convolutions smooth it.
    """

    def __init__(self, width: int, *, skips: bool) -> None:
        super().__init__()
        self.skips = skips
        widths = (4 * width, 2 * width, width, width)
        image_channels = (16 if skips else 8) * width
        inputs = (image_channels + 8 * width, *(before * (2 if skips else 1) for before in widths[:-1]))
        self.blocks = nn.ModuleList(
            nn.Sequential(*_convolution(before, after), *_convolution(after, after))
            for before, after in zip(inputs, widths, strict=True)
        )
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, features: list[Tensor], guidance: Tensor | None) -> Tensor:
        """Return logits (N, 1, H, W).

        Args:
            features: the encoder's five maps.
            guidance: (N, 8 width, H/16, W/16), the guidance encoder's last map; None is a guidance of zero.
        """
        maps = features[-1]
        for depth, block in enumerate(self.blocks):
            assert isinstance(block, nn.Sequential)
            skipped = features[3 - depth] if self.skips else None
            maps = self.run(block, _upsampled, maps, skipped, guidance if depth == 0 else None)
        logits: Tensor = self.head(maps)
        return logits


def _pooled(block: nn.Sequential, maps: Tensor) -> Tensor:
    """Return the block on maps of half the size."""
    pooled: Tensor = block(F.max_pool2d(maps, 2))
    return pooled


def _upsampled(block: nn.Sequential, maps: Tensor, skipped: Tensor | None, guidance: Tensor | None) -> Tensor:
    """Return the block on maps of twice the size, beside which are the encoder's and the guidance's, if any."""
    parts = [F.interpolate(maps, scale_factor=2.0, mode="nearest")]
    if skipped is not None:
        parts.append(skipped)
    if guidance is not None:
        parts.append(F.interpolate(guidance, scale_factor=2.0, mode="nearest"))
    stacked = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
    # Zero guidance is zero features: the weights of the absent channels have nothing to add.
    first, *rest = block.children()
    assert isinstance(first, nn.Conv2d)
    maps = F.conv2d(stacked, first.weight[:, : stacked.shape[1]], first.bias, padding=1)
    for layer in rest:
        maps = layer(maps)
    return maps


def fold_batch_norms(network: MutuallyGuidedNet) -> MutuallyGuidedNet:
    """Return a copy for inference, in eval mode, whose convolutions do the arithmetic of their BatchNorms as well.

    The outputs agree to rounding. The copy's weights have other names than those of a weights file.
    """
    folded = copy.deepcopy(network).eval()
    for block in folded.modules():
        if isinstance(block, nn.Sequential):
            for index, layer in enumerate(block):
                before = block[index - 1]
                if isinstance(layer, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
                    block[index - 1] = fuse_conv_bn_eval(before, layer)
                    block[index] = nn.Identity()
    return folded


def _convolution(in_channels: int, out_channels: int) -> list[nn.Module]:
    """Return convolution, BatchNorm and ReLU; no bias, since BatchNorm takes any constant away again."""
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]
