"""The mask network in ONNX, which needs no PyTorch."""

from __future__ import annotations

import os

import numpy as np

from segmenter.mask_predictor import MaskPredictor, Probabilities
from segrec.core.errors import CheckpointError
from segrec.core.images import Array
from segrec.core.onnx_runtime import OnnxNetwork


class OnnxSegmenter(MaskPredictor):
    """Predicts the masks of word crops, and by `for_scenes` of scenes, with a network that `segrec export` wrote.

    Args:
        path: the `.onnx` file.
        threads: of one run; None lets onnxruntime take all cores.

    Raises:
        LibraryError: onnxruntime is not installed.
        CheckpointError: the file cannot be run, or holds no mask network.
    """

    def __init__(self, path: str | os.PathLike[str], *, threads: int | None = None) -> None:
        network = OnnxNetwork(path, threads=threads)
        settings = network.settings("segmenter")
        if not isinstance(settings.get("working_height"), int):
            raise CheckpointError(f"{path} does not say at which height it sees words; export it again")
        super().__init__(working_height=settings["working_height"], scene_height=None)
        self._network = network

    @property
    def has_region(self) -> bool:
        """Whether the file was exported with regions."""
        return self._network.outputs == 2

    @property
    def called(self) -> str:
        """The file's path."""
        return str(self._network.path)

    def _probabilities(self, batch: Array, maps: int) -> Probabilities:
        pixels = np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
        found = self._network.run(pixels)[:maps]
        return np.asarray(found[0] if maps == 1 else np.concatenate(found, axis=1), dtype=np.float32)
