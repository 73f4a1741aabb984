"""A recognizer in ONNX, which needs no PyTorch."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recognizers.charset import Charset
from recognizers.decoding.greedy import read_logits
from recognizers.decoding.places import ctc_places, placed
from recognizers.decoding.reading import Reading, check_temperature
from recognizers.lexicon import Lexicon
from recognizers.nearest_words import with_nearest
from recognizers.preprocess import InputSpec
from recognizers.word_reader import PlacedReadings, WordReader
from segrec.core.errors import CheckpointError, ConfigError
from segrec.core.onnx_runtime import OnnxNetwork


class OnnxRecognizer(WordReader):
    """Reads word images greedily with a network that `segrec export` wrote; a lexicon's word is the nearest one.

    Args:
        path: the `.onnx` file, or one that was opened.
        threads: of one run; None lets onnxruntime take all cores; an opened file has its own.

    Attributes:
        charset: the classes of its logits.

    Raises:
        LibraryError: onnxruntime is not installed.
        CheckpointError: the file cannot be run, or holds no recognizer.
    """

    def __init__(self, path: str | os.PathLike[str] | OnnxNetwork, *, threads: int | None = None) -> None:
        self._network = _opened(path, threads)
        settings, path = self._network.settings("recognizer"), self._network.path
        self.charset, self._spec = charset_of(settings, path), _spec_of(settings, path)
        self._temperature = _temperature_of(settings, path)

    @property
    def input_spec(self) -> InputSpec:
        """What the network takes."""
        return self._spec

    def _read_batch(
        self, prepared: Sequence[np.ndarray], lexicons: Sequence[Lexicon] | None, *, places: bool
    ) -> PlacedReadings:
        logits = self._network.run(np.stack(prepared))[0]
        readings = read_logits(logits / self._temperature, self.charset)
        known = places and not self.charset.is_attention  # the graph keeps no attention
        found = placed(readings, ctc_places(logits, self.charset) if known else None)
        return PlacedReadings(found if lexicons is None else with_nearest(found, lexicons), Counter())


class OnnxCropReader:
    """Reads crops with one graph of a mask network and a recognizer, which resamples them itself.

    Args:
        path: the `.onnx` file, or one that was opened.
        threads: of one run; None lets onnxruntime take all cores; an opened file has its own.

    Attributes:
        charset: the classes of its logits.

    Raises:
        LibraryError: onnxruntime is not installed.
        CheckpointError: the file cannot be run, or holds no such graph.
    """

    def __init__(self, path: str | os.PathLike[str] | OnnxNetwork, *, threads: int | None = None) -> None:
        self._network = _opened(path, threads)
        settings, path = self._network.settings("reader"), self._network.path
        self.charset, self._temperature = charset_of(settings, path), _temperature_of(settings, path)

    def read(self, images: Sequence[np.ndarray], *, batch_size: int = 64) -> list[tuple[Reading, np.ndarray]]:
        """Return the reading and the text mask, (H, W) float32 in [0, 1], of each image, in order.

        Args:
            images: (H, W, 3) uint8 RGB word crops; those of one size share a run.
            batch_size: images of one size at once.
        """
        by_size = defaultdict(list)
        for place, image in enumerate(images):
            by_size[image.shape].append(place)
        found: dict[int, tuple[Reading, np.ndarray]] = {}
        for alike in by_size.values():
            for first in range(0, len(alike), batch_size):
                places = alike[first : first + batch_size]
                pixels = np.stack([images[place].transpose(2, 0, 1) for place in places])
                logits, masks = self._network.run(pixels)
                read = read_logits(logits / self._temperature, self.charset)
                found.update(zip(places, zip(read, masks, strict=True), strict=True))
        return [found[place] for place in range(len(images))]


def open_onnx(path: str | os.PathLike[str], *, threads: int | None = None) -> OnnxRecognizer | OnnxCropReader:
    """Return the reader of an `.onnx` file, whichever of the two it holds; for errors see there."""
    network = OnnxNetwork(path, threads=threads)
    kind = network.settings("recognizer", "reader")["kind"]
    return OnnxCropReader(network) if kind == "reader" else OnnxRecognizer(network)


def _opened(path: str | os.PathLike[str] | OnnxNetwork, threads: int | None) -> OnnxNetwork:
    return path if isinstance(path, OnnxNetwork) else OnnxNetwork(path, threads=threads)


def charset_of(settings: Mapping[str, Any], path: str | os.PathLike[str]) -> Charset:
    """Return the classes of an exported network's logits.

    Raises:
        CheckpointError: its settings do not say.
    """
    try:
        return Charset(settings["charset"], settings["charset_kind"])
    except (KeyError, TypeError, ConfigError) as error:
        raise CheckpointError(f"{path} does not name its characters ({error}); export it again") from error


def _temperature_of(settings: Mapping[str, Any], path: str | os.PathLike[str]) -> float:
    """Return by what logits are divided before they are read; 1 where the file does not say."""
    try:
        return check_temperature(settings.get("temperature", 1.0))
    except ConfigError as error:
        raise CheckpointError(f"{path} has a wrong setting: {error}; export it again") from error


def _spec_of(settings: Mapping[str, Any], path: str | os.PathLike[str]) -> InputSpec:
    try:
        return InputSpec(**settings["input"])
    except (KeyError, TypeError, ConfigError) as error:
        raise CheckpointError(f"{path} does not say what it takes ({error}); export it again") from error
