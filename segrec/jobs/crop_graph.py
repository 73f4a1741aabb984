"""From a crop of any size to a recognizer's input in one graph: the mask network and all resampling inside."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from recognizers.exporting import CtcGraph
from segmenter.exporting import TextMaskGraph
from segmenter.preprocess import LONGEST_CROP, STRIDE
from segrec.core.errors import ConfigError


class CropReader(nn.Module):
    """Reads crops as `segrec.Reader` does with the same two networks, from the pixels of the crops themselves.

    Pixels and masks are not rounded between the steps, as pictures and stores of masks round them: what lies between
    two levels would fall to either side as the last bits of a sum happen to be, and so differ from machine to machine.

    Args:
        segmenter: gives the text mask.
        working_height: at which it sees words.
        recognizer: a CTC network for RGB + mask of a fixed size.

    Raises:
        ConfigError: the recognizer is another one.
    """

    def __init__(self, segmenter: TextMaskGraph, working_height: int, recognizer: CtcGraph) -> None:
        super().__init__()
        spec = recognizer.model.input_spec
        if not spec.mask or spec.keep_ratio or recognizer.model.charset.is_attention:
            raise ConfigError(
                "one graph of both networks is for CRNNs with a mask channel and one input size; "
                "export this recognizer alone"
            )
        if spec.interpolation not in ("bilinear", "bicubic"):
            raise ConfigError(f"one graph resamples bilinear or bicubic, not {spec.interpolation}; export it alone")
        self.segmenter, self.working_height, self.recognizer = segmenter, working_height, recognizer
        self.size, self.kernel = (spec.height, spec.width), spec.interpolation

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, T, classes) and text masks (N, H, W) in [0, 1] of crops (N, 3, H, W), RGB, 0..255."""
        given = [torch.as_tensor(crops.shape[axis]) for axis in (2, 3)]
        crops = crops.to(torch.float32)
        working = self._working_size(*given)
        paddings = [(side + STRIDE - 1) // STRIDE * STRIDE for side in working]
        seen = _resampled(crops, given, working, "area", padded=paddings)
        probabilities = self.segmenter(seen)[:, 0]  # (N, h, w), of which the padding is not used
        masks = _resampled(probabilities, working, given, "area")
        fine = torch.where(given[0] > working[0], self._resized(masks, given), self._resized(probabilities, working))
        channels = (self._resized(crops, given, self.kernel), 255 * fine[:, None])
        return self.recognizer(torch.cat(channels, dim=1)), masks

    def _working_size(self, height: Tensor, width: Tensor) -> list[Tensor]:
        """Return `segmenter.preprocess.working_size` of a crop."""
        longest = torch.maximum(height, width).double()
        enlarged = torch.clamp(LONGEST_CROP / longest, min=1.0)
        scale = torch.minimum(self.working_height / height.double(), enlarged)
        return [(side.double() * scale).round().clamp(min=1.0).to(torch.int64) for side in (height, width)]

    def _resized(self, pixels: Tensor, given: list[Tensor], kernel: str = "bilinear") -> Tensor:
        """Pixels (..., h, w), of which `given` (height, width) hold a picture, at the recognizer's size."""
        return _resampled(pixels, given, [torch.as_tensor(side) for side in self.size], kernel)


def _resampled(
    pixels: Tensor, given: list[Tensor], size: list[Tensor], kernel: str, *, padded: list[Tensor] | None = None
) -> Tensor:
    """Pixels (..., h, w), of which `given` (height, width) hold a picture, at `size`, edges repeated to `padded`."""
    down, across = (
        _weights(pixels.shape[axis - 2], given[axis], size[axis], kernel, rows=None if padded is None else padded[axis])
        for axis in (0, 1)
    )
    return down @ pixels @ across.T


def _weights(total: Any, inputs: Tensor, outputs: Tensor, kernel: str, *, rows: Tensor | None = None) -> Tensor:
    """Return (rows, total): each input pixel's share in each output one; the last row is repeated up to `rows`.

    Args:
        total: pixels that are there, of which the first `inputs` are a picture's.
        inputs: sides as 0-dimensional int64.
        outputs: likewise.
        kernel: "area" is OpenCV's average when shrinking and linear when enlarging; the others are Pillow's.
        rows: how many; None is `outputs`.
    """
    last: Any = outputs if rows is None else rows  # arange takes a tensor too, so that the graph follows its value
    places = torch.arange(last)
    places = torch.minimum(places, outputs - 1).to(torch.float32)[:, None]
    pixels = torch.arange(total).to(torch.float32)[None]
    scale = inputs.to(torch.float32) / outputs.to(torch.float32)
    if kernel == "area":
        low = places * scale
        average = torch.minimum(low + scale, pixels + 1) - torch.maximum(low, pixels)
        centre = torch.minimum((low + scale / 2 - 0.5).clamp(min=0.0), (inputs - 1).to(torch.float32))
        weights = torch.where(scale > 1, average, 1 - (pixels - centre).abs()).clamp(min=0.0)
    else:
        smoothing = scale.clamp(min=1.0)
        distance = ((places + 0.5) * scale - pixels - 0.5).abs() / smoothing
        weights = (1 - distance).clamp(min=0.0) if kernel == "bilinear" else _cubic(distance)
    weights = weights * (pixels < inputs)
    return weights / weights.sum(dim=1, keepdim=True)


def _cubic(distance: Tensor) -> Tensor:
    """Pillow's bicubic kernel (Keys, a = -0.5) at distances from 0."""
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return torch.where(distance < 1, near, far * (distance < 2))
