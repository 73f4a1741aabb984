"""Networks whose convolutions multiply integers of 8 bits, by ONNX Runtime's quantizer."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segrec.core.onnx_runtime import REMEDY, open_quantizer, open_runtime
from segrec.core.packages import package

OPERATORS = ("Conv", "Relu", "Clip", "Add", "MaxPool", "Reshape", "Transpose")
"""What is computed in 8 bits, so that nothing between two convolutions goes through float32."""
_WARNING, _FATAL = 2, 4
"""Severities of onnxruntime's log; the first is its default."""


def quantize_onnx(path: Path, batches: Sequence[NDArray[np.uint8]]) -> None:
    """Replace a float32 network in ONNX by one with weights and maps of 8 bits; its metadata stay.

    Each map gets the range that its values have on the batches. Weights, of one range per channel, get 7 of the 8 bits:
    processors without VNNI add products in 16 bits, which would overflow.

    Args:
        path: the file, with one input.
        batches: inputs like those that it will be given.

    Raises:
        LibraryError: the packages onnx and onnxruntime are not installed.
    """
    onnx = package("onnx", f"ONNX files are written by the package onnx, which is not installed; {REMEDY}")
    tools: Any = open_quantizer()
    model = onnx.load(path)
    named = iter([{model.graph.input[0].name: batch} for batch in batches])

    class Batches(tools.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            return next(named, None)

    with TemporaryDirectory() as folder, _quiet(open_runtime()):
        quantized = Path(folder) / "quantized.onnx"
        tools.quantize_static(
            path,
            quantized,
            Batches(),
            op_types_to_quantize=list(OPERATORS),
            per_channel=True,
            reduce_range=True,
            activation_type=tools.QuantType.QUInt8,
            weight_type=tools.QuantType.QInt8,
        )
        found: Any = onnx.load(quantized)
    del found.metadata_props[:]
    found.metadata_props.extend(model.metadata_props)
    path.write_bytes(found.SerializeToString(deterministic=True))


@contextmanager
def _quiet(runtime: ModuleType) -> Iterator[None]:
    """Keep from the terminal what the quantizer and its runs of the network advise."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    runtime.set_default_logger_severity(_FATAL)
    try:
        yield
    finally:
        logging.disable(before)
        runtime.set_default_logger_severity(_WARNING)
