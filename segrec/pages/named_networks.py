"""Networks by name: shipped ones, those of runs and files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from segmenter import predictor
from segrec.weights import SEGMENTER, resolve_weights

if TYPE_CHECKING:
    from recognizers.predictor import Recognizer


class Segmenter(predictor.TorchSegmenter):
    """A segmenter that can be had by name; `predict` and its options are those of `segmenter.TorchSegmenter`."""

    @classmethod
    def from_pretrained(cls, weights: str | os.PathLike[str] = SEGMENTER, **options: Any) -> Segmenter:
        """Return the segmenter of a shipped name, a run directory or a weights file.

        Args:
            weights: what to load.
            options: `device` ("auto" by default), `amp`, `working_height`, `scene_height`, `longest_side`, `scales`,
                `tile_side`.

        Raises:
            CheckpointError: there is no such file, or it holds no segmenter.
        """
        from segmenter.loading import load_segmenter

        options.setdefault("device", "auto")
        return cls(load_segmenter(resolve_weights(weights)), **options)


def open_recognizer(
    weights: str | os.PathLike[str],
    *,
    device: str = "auto",
    amp: str = "off",
    beam: int | None = None,
    temperature: float | None = None,
) -> Recognizer:
    """Return the recognizer of a shipped name, a run directory, a weights file or a public checkpoint.

    Raises:
        CheckpointError: there is no such file, or no recognizer that segrec knows fits it.
        ConfigError: the beam keeps no prefix, or too many; the temperature is not above 0.
    """
    from recognizers.loading import load_pretrained
    from recognizers.predictor import Recognizer

    model = load_pretrained(resolve_weights(weights))
    return Recognizer(model, device=device, amp=amp, beam=beam, temperature=temperature)
