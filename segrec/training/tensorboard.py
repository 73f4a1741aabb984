"""A run's curves and pictures for TensorBoard."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from segrec.core.packages import package

Pictures = Mapping[str, Tensor | NDArray[Any]]
"""Images by name, (N, 3 or 1, H, W) each: uint8, or floats in [0, 1]."""


class Board:
    """Event files of one run, which go on at the step where a resumed run does.

    Args:
        folder: where the event files go; the first is made when there is something to show.
        images: gives what is to be seen at each evaluation; called in the main process, which may leave the model in
            eval mode.

    Raises:
        LibraryError: tensorboard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str], *, images: Callable[[], Pictures] | None = None) -> None:
        missing = "TensorBoard is not installed; run pip install 'segrec[tensorboard]'"
        self._folder, self._images = folder, images
        self._open: Callable[..., Any] = package("torch.utils.tensorboard.writer", missing).SummaryWriter
        self._writer: Any = None
        self._first_step = 1

    def begin(self, step: int) -> None:
        """Continue after `step` steps; what earlier files hold of later steps is hidden."""
        self.close()
        self._first_step = step + 1

    def add_scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        """Show each value as `group/name`."""
        for name, value in values.items():
            self._writing().add_scalar(f"{group}/{name}", value, step)

    def add_images(self, step: int) -> None:
        """Show what `images` gives, each name as one grid.

        Raises:
            ValueError: a picture has another shape.
        """
        for name, batch in ({} if self._images is None else self._images()).items():
            pixels = np.asarray(batch.detach().cpu() if isinstance(batch, Tensor) else batch)
            if pixels.ndim != 4 or pixels.shape[1] not in (1, 3):
                raise ValueError(f"images {name!r} must be (N, 3, H, W) or (N, 1, H, W), got {pixels.shape}")
            self._writing().add_images(name, pixels, step)

    def close(self) -> None:
        """Write everything out."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _writing(self) -> Any:
        if self._writer is None:
            self._writer = self._open(os.fspath(self._folder), purge_step=self._first_step)
        return self._writer
