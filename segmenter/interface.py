"""What every segmentation network offers: outputs of one form, a description that rebuilds it, and one input check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from segmenter.preprocess import STRIDE
from segrec.core.network_size import WIDEST_LAYER, check_whole

TALLEST = 1024
"""Highest working height, in pixels."""


class Outputs(NamedTuple):
    """Logits (N, 1, H, W) of both heads: the first pass (guidance 0), then the guided pass (None after one phase).

    `region` is None too where only the text was asked for, or the network has no branch for regions.
    """

    text: Tensor
    region: Tensor | None
    text2: Tensor | None
    region2: Tensor | None


class SegmentationNetwork(nn.Module, ABC):
    """A network that is trained, evaluated and asked for masks like any other.

    Attributes:
        architecture: its name in weights files and on the command line.
        in_channels: channels of the image.
        working_height: height in pixels to which word crops are resized for it.
        passes: passes of its decoders from which masks are predicted; 2 for guidance.
        most_passes: passes that it can be trained with.
        learns: whether there is anything to train.
        gradient_checkpointing: compute maps again in the backward pass; of the mutually guided network alone.
    """

    architecture: ClassVar[str]
    most_passes: ClassVar[int] = 1
    learns: ClassVar[bool] = True
    in_channels: int
    working_height: int
    passes: int = 1
    gradient_checkpointing: bool = False

    @property
    @abstractmethod
    def has_region(self) -> bool:
        """Whether it predicts text regions beside text pixels."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return the keyword arguments that rebuild this network; JSON-able."""

    @abstractmethod
    def text_mask(self, images: Tensor) -> Tensor:
        """Return the text logits of the last pass, (N, 1, H, W), of images (N, 3, H, W) in [-1, 1]."""

    def check_images(self, images: Tensor) -> None:
        """Refuse images of another shape.

        Raises:
            ValueError: they are not (N, in_channels, H, W), or H or W is not a multiple of 16.
        """
        if images.ndim != 4 or images.shape[1] != self.in_channels:
            raise ValueError(f"images must be (N, {self.in_channels}, H, W), got {tuple(images.shape)}")
        height, width = images.shape[2:]
        if not height or not width or height % STRIDE or width % STRIDE:
            to = tuple(max(STRIDE, -(-side // STRIDE) * STRIDE) for side in (height, width))
            raise ValueError(f"height and width must be multiples of {STRIDE}, got {(height, width)}; pad to {to}")


def check_sizes(*, width: int, in_channels: int, working_height: int) -> None:
    """Refuse sizes of which no network can be made.

    Raises:
        ConfigError: one is not a whole number, below 1 or far too large.
        ValueError: the working height is not a multiple of 16.
    """
    check_whole("width", width, 1, WIDEST_LAYER // 8)
    check_whole("in_channels", in_channels, 1, 16)
    check_whole("working_height", working_height, 1, TALLEST)
    if working_height % STRIDE:
        raise ValueError(f"working_height must be a positive multiple of {STRIDE}, got {working_height}")
