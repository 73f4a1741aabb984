"""What the networks have in common that the paper compares with its own: one text head, and a branch for polygons."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.interface import Outputs, SegmentationNetwork, check_sizes

SKIPPED = list[Tensor]
"""What a network's encoder hands to its decoder beside the lowest maps: maps, or the places of pooled pixels."""


class Baseline(SegmentationNetwork):
    """A network with an encoder and a decoder that knows text pixels, and polygons where it is given a branch for them.

    Args:
        width: channels of the first stage; every other number of channels keeps its ratio to it.
        polygon_branch: add a decoder of text regions to the lowest maps, the paper's Exp-2 ("one branch at the middle
            layer on each network"). Its layers are not stated in the paper; see `PolygonBranch`.
        in_channels: channels of the image.
        working_height: height in pixels to which word crops are resized for this network.
    """

    full_width: ClassVar[int] = 64
    """`width` of the published network."""
    stride: ClassVar[int] = 32
    """The lowest maps have a side of one in so many pixels; images are continued at their edges up to a multiple."""
    lowest: ClassVar[int] = 8
    """Channels of the lowest maps in widths."""

    def __init__(
        self,
        *,
        width: int | None = None,
        polygon_branch: bool = False,
        in_channels: int = 3,
        working_height: int = 32,
    ) -> None:
        super().__init__()
        self.width = self.full_width if width is None else width
        check_sizes(width=self.width, in_channels=in_channels, working_height=working_height)
        self.in_channels, self.working_height = in_channels, working_height
        self.region_branch = (
            PolygonBranch(self.lowest * self.width, self.stride, self.width) if polygon_branch else None
        )

    @property
    def has_region(self) -> bool:
        """Whether it has the branch for polygons."""
        return self.region_branch is not None

    def config(self) -> dict[str, Any]:
        """Return the keyword arguments that rebuild this network; JSON-able."""
        names = ("width", "in_channels", "working_height")
        return {**{name: getattr(self, name) for name in names}, "polygon_branch": self.has_region}

    def forward(self, images: Tensor, phases: int = 1, *, text_only: bool = False) -> Outputs:
        """Return the logits (N, 1, H, W) of the text and, with a branch for polygons, of the regions.

        Args:
            images: (N, 3, H, W) in [-1, 1], RGB; H and W multiples of 16.
            phases: 1; there is no guided pass.
            text_only: leave the regions out.

        Raises:
            ValueError: for another shape or number of phases.
        """
        self.check_images(images)
        if phases != 1:
            raise ValueError(f"{self.architecture} has one phase, got {phases}")
        height, width = images.shape[2:]
        seen = continued(images, self.stride)
        lowest, skipped = self.encode(seen)
        text = enlarged(self.decode(lowest, skipped), seen)[:, :, :height, :width]
        region = None if text_only or self.region_branch is None else self.region_branch(lowest)
        return Outputs(text, None if region is None else region[:, :, :height, :width], None, None)

    def text_mask(self, images: Tensor) -> Tensor:
        """Return `forward(images).text` without the work for regions."""
        text: Tensor = self(images, text_only=True).text
        return text

    @abstractmethod
    def encode(self, images: Tensor) -> tuple[Tensor, SKIPPED]:
        """Return the lowest maps, (N, lowest x width, H / stride, W / stride), and what the decoder needs beside."""

    @abstractmethod
    def decode(self, lowest: Tensor, skipped: SKIPPED) -> Tensor:
        """Return the text logits, (N, 1, h, w), of what `encode` gave; below the images' size they are enlarged."""


class PolygonBranch(nn.Sequential):
    """Text regions from the lowest maps: a 1x1 convolution, then blocks of upsampling by 2 and a 3x3 convolution.

    The same for every network, so that Exp-2 compares networks and not branches. Not stated in the paper.

    Args:
        channels: of the maps.
        stride: their side is one in so many pixels; a power of 2.
        width: the blocks begin with 8 widths of channels and halve them down to one.
    """

    def __init__(self, channels: int, stride: int, width: int) -> None:
        before = 8 * width
        blocks: list[nn.Module] = convolution(channels, before, 1)
        for _ in range(stride.bit_length() - 1):
            after = max(width, before // 2)
            blocks += [nn.Upsample(scale_factor=2.0, mode="nearest"), *convolution(before, after)]
            before = after
        super().__init__(*blocks, nn.Conv2d(before, 1, 1))


def convolution(in_channels: int, out_channels: int, kernel: int = 3, *, dilation: int = 1) -> list[nn.Module]:
    """Return a convolution that keeps the size, BatchNorm and ReLU; no bias, since BatchNorm takes it away again."""
    padding = dilation * (kernel // 2)
    layer = nn.Conv2d(in_channels, out_channels, kernel, padding=padding, dilation=dilation, bias=False)
    return [layer, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


def doubled(in_channels: int, out_channels: int, kernel: int) -> list[nn.Module]:
    """Return a transposed convolution that doubles the size, BatchNorm and ReLU.

    Args:
        kernel: its side; 2, 3 or 4.
    """
    spare = {2: (0, 0), 3: (1, 1), 4: (1, 0)}[kernel]  # padding and output padding
    layer = nn.ConvTranspose2d(
        in_channels, out_channels, kernel, stride=2, padding=spare[0], output_padding=spare[1], bias=False
    )
    return [layer, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


def enlarged(maps: Tensor, like: Tensor) -> Tensor:
    """Return maps (N, C, h, w) at the height and width of other maps or images, bilinear."""
    if maps.shape[2:] == like.shape[2:]:
        return maps
    return F.interpolate(maps, size=like.shape[2:], mode="bilinear", align_corners=False)


def continued(images: Tensor, stride: int) -> Tensor:
    """Return images with their last row and column repeated up to the next multiples of `stride`."""
    bottom, right = (-side % stride for side in images.shape[2:])
    return F.pad(images, (0, right, 0, bottom), mode="replicate") if bottom or right else images
