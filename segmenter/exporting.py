"""The mask network as one graph from pixels to probabilities, for export."""

from __future__ import annotations

from torch import Tensor, nn

from segmenter.fused import FusedNet
from segmenter.network import MutuallyGuidedNet, normalise_images


class TextMaskGraph(nn.Module):
    """Gives the text mask of pixels, the last pass's where there are two; the region mask is left out.

    Args:
        network: copied in its fused form.
    """

    def __init__(self, network: MutuallyGuidedNet) -> None:
        super().__init__()
        self.network = FusedNet(network).eval()

    def forward(self, pixels: Tensor) -> Tensor:
        """Return probabilities (N, 1, H, W) in [0, 1] of (N, 3, H, W) RGB, 0..255, H and W multiples of 16."""
        return self.network.text_mask(normalise_images(pixels)).sigmoid()
