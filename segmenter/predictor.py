"""The mask network in PyTorch, which is imported with the first network: names of this module do without it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple, Self

from segmenter.choices import TILE_SIDE, Scales
from segmenter.mask_predictor import MaskPredictor, Probabilities
from segmenter.preprocess import SCENE_HEIGHT
from segmenter.pyramid import check_scales
from segrec.core.errors import ConfigError
from segrec.core.images import Array

if TYPE_CHECKING:
    import torch

    from segmenter.interface import SegmentationNetwork


class Masks(NamedTuple):
    """Both masks of one picture, at its own size.

    Attributes:
        text: (H, W) float32 in [0, 1], the probability that a pixel belongs to a stroke.
        region: (H, W) float32 in [0, 1], the probability that a pixel lies in a text region.
    """

    text: Probabilities
    region: Probabilities


class TorchSegmenter(MaskPredictor):
    """Predicts masks for lists of pictures; how pictures enter the network, `MaskPredictor` says.

    Args:
        model: the network; moved to `device`, put into eval mode and copied in a faster form: later changes of its
            weights do not show here.
        device: a device's name or the device.
        amp: "off", "bf16" or "fp16".
        working_height: height of word crops in the network; None takes the one the weights were trained for.
        scene_height: pictures taller than this are scenes; None takes every picture for a word crop.
        longest_side: pictures with a longer side are shrunk to it first, for speed; None shrinks none.
        scales: sizes at which scenes enter the network, never above their own: shares of it up to 1, or longest sides
            in pixels above; 1 is their own size alone, None and "auto" take it and its halves.
        tile_side: longest side in the network, a multiple of 16 of at least 128.

    Raises:
        ConfigError: for an unknown device or precision, or a size that is too small.
    """

    def __init__(
        self,
        model: SegmentationNetwork,
        *,
        device: str | torch.device = "cpu",
        amp: str = "off",
        working_height: int | None = None,
        scene_height: int | None = SCENE_HEIGHT,
        longest_side: int | None = None,
        scales: Scales = "auto",
        tile_side: int = TILE_SIDE,
    ) -> None:
        import torch

        from segmenter.fused import for_prediction
        from segrec.core.device import autocast, resolve_device
        from segrec.core.memory import keep_convolutions

        super().__init__(
            working_height=model.working_height if working_height is None else working_height,
            scene_height=scene_height,
            longest_side=longest_side,
            scales=scales,
            tile_side=tile_side,
        )
        self.device = resolve_device(str(device))
        self.amp = amp
        keep_convolutions(self.device)
        with autocast(self.device, amp):  # refuses an unsupported precision now rather than at the first picture
            self.model = model.to(self.device).eval()
        self._network = for_prediction(self.model).to(memory_format=torch.channels_last)

    @property
    def has_region(self) -> bool:
        """Whether the network knows regions; one that does not has `predict_text` alone."""
        return self.model.has_region

    def for_scenes(self, *, longest_side: int | None = None, scales: Scales = "auto") -> Self:
        """Return the same network taking every picture for a scene; weights and device are shared.

        Args:
            longest_side: as in the constructor.
            scales: as in the constructor.

        Raises:
            ConfigError: a size that is too small.
        """
        other = copy.copy(self)
        other.scene_height, other.longest_side, other.scales = 0, longest_side, check_scales(scales)
        return other

    def predict(self, images: Sequence[Array], *, batch_size: int = 32) -> list[Masks]:
        """Return both masks of every picture, from the guided pass, in the order of `images`; `[]` gives `[]`.

        Args:
            images: uint8 or uint16 arrays (H, W, 3) RGB, (H, W) grey or (H, W, 4) RGBA, any size from 1x1.
            batch_size: most pictures in one run of the network; fewer when they are large.

        Raises:
            ValueError: for another kind of picture or a batch size below 1.
            ConfigError: the network knows no regions.
        """
        if not self.has_region:
            raise ConfigError(f"{self.model.architecture} knows no text regions; ask for its text masks alone")
        return [Masks(*maps) for maps in self._run(images, 2, batch_size)]

    def _probabilities(self, batch: Array, maps: int) -> Probabilities:
        import torch

        from segmenter.network import normalise_images
        from segrec.core.device import autocast

        network = self._network.text_mask if maps == 1 else self._network
        with torch.inference_mode(), autocast(self.device, self.amp), self._without_tf32():
            images = torch.from_numpy(batch).permute(0, 3, 1, 2).to(self.device)  # NCHW, channels last in memory
            logits = network(normalise_images(images))
            found: Probabilities = logits.float().sigmoid().cpu().numpy()
        return found

    def _without_tf32(self) -> AbstractContextManager[object]:
        """Return the context in which float32 is float32 on a GPU too; TF32 lets a batch's size change the result."""
        if self.device.type != "cuda" or self.amp != "off":
            return nullcontext()
        import torch

        return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
