"""Graphs in ONNX made ready for conversion to PyTorch, and kept without their weights as a text."""

from __future__ import annotations

import base64
import os
import zlib
from math import prod
from types import ModuleType
from typing import Any

from segrec.core.errors import CheckpointError
from segrec.core.onnx_fields import read_network
from segrec.core.onnx_runtime import REMEDY
from segrec.core.packages import package

MOST_BYTES, MOST_NUMBERS = 2**24, 2**28
"""Of a graph without its weights, and of these: what a header may ask for."""

SMALL = 64
"""Integers of at most so many are part of the graph: shapes, axes, places."""


def read_graph(path: str | os.PathLike[str]) -> tuple[Any, dict[str, str]]:
    """Return a file's `onnx.ModelProto`, see `plain_graph`, and the metadata that it had.

    Raises:
        LibraryError: the package onnx is not installed.
        CheckpointError: the file is missing, damaged, too large, has weights in other files, or cannot be converted.
    """
    onnx = packages()[0]
    content = read_network(path)
    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # protobuf's own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path} is not a readable .onnx file ({reason}); copy it again") from error
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    return plain_graph(model, str(path)), metadata


def plain_graph(model: Any, source: str) -> Any:
    """Return a graph of logits with names of our own, whatever it was called.

    PyTorch writes a network's `forward` as Python code with its modules' names in it, so no name of a foreign file may
    reach it. A softmax at the end is taken off, automatic padding of layers without strides is written out, and weights
    that are constants among the nodes, as PP-OCRv4's are, become weights of the graph: onnx2torch knows neither.

    Args:
        model: an `onnx.ModelProto`; it is changed.
        source: what to call it in errors.

    Raises:
        CheckpointError: it does not have one input and one output, calls functions of its own, holds graphs in its
            nodes, or pads automatically in a layer with strides.
    """
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1 or len(graph.output) != 1 or model.functions or graph.sparse_initializer:
        raise CheckpointError(f"{source} is not a recognizer: {len(inputs)} inputs and {len(graph.output)} outputs")
    if graph.node and graph.node[-1].op_type == "Softmax":
        graph.output[0].name = graph.node[-1].input[0]
        del graph.node[-1]
    for node in graph.node:
        _write_padding_out(node, source)
    _gather_weights(graph, source)
    _rename(graph, inputs[0])
    for field in ("value_info", "doc_string", "metadata_props"):
        graph.ClearField(field)
    for field in ("metadata_props", "doc_string", "producer_name", "producer_version"):
        model.ClearField(field)
    return model


