"""A recognizer that can be had by name, and pushed to the Hugging Face Hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

from recognizers import predictor
from recognizers.loading import load_pretrained, save_recognizer
from segrec.core.hub import push_weights
from segrec.pages.hub_cards import recognizer_card
from segrec.weights import PLAIN, resolve_weights


class Recognizer(predictor.Recognizer):
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
        write = partial(save_recognizer, model=self.model, notes=notes)
        card = recognizer_card(repository, self.model.architecture)
        return push_weights(repository, write, card=card, private=private, message=message)
