"""Networks by name: shipped ones, those of runs, files and the Hugging Face Hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from segmenter import predictor
from segrec.core.hub import push_weights
from segrec.pages.hub_cards import segmenter_card
from segrec.weights import SEGMENTER, resolve_weights

if TYPE_CHECKING:
    from segrec.pages.named_recognizer import Recognizer


class Segmenter(predictor.TorchSegmenter):
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

    def push_to_hub(
        self,
        repository: str,
        *,
        private: bool = False,
        message: str = "Add weights",
        notes: Mapping[str, str] | None = None,
    ) -> str:
        """Return the address of a Hub repository that now holds the weights, for `from_pretrained("hf-hub:...")`.

        Args:
            repository: `owner/name`; it is made where it does not exist.
            private: whether a new repository is hidden from others.
            message: of the commit.
            notes: for the weights' header, such as what they were trained on.

        Raises:
            LibraryError: huggingface_hub is not installed.
            ConfigError: the repository's name has another form.
            CheckpointError: the Hub refuses it, or cannot be reached.
        """
        from segmenter.loading import save_segmenter

        write = partial(save_segmenter, model=self.model, notes=notes)
        card = segmenter_card(repository, self.model.architecture)
        return push_weights(repository, write, card=card, private=private, message=message)


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
