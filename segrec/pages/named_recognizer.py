"""A recognizer that can be had by name, and pushed to the Hugging Face Hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from recognizers import predictor
from recognizers.loading import load_pretrained, save_recognizer
from segrec.pages.hub_cards import recognizer_card
from segrec.pages.hub_pushing import Pushed
from segrec.weights import PLAIN, resolve_weights


class Recognizer(Pushed, predictor.Recognizer):
    """Reads word crops; `read` and its options are those of `recognizers.Recognizer`."""

    @classmethod
    def from_pretrained(cls, weights: str | os.PathLike[str] = PLAIN, **options: Any) -> Self:
        """Return the recognizer of a shipped name, a run directory, a file or a repository of the Hub.

        Args:
            weights: what to load: `crnn-slim`, a run, segrec's weights, a public checkpoint, `hf-hub:owner/name`.
            options: `device` ("auto" by default), `amp`, `beam`, `temperature`.

        Raises:
            CheckpointError: there is no such file, or no recognizer that segrec knows fits it.
            ConfigError: the beam keeps no prefix, or too many; the temperature is not above 0.
            LibraryError: the Hub is named, and huggingface_hub is not installed.
        """
        options.setdefault("device", "auto")
        return cls(load_pretrained(resolve_weights(weights)), **options)

    def _write_weights(self, path: Path, *, notes: Mapping[str, str] | None) -> None:
        save_recognizer(path, self.model, notes=notes)

    def _card(self, repository: str) -> str:
        return recognizer_card(repository, self.model.architecture)
