"""Which channels of an image a rectifier's localiser looks at."""

from __future__ import annotations

from torch import Tensor, nn

from recognizers.colour_channels import colour_channels
from recognizers.preprocess import InputSpec


def localiser_channels(spec: InputSpec, mask_in_rectifier: bool) -> int:
    """Input channels of the localiser of a recognizer that takes `spec`."""
    return spec.channels - int(spec.mask and not mask_in_rectifier)


def localiser_view(images: Tensor, channels: int) -> Tensor:
    """(N, channels, H, W) of images (N, C, H, W): all of them, colour without the mask, or the luma of the colour.

    Raises:
        ValueError: a localiser of that many channels cannot look at such images.
    """
    return images if channels == images.shape[1] else colour_channels(images, channels)


def localiser_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The weights of a recognizer's localiser, none for one without: in training they learn more slowly.

    A grid that moves as fast as the readers learn drifts away from the frame it starts with.
    """
    first: str | None = getattr(model, "rectifier_layer", None)
    return [] if first is None else list(model.get_submodule(first.split(".")[0]).parameters())
