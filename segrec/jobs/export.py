"""Networks as ONNX files that read and segment without PyTorch, checked against it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recognizers.decoding import read_logits
from recognizers.exporting import CtcGraph, recognizer_graph
from recognizers.loading import load_pretrained
from recognizers.preprocess import prepare
from segmenter.exporting import TextMaskGraph
from segmenter.loading import load_segmenter
from segmenter.models import MODELS
from segmenter.network import MutuallyGuidedNet
from segmenter.preprocess import STRIDE, padded, rescale, working_size
from segrec.core.checkpoint import read_header
from segrec.core.errors import ConfigError, TrainingError
from segrec.core.files import atomic_path, check_writable, file_digest
from segrec.core.images import Array, decode_image
from segrec.core.onnx_export import Axes, write_onnx
from segrec.core.onnx_runtime import OnnxNetwork
from segrec.jobs.crop_graph import CropReader
from segrec.rendering.words import WordRenderer
from segrec.weights import resolve_weights

SUFFIX = ".onnx"
TOLERANCE, HALF_TOLERANCE = 1e-3, 5e-2
"""How far an exported network's values may be from PyTorch's, and with weights rounded to float16."""

CHECKED = 12
"""Rendered words on which both are compared."""


class Exported(NamedTuple):
    """What came of an export.

    Attributes:
        output: the file.
        kind: "segmenter", "recognizer" or "reader", both in one graph.
        size: bytes.
        difference: the largest from PyTorch's values on rendered words, of logits or of probabilities.
        texts: how many words were read, all as by PyTorch; 0 for a segmenter.
    """

    output: Path
    kind: str
    size: int
    difference: float
    texts: int


class _Graph(NamedTuple):
    """A network on its way out: batches to check it on, and how its outputs are read."""

    module: nn.Module
    example: Tensor
    settings: Mapping[str, Any]
    outputs: Sequence[tuple[str, Axes]]
    batches: Sequence[NDArray[np.uint8]]
    texts: Callable[[NDArray[Any]], list[str]] | None
    axes: Axes


def export_onnx(
    weights: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    segmenter: str | os.PathLike[str] | None = None,
    half_weights: bool = False,
) -> Exported:
    """Return what came of an export; the network is in `output`, with what is to be known of it in its metadata.

    Args:
        weights: shipped name, run directory, weights file or public checkpoint of a segmenter or a recognizer.
        output: the file to write, ending in `.onnx`.
        segmenter: weights of a mask network that goes into the same graph, before a CRNN with a mask channel: crops
            in, logits and masks out.
        half_weights: store the weights as float16, see `segrec.core.onnx_export.write_onnx`.

    Raises:
        CheckpointError: the weights cannot be read.
        ConfigError: the output has another suffix, or the network cannot be exported.
        LibraryError: a package for ONNX is missing.
        TrainingError: what was written differs from PyTorch; a file that was there before stays.
        DataError: the output cannot be written.
    """
    source, target = resolve_weights(weights), Path(output)
    if target.suffix != SUFFIX:
        raise ConfigError(f"the output must end in {SUFFIX}, got {target}")
    check_writable(target, "--output")
    words = _rendered_words()
    if _is_segmenter(source):
        if segmenter is not None:
            raise ConfigError(f"{source} is itself a segmenter; name a recognizer, or leave --segmenter out")
        graph = _segmenter(source, words)
    elif segmenter is not None:
        graph = _reader(source, resolve_weights(segmenter), words)
    else:
        graph = _recognizer(source, words)
    graph.module.eval()  # the containers too: the exporter sets their parts back to their mode
    with atomic_path(target) as partial:
        write_onnx(
            partial,
            graph.module,
            graph.example,
            graph.settings,
            inputs=("pixels", graph.axes),
            outputs=graph.outputs,
            half_weights=half_weights,
        )
        difference, read = _compare(graph, partial, half_weights)
    return Exported(target, graph.settings["kind"], target.stat().st_size, difference, read)


def _is_segmenter(path: Path) -> bool:
    return path.suffix == ".safetensors" and read_header(path).architecture in MODELS


def _mask_network(path: Path) -> MutuallyGuidedNet:
    """Return the mask network of a file.

    Raises:
        ConfigError: it is another one, which takes pictures of fewer sizes.
    """
    network = load_segmenter(path)
    if not isinstance(network, MutuallyGuidedNet):
        raise ConfigError(f"{path} holds a {network.architecture}; the mutually guided network alone is exported")
    return network


def _segmenter(source: Path, words: Sequence[Array]) -> _Graph:
    network = _mask_network(source)
    height = network.working_height
    seen = [padded(rescale(word, working_size(word.shape[:2], height=height, scene_height=None))) for word in words]
    return _Graph(
        TextMaskGraph(network),
        torch.zeros(2, 3, 2 * STRIDE, 3 * STRIDE, dtype=torch.uint8),
        {
            "kind": "segmenter",
            "architecture": network.architecture,
            "working_height": height,
            "normalisation": "in the graph: feed RGB, uint8, 0..255; it computes x / 127.5 - 1",
            "padding": f"repeat the last row and column up to multiples of {STRIDE}, and cut the mask's off",
            "output": "probability of a text pixel, [0, 1]",
            "weights": {"name": source.stem, "digest": file_digest(source)},
        },
        [("text", {0: "n", 2: "height", 3: "width"})],
        [np.ascontiguousarray(picture.transpose(2, 0, 1)[None]) for picture in seen],
        None,
        {0: "n", 2: "height", 3: "width"},
    )


def _recognizer(source: Path, words: Sequence[Array]) -> _Graph:
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
    return _Graph(
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


def _reader(source: Path, segmenter: Path, words: Sequence[Array]) -> _Graph:
    model = load_pretrained(source)
    network = _mask_network(segmenter)
    batches = [np.ascontiguousarray(word.transpose(2, 0, 1)[None]) for word in words]
    return _Graph(
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


def _compare(graph: _Graph, path: Path, half_weights: bool) -> tuple[float, int]:
    """Return the largest difference from PyTorch and how many texts were read, all equal.

    Raises:
        TrainingError: a value is farther off than the tolerance, or a text differs.
    """
    network, difference, read = OnnxNetwork(path, threads=1), 0.0, 0
    tolerance, remedy = TOLERANCE, "update torch and onnxruntime"
    if half_weights:
        tolerance, remedy = HALF_TOLERANCE, "export without half weights"
    for batch in graph.batches:
        with torch.no_grad():
            found = graph.module(torch.tensor(batch))
        expected = [part.numpy() for part in (found if isinstance(found, tuple) else (found,))]
        exported = network.run(batch)
        same = all(one.shape == other.shape for one, other in zip(expected, exported, strict=True))
        if same:
            pairs = zip(expected, exported, strict=True)
            difference = max(difference, *(float(np.abs(one - other).max()) for one, other in pairs))
        if graph.texts is not None:
            read += len(batch)
            same &= graph.texts(expected[0]) == graph.texts(exported[0])
        if not same or difference > tolerance:
            raise TrainingError(
                f"the exported network differs from PyTorch (values by {difference:.2g}, at most {tolerance:g} may be; "
                f"shapes and texts {'equal' if same else 'too'}); {remedy}"
            )
    return difference, read


def _rendered_words() -> list[Array]:
    renderer = WordRenderer(seed=0)
    return [decode_image(renderer.render(index).jpeg) for index in range(CHECKED)]


def _ink(word: Array) -> Array:
    """Return a mask that looks like one: dark pixels."""
    return np.asarray((word.mean(axis=2) < word.mean()) * np.uint8(255), dtype=np.uint8)
