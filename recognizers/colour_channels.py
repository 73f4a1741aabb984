"""The colour channels of a network's input in the number that a layer takes."""

from __future__ import annotations

from torch import Tensor

from segrec.core.images import LUMA_WEIGHTS


def colour_channels(images: Tensor, channels: int) -> Tensor:
    """Return (N, channels, H, W), colour without the mask or the luma of the colour, of images (N, 3 or 4, H, W).

    Raises:
        ValueError: a layer of that many channels cannot look at such images.
    """
    given = images.shape[1]
    if channels == 3 and given in (3, 4):
        return images[:, :3]
    if channels == 1 and given in (3, 4):
        return (images[:, :3] * images.new_tensor(LUMA_WEIGHTS).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    raise ValueError(f"a layer of {channels} input channels cannot look at images of {given}")
