"""Random geometry and colour for a training image and its masks, drawn from one generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segrec.core.images import LUMA, Array, opencv
from segrec.core.mask_values import IGNORE, ON


@dataclass(frozen=True)
class AugmentSpec:
    """Ranges of the augmentation; the paper names the kinds and states no range.

    Attributes:
        rotation: largest angle in degrees, either way.
        scale: smallest and largest zoom over the size at which the whole image fits the output.
        brightness: largest relative change.
        contrast: largest relative change.
        saturation: largest relative change.
        hue: largest shift as a part of the colour circle.
        noise: largest standard deviation of Gaussian noise, as a part of the value range.
        inversion: probability that the picture becomes its negative: light text on dark and dark text on light are
            then seen equally often, whatever the data prefer.
        mirror: probability of a flip, drawn once for each axis; text seen from behind is still text.
        quarter: probability of a quarter turn, where the result is square; signs run up walls, too.
    """

    rotation: float = 15.0
    scale: tuple[float, float] = (0.8, 2.0)
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    noise: float = 10 / 255
    inversion: float = 0.0
    mirror: float = 0.0
    quarter: float = 0.0


class SegmentationSample(NamedTuple):
    """An image and the masks it has.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        text: (H, W) uint8; 255 = text, 0 = not, 128 = ignore, other values are the share of a pixel that is text; None
            when there is none.
        region: the same for text regions.
    """

    image: Array
    text: Array | None
    region: Array | None


def augment(
    sample: SegmentationSample, size: tuple[int, int], generator: np.random.Generator, spec: AugmentSpec | None = None
) -> SegmentationSample:
    """Return a random view of `sample` at `size`, image and masks moved together; a function of the generator's state.

    Outside the source image the edge colours go on and the masks say ignore. Masks keep their soft edges.

    Args:
        sample: any size.
        size: (height, width) of the result.
        generator: draws everything.
        spec: the ranges; None takes the defaults.
    """
    spec = spec or AugmentSpec()
    matrix = draw_affine(sample.image.shape[:2], size, generator, spec)
    cv2 = opencv()
    image = cv2.warpAffine(sample.image, matrix, size[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    view = SegmentationSample(
        image=photometric(image, generator, spec),
        text=None if sample.text is None else warp_mask(sample.text, matrix, size),
        region=None if sample.region is None else warp_mask(sample.region, matrix, size),
    )
    if generator.random() < spec.inversion:
        view = view._replace(image=255 - view.image)
    axes = tuple(axis for axis in (0, 1) if generator.random() < spec.mirror)
    quarters = int(spec.quarter > 0 and size[0] == size[1] and generator.random() < spec.quarter)
    image, text, region = (
        None if part is None else np.ascontiguousarray(np.rot90(np.flip(part, axes), quarters)) for part in view
    )
    assert image is not None
    return SegmentationSample(image, text, region)


def draw_affine(
    source: tuple[int, int], size: tuple[int, int], generator: np.random.Generator, spec: AugmentSpec
) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that maps (x, y) of the source image to (x, y) of the output.

    One scale for both axes, so letters keep their shape; the place is uniform over all places at which the scaled
    image covers the output, or lies in it where it is smaller; the rotation is about the output's centre.
    """
    fit = min(size[0] / source[0], size[1] / source[1])
    scale = fit * float(np.exp(generator.uniform(*np.log(spec.scale))))
    top, left = (generator.uniform() * (out - side * scale) for out, side in zip(size, source, strict=True))
    angle = np.deg2rad(generator.uniform(-spec.rotation, spec.rotation))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # Pixel centres lie at +0.5: place(x) = scale (x + 0.5) + (left, top), then turn about the centre, then -0.5.
    centre = np.array([size[1] / 2, size[0] / 2])
    offset = turn @ (np.array([left, top]) + scale / 2 - centre) + centre - 0.5
    return np.column_stack([turn * scale, offset])


def warp_mask(mask: Array, matrix: NDArray[np.float64], size: tuple[int, int]) -> Array:
    """Return the mask under the affine map, its edges soft; 128 outside the source."""
    cv2 = opencv()

    def move(coverage: Array, border: int) -> Array:
        moved = cv2.warpAffine(
            coverage,
            matrix,
            size[::-1],
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=border,
        )
        return np.asarray(moved)

    return move_soft(mask, move)


def move_soft(mask: Array, move: Callable[[Array, int], Array]) -> Array:
    """Return a mask after a move, with the shares of pixels that the move gives; 128 is ignore and nothing else.

    A pixel that is partly ignored has the share of its known part, and is ignored where that is less than a half.

    Args:
        mask: (H, W) uint8, coverage in which 128 is ignore.
        move: takes (H, W) uint8 coverage, 0..255, and its value outside; returns the moved coverage.
    """
    ignored = mask == IGNORE
    known = move(np.where(ignored, np.uint8(0), np.uint8(255)), 0).astype(np.uint16)
    on = move(np.where(ignored, np.uint8(0), mask), 0).astype(np.uint16)
    shares = np.minimum(255, (on * 255 + known // 2) // np.maximum(known, 1))
    shares[shares == IGNORE] = IGNORE - 1
    shares[known < 128] = IGNORE
    moved: Array = shares.astype(np.uint8)
    return moved


def move_mask(mask: Array, move: Callable[[Array, int], Array]) -> Array:
    """Return a mask after a move: 255, 0 or 128; edges at half coverage, 128 outside the source.

    Args:
        mask: (H, W) uint8 in 255, 0 and 128.
        move: takes (H, W) uint8 coverage, 0..255, and its value outside; returns the moved coverage.
    """

    def moved(chosen: NDArray[np.bool_], border: int) -> NDArray[np.bool_]:
        return move(chosen.astype(np.uint8) * 255, border) > 127

    result = np.where(moved(mask > IGNORE, 0), ON, 0).astype(np.uint8)
    result[moved(mask == IGNORE, 255)] = IGNORE
    return result


def photometric(image: Array, generator: np.random.Generator, spec: AugmentSpec) -> Array:
    """Return `image` with brightness, contrast, saturation, hue and noise changed, in this order; uint8."""
    brightness, contrast, saturation = (
        generator.uniform(1 - reach, 1 + reach) for reach in (spec.brightness, spec.contrast, spec.saturation)
    )
    shift = generator.uniform(-spec.hue, spec.hue)
    sigma = generator.uniform(0, spec.noise)
    pixels: NDArray[Any] = image.astype(np.float32) / 255 * np.float32(brightness)
    mean = np.float32((pixels @ LUMA).mean())
    pixels = mean + (pixels - mean) * np.float32(contrast)
    grey = (pixels @ LUMA)[:, :, None]
    pixels = (grey + (pixels - grey) * np.float32(saturation)).clip(0, 1)
    pixels = _turn_hue(pixels, shift)
    noise = generator.standard_normal(pixels.shape, dtype=np.float32) * np.float32(sigma)
    return np.asarray(((pixels + noise) * 255).round().clip(0, 255), dtype=np.uint8)


def _turn_hue(pixels: NDArray[Any], shift: float) -> NDArray[Any]:
    """Return RGB float pixels in [0, 1] with the hue moved by `shift` of the colour circle."""
    cv2 = opencv()
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)  # hue in degrees for float input
    hsv[:, :, 0] = (hsv[:, :, 0] + 360 * shift) % 360
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), dtype=np.float32)
