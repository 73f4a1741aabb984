"""Which channels of an image a rectifier's localiser looks at."""

from __future__ import annotations

from torch import Tensor, nn

from recognizers.preprocess import InputSpec
from recognizers.widen import LUMA


def localiser_channels(spec: InputSpec, mask_in_rectifier: bool) -> int:
    """Input channels of the localiser of a recognizer that takes `spec`."""
    return spec.channels - int(spec.mask and not mask_in_rectifier)


def localiser_view(images: Tensor, channels: int) -> Tensor:
    """(N, channels, H, W) of images (N, C, H, W): all of them, colour without the mask, or the luma of the colour.

    Raises:
        ValueError: a localiser of that many channels cannot look at such images.
    """
    given = images.shape[1]
    if channels == given:
        return images
    if channels == 3 and given == 4:
        return images[:, :3]
    if channels == 1 and given in (3, 4):
        return (images[:, :3] * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    raise ValueError(f"a localiser of {channels} input channels cannot look at images of {given}")


def localiser_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The weights of a recognizer's localiser, none for one without: in training they learn more slowly.

    A grid that moves as fast as the readers learn drifts away from the frame it starts with.
    """
    first: str | None = getattr(model, "rectifier_layer", None)
    return [] if first is None else list(model.get_submodule(first.split(".")[0]).parameters())
