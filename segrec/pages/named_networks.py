"""Networks by name: shipped ones, those of runs, files and the Hugging Face Hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmenter import predictor
from segrec.pages.hub_cards import segmenter_card
from segrec.pages.hub_pushing import Pushed
from segrec.weights import SEGMENTER, resolve_weights

if TYPE_CHECKING:
    from segrec.pages.named_recognizer import Recognizer


class Segmenter(Pushed, predictor.TorchSegmenter):
    """A segmenter that can be had by name; `predict` and its options are those of `segmenter.TorchSegmenter`."""

    @classmethod
    def from_pretrained(cls, weights: str | os.PathLike[str] = SEGMENTER, **options: Any) -> Segmenter:
        """Return the segmenter of a shipped name, a run directory, a weights file or a repository of the Hub.

        Args:
            weights: what to load; of the Hub `hf-hub:owner/name`.
            options: `device` ("auto" by default), `amp`, `working_height`, `scene_height`, `longest_side`, `scales`,
                `tile_side`.

        Raises:
            CheckpointError: there is no such file, or it holds no segmenter.
            LibraryError: the Hub is named, and huggingface_hub is not installed.
        """
        from segmenter.loading import load_segmenter

        options.setdefault("device", "auto")
        return cls(load_segmenter(resolve_weights(weights)), **options)

    def _write_weights(self, path: Path, *, notes: Mapping[str, str] | None) -> None:
        from segmenter.loading import save_segmenter

        save_segmenter(path, self.model, notes=notes)

    def _card(self, repository: str) -> str:
        return segmenter_card(repository, self.model.architecture)


def open_recognizer(
    weights: str | os.PathLike[str],
    *,
    device: str = "auto",
    amp: str = "off",
    beam: int | None = None,
    temperature: float | None = None,
) -> Recognizer:
    """Return what `Recognizer.from_pretrained` does, which this imports when it is called."""
    from segrec.pages.named_recognizer import Recognizer

    return Recognizer.from_pretrained(weights, device=device, amp=amp, beam=beam, temperature=temperature)
