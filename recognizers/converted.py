"""Recognizers that came in ONNX, as PP-OCR's do, as PyTorch networks that can be widened and trained."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from recognizers.charset import Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.families.report import Conversion, LoadReport
from recognizers.onnx_graph import graph_from_text, graph_to_text, packages, read_graph, say_ranks
from recognizers.ppocr import HEIGHT, stated_charset
from recognizers.preprocess import InputSpec
from segrec.core.errors import CheckpointError, ConfigError
from segrec.core.onnx_runtime import SETTINGS

PPOCR = InputSpec(height=HEIGHT, width=160, color="rgb", keep_ratio=True)
"""PP-OCR reads at the picture's ratio; 160 columns are an average word's, for batches of one size."""

_TURNED = "red first, as the picture is given here; the file takes blue first"


class ConvertedRecognizer(RecognizerNetwork):
    """A CTC recognizer that onnx2torch made of a graph in ONNX; its first layer takes RGB.

    Args:
        charset: the classes of the logits, blank first.
        input_spec: 3 or 4 input channels.
        graph: from `onnx_graph.graph_to_text`.

    Raises:
        ConfigError: the graph is damaged, cannot be converted, or has no convolution that takes the picture.
        LibraryError: onnx or onnx2torch is not installed.
    """

    architecture = "onnx"

    def __init__(self, *, charset: Charset, input_spec: InputSpec = PPOCR, graph: str) -> None:
        super().__init__()
        self.charset, self.input_spec, self.graph = charset, input_spec, graph
        try:
            self.network = _converted(graph_from_text(graph)).to(torch.get_default_device())
        except (ValueError, CheckpointError) as error:
            raise ConfigError(str(error)) from error
        self.input_layer = f"network.{_first_convolution(self.network)}"
        first: Any = self.get_submodule(self.input_layer)
        if first.in_channels != input_spec.channels:
            wide = nn.Conv2d(
                input_spec.channels,
                first.out_channels,
                first.kernel_size,
                first.stride,
                first.padding,
                first.dilation,
                bias=first.bias is not None,
            )
            self.set_submodule(self.input_layer, wide)

    def sizes(self) -> dict[str, Any]:
        """Return what `config` says of this kind of network alone: its graph, without weights."""
        return {"graph": self.graph}

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, T, classes); class 0 is the blank.

        Args:
            images: (N, C, H, W), H the graph's height, as `preprocess.normalise` gives them: colour in [-1, 1], mask in
                [0, 1].

        Raises:
            ValueError: another shape.
        """
        spec = self.input_spec
        if images.ndim != 4 or images.shape[1] != spec.channels or images.shape[2] != spec.height:
            raise ValueError(f"images must be (N, {spec.channels}, {spec.height}, W), got {tuple(images.shape)}")
        logits: Tensor = self.network(images)
        return logits


def from_onnx(path: str | os.PathLike[str], charset: Charset | None = None) -> tuple[ConvertedRecognizer, LoadReport]:
    """Return the recognizer of PP-OCR's `.onnx` file, in eval mode on the CPU, with its weights, and the report.

    PP-OCR's networks take blue first; the first layer's weights are turned, so that this one takes red first.

    Args:
        path: the file, whose metadata name the characters.
        charset: the characters, where the file does not.

    Raises:
        LibraryError: a package for ONNX is not installed.
        CheckpointError: the file cannot be read or converted, or is not such a recognizer.
    """
    model, metadata = read_graph(path)
    if SETTINGS in metadata:
        raise CheckpointError(f"{path} was written by segrec export; load the weights that it was made of")
    known = charset or stated_charset(metadata, path)
    try:
        network = ConvertedRecognizer(charset=known, input_spec=_spec_of(model), graph=graph_to_text(model))
    except ConfigError as error:
        raise CheckpointError(f"{path} cannot be converted: {error}") from error
    source = _converted(model)
    first: Any = source.get_submodule(network.input_layer.removeprefix("network."))
    with torch.no_grad():
        first.weight.copy_(first.weight.flip(1))
    network.network.load_state_dict(source.state_dict())
    classes = _classes(network.eval(), path)
    if classes != known.classes:
        raise CheckpointError(
            f"{path} has {classes} classes, but its characters make {known.classes}; pass charset= with them in order"
        )
    turned = f"{network.input_layer}.weight"
    copied = tuple(name for name in network.state_dict() if name != turned)
    return network, LoadReport(copied, converted=(Conversion(_TURNED, (turned,)),))


