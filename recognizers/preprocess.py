"""From an image and its text mask to the array that a recognizer takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from recognizers.edge_padding import continued, kept_width, padded_width, shrunk_tall
from segrec.core import images as core_images
from segrec.core.errors import ConfigError
from segrec.core.resampling import resample, resample_mask, to_grey

if TYPE_CHECKING:
    from torch import Tensor

Color = Literal["grey", "rgb"]
Interpolation = Literal["bilinear", "bicubic", "area", "nearest", "opencv-bilinear"]
Padding = Literal["none", "edge"]
WIDTH_STEP, WIDEST = 16, 2048
"""What widths are multiples of, and the widest, where an image keeps its ratio."""
TALLEST = 1024


@dataclass(frozen=True)
class InputSpec:
    """What a recognizer takes as input.

    Attributes:
        height: pixels.
        width: pixels; images are stretched to it, as is usual, at least in training.
        color: "grey" is one channel of ITU-R 601 luma, "rgb" is three.
        mask: whether a text mask follows as the last channel; only with "rgb".
        interpolation: how images are resized, by Pillow's filters as in most public projects, or by OpenCV's bilinear
            one, which does not smooth before it shrinks; masks always bilinearly by Pillow's.
        mean: of the colours, 0..255; what the network sees as 0.
        deviation: how many steps of 0..255 the network sees as 1.
        keep_ratio: an image to be read gets the width of its ratio instead, a multiple of 16 from 32 to 2048.
        padding: "edge" keeps the ratio exactly, and repeats the image's right edge up to a whole number of heights, or
            in training up to the widest image of a batch; a mask goes on with zeros. `width` is then the widest in
            training, and only wider images are squeezed. See `recognizers.edge_padding`.

    Raises:
        ConfigError: a value that is not one of the above.
    """

    height: int = 32
    width: int = 100
    color: Color = "grey"
    mask: bool = False
    interpolation: Interpolation = "bilinear"
    mean: float = 127.5
    deviation: float = 127.5
    keep_ratio: bool = False
    padding: Padding = "none"

    def __post_init__(self) -> None:
        _check_side("height", self.height, TALLEST)
        _check_side("width", self.width, 2 * WIDEST)
        for name in ("mask", "keep_ratio"):
            if type(getattr(self, name)) is not bool:
                raise ConfigError(f"input {name} must be true or false, got {repr(getattr(self, name))[:40]}")
        if self.color not in ("grey", "rgb"):
            raise ConfigError(f"input color must be 'grey' or 'rgb', got {self.color!r}")
        if self.mask and self.color != "rgb":
            raise ConfigError("a mask channel goes with color 'rgb' (4 channels); got 'grey' with a mask")
        for name, choices in (("interpolation", get_args(Interpolation)), ("padding", get_args(Padding))):
            if getattr(self, name) not in choices:
                *others, last = choices
                raise ConfigError(f"input {name} must be {', '.join(others)} or {last}, got {getattr(self, name)!r}")
        if not (_is_number(self.mean) and _is_number(self.deviation)) or not (
            0 <= self.mean <= 255 and 0 < self.deviation < 1e6
        ):
            raise ConfigError(
                f"input mean must be 0..255 and input deviation above 0, got {self.mean} and {self.deviation}"
            )

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB, 4 for RGB and mask."""
        return (1 if self.color == "grey" else 3) + int(self.mask)

    def size_for(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) of the input for an image of that (height, width)."""
        if self.padding == "edge":
            return self.height, padded_width(image_size, self.height) if self.keep_ratio else self.width
        if not self.keep_ratio:
            return self.height, self.width
        width = math.ceil(image_size[1] * self.height / image_size[0])
        steps = round(min(max(width, 2 * WIDTH_STEP), WIDEST) / WIDTH_STEP)
        return self.height, steps * WIDTH_STEP

    def content_size(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) that an image of that (height, width) has in its input; the rest is padding."""
        if self.padding == "none":
            return self.size_for(image_size)
        width = kept_width(image_size, self.height)
        return self.height, width if self.keep_ratio else min(width, self.width)

    def stretched(self) -> InputSpec:
        """Return the same spec with one size for all images, as batches in training have."""
        return replace(self, keep_ratio=False)


def _check_side(name: str, side: object, most: int) -> None:
    if type(side) is not int or not 1 <= side <= most:
        raise ConfigError(f"input {name} must be a whole number from 1 to {most}, got {repr(side)[:40]}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def prepare(image: np.ndarray, mask: np.ndarray | None, spec: InputSpec) -> np.ndarray:
    """Return the uint8 input array (C, h, w) of one word: its colour channels, then its mask if the spec has one.

    (h, w) is `spec.size_for` the image: (height, width) unless the spec keeps ratios.

    Args:
        image: (H, W, 3) uint8, RGB, any size.
        mask: (h, w) uint8, 0..255, of any size, see `resample_mask`; None for a spec without a mask.
        spec: the recognizer's input.

    Raises:
        ValueError: the image or the mask has another shape or type, or a mask is missing or given without use.
    """
    content = prepare_content(image, mask, spec)
    return continued(content, spec.size_for((image.shape[0], image.shape[1]))[1], has_mask=spec.mask)


def prepare_content(image: np.ndarray, mask: np.ndarray | None, spec: InputSpec) -> np.ndarray:
    """Return what `prepare` gives, without the padding at the right: (C, h, w) of `spec.content_size`."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"image must be (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    if spec.mask and mask is None:
        raise ValueError("this recognizer takes RGB + mask: give each image its (H, W) uint8 mask")
    if mask is not None and not spec.mask:
        raise ValueError("this recognizer takes no mask: leave the masks out, or widen it with widen_input()")
    size = spec.content_size((image.shape[0], image.shape[1]))
    if spec.color == "grey":
        return np.ascontiguousarray(resized(to_grey(image), size, spec)[None])
    prepared = np.empty((spec.channels, *size), np.uint8)
    prepared[:3] = resized(image, size, spec).transpose(2, 0, 1)
    if mask is not None:
        if mask.ndim != 2 or mask.dtype != np.uint8 or mask.size == 0:
            raise ValueError(f"mask must be (H, W) uint8 with values 0..255, got {mask.shape} {mask.dtype}")
        prepared[3] = resample_mask(mask, size)
    return prepared


def resized(picture: np.ndarray, size: tuple[int, int], spec: InputSpec) -> np.ndarray:
    """Return a picture (H, W) or (H, W, 3), uint8, at `size` (height, width) by the filter of the spec."""
    if spec.interpolation != "opencv-bilinear":
        return resample(picture, size, spec.interpolation)
    if spec.padding == "edge" and picture.shape[1] < picture.shape[0]:
        return shrunk_tall(picture, size)
    return core_images.resize(picture, size, "bilinear")


def normalise(batch: Tensor, spec: InputSpec) -> Tensor:
    """Return the float32 network input of a uint8 batch: colour less mean by deviation, the mask channel in [0, 1].

    Args:
        batch: (N, C, H, W) uint8, as `prepare` makes them; any device.
        spec: the recognizer's input.

    Raises:
        ValueError: the number of channels is not the spec's, or the batch is not uint8.
    """
    import torch

    if batch.ndim != 4 or batch.shape[1] != spec.channels or batch.dtype != torch.uint8:
        raise ValueError(f"batch must be (N, {spec.channels}, H, W) uint8, got {tuple(batch.shape)} {batch.dtype}")
    scaled = batch.to(torch.float32).sub_(spec.mean).div_(spec.deviation)
    if spec.mask:  # all channels at once and one again are sooner done than three beside one
        scaled[:, -1] = batch[:, -1] / 255
    return scaled
