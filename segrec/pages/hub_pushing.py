"""What networks that can be had by name share: their weights can be pushed to the Hugging Face Hub."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from segrec.core.hub import push_weights


class Pushed(ABC):
    """A network whose weights and page can be written."""

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
        write = partial(self._write_weights, notes=notes)
        return push_weights(repository, write, card=self._card(repository), private=private, message=message)

    @abstractmethod
    def _write_weights(self, path: Path, *, notes: Mapping[str, str] | None) -> None: ...

    @abstractmethod
    def _card(self, repository: str) -> str: ...
