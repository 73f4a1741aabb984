"""A tiny recognizer in ONNX, made as PP-OCR's are: blue first, characters in the metadata, a softmax at the end."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

CHARACTERS = "abcdefghij"


class SmallPaddle(nn.Module):
    """Convolutions of which one pads by hand and two automatically, a mixing layer by matrices, and a head."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.even = nn.Conv2d(6, 6, 2)
        self.pool = nn.MaxPool2d(2, stride=1)
        self.mean = nn.AvgPool2d((22, 2))
        self.scale = nn.Parameter(torch.rand(1, 6, 1, 1) + 0.5)
        self.mix, self.head = nn.Linear(6, 6), nn.Linear(6, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Probabilities (N, T, classes) of (N, 3, 48, W), blue first."""
        maps = torch.relu(self.norm(self.first(images)))
        maps = self.mean(self.pool(torch.relu(self.even(maps)))) * self.scale
        columns = maps.flatten(2).transpose(1, 2)
        halves = self.mix(columns)
        columns = columns + torch.erf(torch.cat((halves[:, :, 3:], halves[:, :, :3]), dim=2))
        return self.head(columns).softmax(dim=2)


def write_small_ppocr(path: Path, *, characters: str = CHARACTERS, **changes: Any) -> Path:
    """Return the file of a random recognizer, the same each time.

    Args:
        path: to write.
        characters: in the metadata; the head has classes for `CHARACTERS` and a space.
        changes: `automatic`, the strides of the layers that pad automatically; `name`, of the first node; `constants`,
            whether weights are nodes, as PP-OCRv4's are.
    """
    torch.manual_seed(0)
    network = SmallPaddle(len(CHARACTERS) + 2).train()
    with torch.no_grad():
        for _ in range(10):
            network(torch.rand(4, 3, 48, 96) * 2 - 1)
        network.head.weight *= 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(2, 3, 48, 96),),
            path,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "n", 3: "w"}, "y": {0: "n", 1: "t"}},
            opset_version=14,
            dynamo=False,
        )
    model = onnx.load(path)
    for node in model.graph.node:
        if [list(field.ints) for field in node.attribute if field.name == "kernel_shape"] == [[2, 2]]:
            _pad_automatically(node, changes.get("automatic", 1))
    model.graph.node[0].name = changes.get("name", model.graph.node[0].name)
    if changes.get("constants"):
        _as_constants(model.graph)
    entry = model.metadata_props.add()
    entry.key, entry.value = "character", "\n".join(characters)
    onnx.save(model, path)
    return path


def _pad_automatically(node: Any, stride: int) -> None:
    for name in ("pads", "strides"):
        for field in [field for field in node.attribute if field.name == name]:
            node.attribute.remove(field)
    node.attribute.append(onnx.helper.make_attribute("auto_pad", "SAME_UPPER"))
    node.attribute.append(onnx.helper.make_attribute("strides", [stride, stride]))


def _as_constants(graph: Any) -> None:
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(
        onnx.helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in graph.initializer
    )
    graph.node.extend(nodes)
    del graph.initializer[:]
