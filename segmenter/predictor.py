"""The mask network in PyTorch, which is imported with the first network: names of this module do without it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from segmenter.choices import TILE_SIDE, Scales
from segmenter.mask_predictor import MaskPredictor, Masks, Probabilities
from segmenter.preprocess import SCENE_HEIGHT
from segrec.core.images import Array

__all__ = ["Masks", "TorchSegmenter"]

if TYPE_CHECKING:
    import torch

    from segmenter.interface import SegmentationNetwork


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

    @property
    def called(self) -> str:
        """The network's architecture."""
        return self.model.architecture

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
