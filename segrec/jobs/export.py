"""Networks as ONNX files that read and segment without PyTorch, checked against it."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from segmenter.exporting import BothMasksGraph, QuantizableMaskGraph, TextMaskGraph
from segmenter.models import MODELS
from segrec.core.checkpoint import read_header
from segrec.core.errors import ConfigError, DataError
from segrec.core.files import atomic_path, check_writable
from segrec.core.images import Array, decode_image
from segrec.core.onnx_export import write_onnx
from segrec.core.onnx_int8 import quantize_onnx
from segrec.data.words import WordLmdb
from segrec.jobs.export_check import compare_with_torch
from segrec.jobs.export_graphs import ExportGraph, reader_graph, reading_graph, segmenter_graph
from segrec.rendering.words import WordRenderer
from segrec.weights import resolve_weights

SUFFIX = ".onnx"
CHECKED, CALIBRATED = 12, 256
"""Rendered words on which both are compared, and words that tell a quantized network the ranges of its maps."""


class Exported(NamedTuple):
    """What came of an export.

    Attributes:
        output: the file.
        kind: "segmenter", "recognizer" or "reader", both in one graph.
        size: bytes.
        difference: the largest from PyTorch's values on rendered words, of logits or of probabilities; of a quantized
            network the mean one.
        texts: how many words were read, all as by PyTorch; 0 for a segmenter.
    """

    output: Path
    kind: str
    size: int
    difference: float
    texts: int


def export_onnx(
    weights: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    segmenter: str | os.PathLike[str] | None = None,
    half_weights: bool = False,
    region: bool = False,
    int8: bool = False,
    calibrate: str | os.PathLike[str] | None = None,
) -> Exported:
    """Return what came of an export; the network is in `output`, with what is to be known of it in its metadata.

    Args:
        weights: shipped name, run directory, weights file or public checkpoint of a segmenter or a recognizer.
        output: the file to write, ending in `.onnx`.
        segmenter: weights of a mask network that goes into the same graph, before a CRNN with a mask channel: crops
            in, logits and masks out.
        half_weights: store the weights as float16, see `segrec.core.onnx_export.write_onnx`.
        region: let a mask network give the region mask, too, in which words of photographs are found.
        int8: quantize a mask network, see `segrec.core.onnx_int8.quantize_onnx`.
        calibrate: database of words like those to be masked, of which the first 256 say which ranges a quantized
            network's maps have; None renders them.

    Raises:
        CheckpointError: the weights cannot be read.
        ConfigError: the output has another suffix, the network cannot be exported, or options contradict each other.
        LibraryError: a package for ONNX is missing.
        TrainingError: what was written differs from PyTorch; a file that was there before stays.
        DataError: the output cannot be written.
    """
    source, target = resolve_weights(weights), Path(output)
    if target.suffix != SUFFIX:
        raise ConfigError(f"the output must end in {SUFFIX}, got {target}")
    _check_options(half_weights=half_weights, region=region, int8=int8, calibrate=calibrate)
    check_writable(target, "--output")
    graph = _graph(source, segmenter, region=region, int8=int8)
    with atomic_path(target) as partial:
        if int8:
            quantizable = segmenter_graph(source, _calibration_words(calibrate), QuantizableMaskGraph)
            _write(quantizable, partial)
            quantize_onnx(partial, quantizable.batches)
        else:
            _write(graph, partial, half_weights=half_weights)
        difference, read = compare_with_torch(graph, partial, half_weights=half_weights, int8=int8)
    return Exported(target, graph.settings["kind"], target.stat().st_size, difference, read)


def _graph(source: Path, segmenter: str | os.PathLike[str] | None, *, region: bool, int8: bool) -> ExportGraph:
    words = _rendered_words(CHECKED)
    if _is_segmenter(source):
        if segmenter is not None:
            raise ConfigError(f"{source} is itself a segmenter; name a recognizer, or leave --segmenter out")
        return segmenter_graph(source, words, BothMasksGraph if region else TextMaskGraph)
    for given, option in ((region, "--region"), (int8, "--int8")):
        if given:
            raise ConfigError(f"{source} holds a recognizer, and {option} is for mask networks; leave it out")
    if segmenter is not None:
        return reader_graph(source, resolve_weights(segmenter), words)
    return reading_graph(source, words)


def _check_options(*, half_weights: bool, region: bool, int8: bool, calibrate: object) -> None:
    if int8 and (half_weights or region):
        other = "--half-weights" if half_weights else "--region"
        raise ConfigError(f"--int8 does not go with {other}: it is for text masks in 8 bits; leave one out")
    if calibrate is not None and not int8:
        raise ConfigError("--calibrate names the words for --int8; leave it out, or add --int8")


def _write(graph: ExportGraph, path: Path, *, half_weights: bool = False) -> None:
    graph.module.eval()  # the containers too: the exporter sets their parts back to their mode
    write_onnx(
        path,
        graph.module,
        graph.example,
        graph.settings,
        inputs=("pixels", graph.axes),
        outputs=graph.outputs,
        half_weights=half_weights,
    )


def _is_segmenter(path: Path) -> bool:
    return path.suffix == ".safetensors" and read_header(path).architecture in MODELS


def _calibration_words(path: str | os.PathLike[str] | None) -> list[Array]:
    """Return the first readable words of a database, or rendered ones.

    Raises:
        DataError: the database cannot be read, or has no readable word.
    """
    if path is None:
        return _rendered_words(CALIBRATED)
    readable = (word.image for word in WordLmdb(path) if word.image is not None)
    words = list(islice(readable, CALIBRATED))
    if not words:
        raise DataError(f"{path} has no readable word to calibrate with; name another --calibrate")
    return words


def _rendered_words(count: int) -> list[Array]:
    renderer = WordRenderer(seed=0)
    return [decode_image(renderer.render(index).jpeg) for index in range(count)]