def say_ranks(model: Any) -> None:
    """Write down the rank of what is normalised behind a convolution, by which onnx2torch chooses a BatchNorm.

    Behind a reshape to sides that a picture gives, as PP-OCRv4 has it, it follows from the convolution's weights alone.

    Args:
        model: an `onnx.ModelProto` of `plain_graph`; it is changed.
    """
    graph, helper = model.graph, packages()[0].helper
    ranks = {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    convolved = {node.output[0]: ranks.get(node.input[1]) for node in graph.node if node.op_type == "Conv"}
    for node in graph.node:
        rank = convolved.get(node.input[0]) if node.op_type == "BatchNormalization" else None
        if rank is not None:
            graph.value_info.append(helper.make_tensor_value_info(node.input[0], 1, [None] * rank))


def graph_to_text(model: Any) -> str:
    """Return a graph without its weights as base64, for the header of a weights file."""
    skeleton = type(model)()
    skeleton.CopyFrom(model)
    for tensor in skeleton.graph.initializer:
        if not _is_structure(tensor):
            for field in ("raw_data", "float_data", "double_data", "int32_data"):
                tensor.ClearField(field)
    return base64.b64encode(zlib.compress(skeleton.SerializeToString(deterministic=True), 9)).decode("ascii")


def graph_from_text(text: str) -> Any:
    """Return the `onnx.ModelProto` of `graph_to_text`, its weights zeros.

    Raises:
        LibraryError: the package onnx is not installed.
        ValueError: the text is not such a graph, or asks for more memory than any recognizer needs.
    """
    onnx = packages()[0]
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(base64.b64decode(text, validate=True), MOST_BYTES)
        model = onnx.load_from_string(content)
    except Exception as error:  # zlib's, protobuf's
        raise ValueError(f"the graph in the header is damaged ({type(error).__name__})") from error
    tensors = model.graph.initializer
    sizes = [prod(tensor.dims) for tensor in tensors]
    if any(tensor.data_location for tensor in tensors) or min(sizes, default=0) < 0 or sum(sizes) > MOST_NUMBERS:
        raise ValueError(f"the graph in the header asks for files or for more than {MOST_NUMBERS} numbers")
    for tensor in tensors:
        if not _is_structure(tensor):
            size = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
            tensor.raw_data = bytes(size * prod(tensor.dims))
    return plain_graph(model, "the graph in the header")


def packages() -> tuple[ModuleType, ModuleType]:
    """Return the packages onnx and onnx2torch.

    Raises:
        LibraryError: one is not installed.
    """
    missing = f"networks in ONNX are converted by onnx2torch, which is not installed; {REMEDY}"
    return package("onnx", missing), package("onnx2torch", missing)


def _is_structure(tensor: Any) -> bool:
    """Return whether a tensor's values are those of the graph, not of a training."""
    return tensor.data_type in (6, 7) and prod(tensor.dims) <= SMALL  # int32 and int64


def _gather_weights(graph: Any, source: str) -> None:
    """Put constants that a training may change among the weights; numbers and shapes stay where they are."""
    nodes = list(graph.node)
    for node in nodes:
        given = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type != "Constant" or "value" not in given or not node.output:
            continue
        tensor = given["value"].t
        if tensor.data_location:
            raise CheckpointError(f"{source} has weights in other files; give one file that holds all of them")
        if prod(tensor.dims) > 1 and not _is_structure(tensor):
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
            graph.node.remove(node)


def _write_padding_out(node: Any, source: str) -> None:
    """Put `pads` in the place of `auto_pad`, of which half a kernel's pixels are left over below and to the right."""
    given = {attribute.name: attribute for attribute in node.attribute}
    if any(attribute.g.ByteSize() or len(attribute.graphs) for attribute in node.attribute) or node.domain:
        raise CheckpointError(f"{source} holds a {node.op_type} of its own kind, which cannot be converted")
    automatic = given["auto_pad"].s if "auto_pad" in given else b"NOTSET"
    if automatic in (b"NOTSET", b"VALID"):
        return
    sizes = list(given["kernel_shape"].ints)
    dilations = _ints(given, "dilations", len(sizes))
    kernel = [1 + (size - 1) * step for size, step in zip(sizes, dilations, strict=True)]
    if set(_ints(given, "strides", len(kernel))) != {1}:
        raise CheckpointError(
            f"{source} pads automatically in a {node.op_type} with strides; export it with plain pads"
        )
    less, more = [(size - 1) // 2 for size in kernel], [size // 2 for size in kernel]
    pads = (less, more) if automatic == b"SAME_UPPER" else (more, less)
    node.attribute.remove(given["auto_pad"])
    if "pads" in given:
        node.attribute.remove(given["pads"])
    written = node.attribute.add()
    written.name, written.type = "pads", 7  # INTS
    written.ints.extend([*pads[0], *pads[1]])


def _ints(attributes: dict[str, Any], name: str, count: int) -> list[int]:
    return list(attributes[name].ints) if name in attributes else [1] * count


def _rename(graph: Any, image: Any) -> None:
    kept = type(image)()
    kept.CopyFrom(image)
    names = {"": "", image.name: "images"}
    for number, tensor in enumerate(graph.initializer):
        names[tensor.name] = tensor.name = f"weight_{number}"
    for number, node in enumerate(graph.node):
        if not node.op_type.isidentifier():
            raise CheckpointError(f"a node is called {node.op_type!r}, which is not an operator of ONNX")
        node.name = f"{node.op_type.lower()}_{number}"
        unknown = [name for name in node.input if name not in names]
        if unknown:
            raise CheckpointError(f"a {node.op_type} takes {unknown[0]!r}, which nothing gives; export the file again")
        node.input[:] = [names[name] for name in node.input]
        for place, name in enumerate(node.output):
            if name:
                names[name] = f"value_{number}_{place}"
        node.output[:] = [names.get(name, "") for name in node.output]
    graph.output[0].name = names.get(graph.output[0].name, "")
    del graph.input[:]
    graph.input.append(kept)
    graph.input[0].name = "images"
