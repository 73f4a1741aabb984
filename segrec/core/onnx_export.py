"""The only door out of PyTorch into ONNX: a network's graph with segrec's settings in its metadata."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from math import prod
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segrec.core.errors import ConfigError
from segrec.core.files import atomic_path
from segrec.core.onnx_runtime import FORMAT_VERSION, REMEDY, SETTINGS
from segrec.core.packages import package

OPSET = 17
FEWEST_HALVED = 256
"""Numbers of a tensor that is worth storing as float16: biases and what normalises pixels are not."""

Axes = Mapping[int, str]
"""Number and name of each axis whose length may change."""


def write_onnx(
    path: str | os.PathLike[str],
    graph: nn.Module,
    example: Tensor,
    settings: Mapping[str, Any],
    *,
    inputs: tuple[str, Axes],
    outputs: Sequence[tuple[str, Axes]],
    half_weights: bool = False,
) -> None:
    """Write a network as one `.onnx` file, atomically.

    PyTorch's exporter by TorchScript is used: that by `torch.export` fixes the length of LSTMs at the example's.

    Args:
        path: the file.
        graph: a module or a ScriptModule of one tensor, in eval mode on the CPU.
        example: an input.
        settings: JSON-able; what `segrec.core.onnx_runtime.OnnxNetwork.settings` gives, with "kind" among them.
        inputs: name and changing axes of the input.
        outputs: the same of each output, in order.
        half_weights: store the weights as float16, which onnxruntime turns into float32 once, when it loads the file.

    Raises:
        LibraryError: the package onnx is not installed.
        ConfigError: the network has an operator without an equivalent, or weights too large for float16.
        DataError: the file cannot be written.
    """
    onnx = package("onnx", f"ONNX files are written by the package onnx, which is not installed; {REMEDY}")
    with atomic_path(path) as partial:
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")  # of the exporter's age, and of checks of shapes that it leaves out
                torch.onnx.export(
                    graph,
                    (example,),
                    partial,
                    input_names=[inputs[0]],
                    output_names=[name for name, _ in outputs],
                    dynamic_axes={name: dict(axes) for name, axes in (inputs, *outputs)},
                    opset_version=OPSET,
                    dynamo=False,
                )
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            reason = str(error).splitlines()[0].partition(" Please feel")[0]
            raise ConfigError(f"this network cannot be exported ({reason}); export another one") from error
        model = onnx.load(partial)
        if half_weights:
            _halve_weights(onnx, model.graph)
        partial.write_bytes(_with_settings(model, settings))


def _with_settings(model: Any, settings: Mapping[str, Any]) -> bytes:
    entry = model.metadata_props.add()
    entry.key, entry.value = SETTINGS, json.dumps({"version": FORMAT_VERSION, **settings}, ensure_ascii=False)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _halve_weights(onnx: ModuleType, graph: Any) -> None:
    """Replace a graph's large float32 tensors by float16 ones and a Cast that has the old name."""
    nodes = list(graph.node)
    del graph.node[:]
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or prod(tensor.dims) < FEWEST_HALVED:
            continue
        name, values = tensor.name, onnx.numpy_helper.to_array(tensor)
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ConfigError(f"{name} holds values too large for float16; export without half weights")
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        graph.node.append(onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))
    graph.node.extend(nodes)
