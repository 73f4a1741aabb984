"""An exported network compared with PyTorch on words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from segrec.core.errors import TrainingError
from segrec.core.onnx_runtime import OnnxNetwork
from segrec.jobs.export_graphs import ExportGraph

TOLERANCE, HALF_TOLERANCE, INT8_TOLERANCE = 1e-3, 5e-2, 2e-2
"""How far an exported network's values may be from PyTorch's, with weights rounded to float16, and in the mean of all
pixels of a quantized one."""


def compare_with_torch(graph: ExportGraph, path: Path, *, half_weights: bool, int8: bool) -> tuple[float, int]:
    """Return the largest difference from PyTorch and how many texts were read, all equal; with `int8` the mean one.

    Raises:
        TrainingError: a value is farther off than the tolerance, or a text differs.
    """
    network, differences, read, same = OnnxNetwork(path, threads=1), [], 0, True
    tolerance, remedy = TOLERANCE, "update torch and onnxruntime"
    if half_weights:
        tolerance, remedy = HALF_TOLERANCE, "export without half weights"
    if int8:
        tolerance, remedy = INT8_TOLERANCE, "calibrate with words like those to be masked, or export without --int8"
    for batch in graph.batches:
        with torch.no_grad():
            found = graph.module(torch.tensor(batch))
        expected = [part.numpy() for part in (found if isinstance(found, tuple) else (found,))]
        exported = network.run(batch)
        same &= all(one.shape == other.shape for one, other in zip(expected, exported, strict=True))
        if same:
            pairs = zip(expected, exported, strict=True)
            differences += [np.abs(one - other).reshape(-1) for one, other in pairs]
        if graph.texts is not None:
            read += len(batch)
            same &= graph.texts(expected[0]) == graph.texts(exported[0])
    all_of_them = np.concatenate(differences) if differences else np.zeros(1)
    difference = float(all_of_them.mean() if int8 else all_of_them.max())
    if not same or difference > tolerance:
        raise TrainingError(
            f"the exported network differs from PyTorch (values by {difference:.2g}, at most {tolerance:g} may be; "
            f"shapes and texts {'equal' if same else 'too'}); {remedy}"
        )
    return difference, read