def _spec_of(model: Any) -> InputSpec:
    """Return what a graph takes: the height that it names, if it does."""
    sides = model.graph.input[0].type.tensor_type.shape.dim
    if len(sides) != 4:
        raise ConfigError(f"it takes an input of {len(sides)} dimensions, not pictures (N, 3, height, width)")
    return replace(PPOCR, height=sides[2].dim_value or HEIGHT)


_REFUSALS = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError, RuntimeError)
"""What onnx2torch raises of graphs that it does not know: a NotImplementedError of an operator is a RuntimeError."""


@torch.no_grad()
def _classes(network: ConvertedRecognizer, path: str | os.PathLike[str]) -> int:
    """Return how many classes there are for each column of a picture."""
    try:
        logits = network(torch.zeros(1, 3, network.input_spec.height, 64))
    except (RuntimeError, ValueError, IndexError, TypeError) as error:  # whatever another network does with a picture
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path} cannot read a picture ({reason}); give a recognizer of PP-OCR") from error
    return int(logits.shape[-1]) if logits.ndim == 3 else 0


def _converted(model: Any) -> nn.Module:
    """Return a graph as a PyTorch network, whose weights are parameters and whose constants are buffers."""
    with warnings.catch_warnings(), torch.device("cpu"):  # whatever the device on which other parts are built
        warnings.simplefilter("ignore")
        try:
            say_ranks(model)
            network: nn.Module = packages()[1].convert(model)
        except _REFUSALS as error:
            raise ConfigError(f"onnx2torch cannot convert it ({error}); export it with other operators") from error
    holder = getattr(network, "initializers", nn.Module())  # none where layers hold all weights
    for name, given in list(holder.named_buffers()):
        tensor = given.clone(memory_format=torch.contiguous_format)  # NumPy's single numbers have a stride of 0
        delattr(holder, name)
        if tensor.is_floating_point() and tensor.numel() > 1:
            holder.register_parameter(name, nn.Parameter(tensor))
        else:
            holder.register_buffer(name, tensor)
    for name, module in list(network.named_modules()):
        if type(module).__name__ == "OnnxSlice":
            network.set_submodule(name, _Slice())
    return network


class _Slice(nn.Module):
    """ONNX's Slice with steps from 1; onnx2torch's takes a list for an index, which PyTorch is giving up."""

    def forward(
        self, values: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None = None, steps: Tensor | None = None
    ) -> Tensor:
        places = range(len(starts)) if axes is None else axes.tolist()
        strides = [1] * len(starts) if steps is None else steps.tolist()
        for axis, start, end, step in zip(places, starts.tolist(), ends.tolist(), strides, strict=True):
            index = [slice(None)] * values.ndim
            index[axis] = slice(start, end, step)
            values = values[tuple(index)]
        return values


def _first_convolution(network: nn.Module) -> str:
    """Name of the convolution that takes the picture."""
    own: Any = network
    for node in own.graph.nodes:
        if node.op == "call_module" and node.args and node.args[0].op == "placeholder":
            module = network.get_submodule(node.target)
            name = f"{node.target}.1" if isinstance(module, nn.Sequential) else str(node.target)
            if type(network.get_submodule(name)) is nn.Conv2d:
                return name
    raise ConfigError("no convolution takes the picture itself, so that no mask can be added to it; take another file")
