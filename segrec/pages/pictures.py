"""Pictures as users have them: arrays, Pillow's, files, encoded bytes and tensors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from segmenter.preprocess import as_rgb
from segrec.core.errors import DataError
from segrec.core.images import Array, decode_image, from_pillow, read_image

Picture = Any
"""An array, a Pillow picture, a path, encoded bytes or a tensor, see `as_picture`."""


def as_picture(given: Picture, position: int = 0) -> Array:
    """Return one picture as (H, W, 3) uint8 RGB; transparent pixels are laid on white.

    Args:
        given: an array (H, W, 3) uint8 or uint16 RGB, (H, W) grey or (H, W, 4) RGBA; a Pillow picture; the path of a
            file; its encoded bytes; or a torch tensor (3, H, W), (1, H, W) or (H, W), uint8 or float in [0, 1]. Files,
            bytes and Pillow pictures are turned upright by their EXIF orientation.
        position: place in the user's list, for the message.

    Raises:
        DataError: a file, bytes or a Pillow picture cannot be read, or is larger than a file may be.
        ValueError: it is nothing of these.
    """
    if isinstance(given, Image.Image | bytes | bytearray | memoryview):
        try:
            return from_pillow(given) if isinstance(given, Image.Image) else decode_image(bytes(given))
        except DataError as error:
            raise DataError(f"image {position}: {error}") from error
    if isinstance(given, str | os.PathLike):
        return read_image(given)
    if _is_tensor(given):
        return _from_tensor(given, position)
    return as_rgb(given, position)


def as_pictures(given: Sequence[Picture], name: str = "crops") -> list[Array]:
    """Return a list of pictures, each as (H, W, 3) uint8 RGB.

    Args:
        given: pictures as for `as_picture`; also one array (N, H, W, C) or tensor (N, C, H, W) of several.
        name: what to call the list in messages.

    Raises:
        DataError: a file or bytes cannot be read.
        ValueError: it is one picture rather than a list, or holds something else.
    """
    single = isinstance(given, Image.Image | bytes | bytearray | memoryview | str | os.PathLike)
    if single or (hasattr(given, "ndim") and given.ndim != 4):
        what = f"one array {tuple(given.shape)}" if hasattr(given, "shape") else f"one {type(given).__name__}"
        raise ValueError(f"{name} must be a list of pictures, got {what}; wrap it as [{name.removesuffix('s')}]")
    return [as_picture(one, position) for position, one in enumerate(given)]


def _is_tensor(given: object) -> bool:
    """Return whether it is a torch tensor, without importing torch for those who have none."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(given, torch.Tensor)


def _from_tensor(tensor: Any, position: int) -> Array:
    array = tensor.detach().cpu().numpy() if not tensor.is_floating_point() else tensor.detach().float().cpu().numpy()
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        array = array.transpose(1, 2, 0)
    elif array.ndim != 2:
        raise ValueError(
            f"image {position}: a tensor must be (3, H, W), (1, H, W) or (H, W), got {tuple(tensor.shape)}; "
            "give rows, columns, channels as an array: tensor.numpy()"
        )
    if array.dtype.kind == "f":
        low, high = float(array.min(initial=0)), float(array.max(initial=0))
        if not (low >= 0 and high <= 1):
            raise ValueError(
                f"image {position}: a float tensor must lie in [0, 1], got values from {low:g} to {high:g}; "
                "undo its normalisation first"
            )
        array = (array * 255).round().astype(np.uint8)
    return as_rgb(np.ascontiguousarray(array), position)
