"""The mask network in ONNX, which needs no PyTorch."""

from __future__ import annotations

import os

import numpy as np

from segmenter.mask_predictor import MaskPredictor, Probabilities
from segrec.core.errors import CheckpointError
from segrec.core.images import Array
from segrec.core.onnx_runtime import OnnxNetwork


class OnnxSegmenter(MaskPredictor):
    """Predicts the text masks of word crops with a network that `segrec export` wrote.

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

    def _probabilities(self, batch: Array, maps: int) -> Probabilities:
        assert maps == 1, "an exported mask network gives the text mask alone"
        pixels = np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
        return np.asarray(self._network.run(pixels)[0], dtype=np.float32)
