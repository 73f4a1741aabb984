"""Networks as graphs to be exported, with words on which they are compared afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recognizers.decoding import read_logits
from recognizers.exporting import CtcGraph, recognizer_graph
from recognizers.loading import load_pretrained
from recognizers.preprocess import prepare
from segmenter.exporting import TextMaskGraph
from segmenter.loading import load_segmenter
from segmenter.network import MutuallyGuidedNet
from segmenter.preprocess import STRIDE, padded, rescale, working_size
from segrec.core.errors import ConfigError
from segrec.core.files import file_digest
from segrec.core.images import Array
from segrec.core.onnx_export import Axes
from segrec.jobs.crop_graph import CropReader


class ExportGraph(NamedTuple):
    """A network on its way out.

    Attributes:
        module: takes pixels, 0..255, and gives one output or several.
        example: an input to trace it with.
        settings: what stands in the file's metadata.
        outputs: name and changing axes of each.
        batches: inputs to check it on.
        texts: makes the first output into what was read; None for a segmenter.
        axes: of the input, that change.
    """

    module: nn.Module
    example: torch.Tensor
    settings: Mapping[str, Any]
    outputs: Sequence[tuple[str, Axes]]
    batches: Sequence[NDArray[np.uint8]]
    texts: Callable[[NDArray[Any]], list[str]] | None
    axes: Axes


def segmenter_graph(source: Path, words: Sequence[Array], kind: type[TextMaskGraph]) -> ExportGraph:
    """Return a mask network with the words as it will see them.

    Args:
        source: its weights.
        words: (H, W, 3) uint8 RGB crops.
        kind: which maps it gives, and how it computes them.

    Raises:
        ConfigError: it is another network than the mutually guided one.
    """
    network = _mask_network(source)
    height = network.working_height
    seen = [padded(rescale(word, working_size(word.shape[:2], height=height, scene_height=None))) for word in words]
    return ExportGraph(
        kind(network),
        torch.zeros(2, 3, 2 * STRIDE, 3 * STRIDE, dtype=torch.uint8),
        {
            "kind": "segmenter",
            "architecture": network.architecture,
            "working_height": height,
            "normalisation": "in the graph: feed RGB, uint8, 0..255; it computes x / 127.5 - 1",
            "padding": f"repeat the last row and column up to multiples of {STRIDE}, and cut the mask's off",
            "output": "probabilities in [0, 1] of " + " and of ".join(kind.outputs),
            "weights": {"name": source.stem, "digest": file_digest(source)},
        },
        [(name, {0: "n", 2: "height", 3: "width"}) for name in kind.outputs],
        [np.ascontiguousarray(picture.transpose(2, 0, 1)[None]) for picture in seen],
        None,
        {0: "n", 2: "height", 3: "width"},
    )


def reading_graph(source: Path, words: Sequence[Array]) -> ExportGraph:
    """Return a recognizer with the words as it will see them.

    Args:
        source: its weights, a run or a public checkpoint.
        words: (H, W, 3) uint8 RGB crops.

    Raises:
        ConfigError: it cannot be exported.
    """
    model = load_pretrained(source)
    spec = model.input_spec
    inputs = [prepare(word, _ink(word) if spec.mask else None, spec) for word in words]
    batches = [one[None] for one in inputs] if spec.keep_ratio else [inputs[0][None], np.stack(inputs)]
    example = torch.from_numpy(np.stack([inputs[0]] * 2))
    width = "the image's ratio, a multiple of 16 from 32 to 2048" if spec.keep_ratio else f"{spec.width}, stretched"
    padding = f"none: height {spec.height}, width {width}"
    if spec.padding == "edge":
        padding = f"height {spec.height}, width by the ratio, the right edge repeated to whole heights; a mask by zeros"
    mask = "; x / 255 of the mask, the last channel" if spec.mask else ""
    changing = {0: "n", 3: "width"} if not model.charset.is_attention else {0: "n"}
    return ExportGraph(
        recognizer_graph(model, example),
        example,
        {
            "kind": "recognizer",
            "architecture": model.architecture,
            "charset": model.charset.characters,
            "charset_kind": model.charset.kind,
            "temperature": model.temperature,
            "input": asdict(spec),
            "normalisation": f"in the graph: feed uint8, 0..255; (x - {spec.mean}) / {spec.deviation} of colours{mask}",
            "padding": padding,
            "weights": {"name": source.stem, "digest": file_digest(source)},
        },
        [("logits", {0: "n", 1: "steps"})],
        batches,
        lambda logits: [reading.text for reading in read_logits(logits, model.charset)],
        changing,
    )


def reader_graph(source: Path, segmenter: Path, words: Sequence[Array]) -> ExportGraph:
    """Return a recognizer behind a mask network in one graph, with the words.

    Args:
        source: weights of a CRNN with a mask channel.
        segmenter: weights of the mask network.
        words: (H, W, 3) uint8 RGB crops.

    Raises:
        ConfigError: they cannot be one graph.
    """
    model = load_pretrained(source)
    network = _mask_network(segmenter)
    batches = [np.ascontiguousarray(word.transpose(2, 0, 1)[None]) for word in words]
    return ExportGraph(
        CropReader(TextMaskGraph(network), network.working_height, CtcGraph(model)),
        torch.from_numpy(batches[0]).repeat(2, 1, 1, 1),
        {
            "kind": "reader",
            "architecture": f"{network.architecture} + {model.architecture}",
            "charset": model.charset.characters,
            "charset_kind": model.charset.kind,
            "temperature": model.temperature,
            "working_height": network.working_height,
            "input": asdict(model.input_spec),
            "normalisation": "in the graph: feed RGB crops, uint8, 0..255",
            "padding": "none: crops of any size, those of a batch of one size; the graph resamples",
            "weights": {"name": source.stem, "digest": file_digest(source)},
            "segmenter": {"name": segmenter.stem, "digest": file_digest(segmenter)},
        },
        [("logits", {0: "n", 1: "steps"}), ("text", {0: "n", 1: "height", 2: "width"})],
        [*batches, np.repeat(batches[1], 3, axis=0)],
        lambda logits: [reading.text for reading in read_logits(logits, model.charset)],
        {0: "n", 2: "height", 3: "width"},
    )


def _mask_network(path: Path) -> MutuallyGuidedNet:
    """Return the mask network of a file.

    Raises:
        ConfigError: it is another one, which takes pictures of fewer sizes.
    """
    network = load_segmenter(path)
    if not isinstance(network, MutuallyGuidedNet):
        raise ConfigError(f"{path} holds a {network.architecture}; the mutually guided network alone is exported")
    return network


def _ink(word: Array) -> Array:
    """Return a mask that looks like one: dark pixels."""
    return np.asarray((word.mean(axis=2) < word.mean()) * np.uint8(255), dtype=np.uint8)
