"""The recognizers that can verify masks: segrec's own, and PP-OCR's in ONNX."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from recognizers.loading import load_pretrained
from recognizers.ppocr import PaddleRecognizer, packaged_recognizer
from recognizers.predictor import Recognizer
from segrec.core.errors import CheckpointError, ConfigError
from segrec.core.files import file_digest
from segrec.data.labelling.acceptance import Verifier
from segrec.weights import resolve_weights

PPOCR = "ppocr"


class VerifierFile(NamedTuple):
    """A recognizer that is not opened yet: its name, its file and the file's digest."""

    name: str
    path: Path
    digest: str


def find_verifier(name_or_path: str | os.PathLike[str]) -> VerifierFile:
    """Return the file of a verifier.

    Args:
        name_or_path: a shipped name, a run directory, weights, an `.onnx` file of PP-OCR, or `ppocr` for the one that
            the package rapidocr carries.

    Raises:
        CheckpointError: there is no such file.
        LibraryError: it is `ppocr`, and the package is missing.
    """
    packaged = str(name_or_path) == PPOCR and not Path(PPOCR).exists()
    path = packaged_recognizer() if packaged else resolve_weights(name_or_path)
    try:
        return VerifierFile(path.stem, path, file_digest(path))
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}; check its permissions") from error


def open_verifier(file: VerifierFile, *, device: str = "cpu") -> Verifier:
    """Return a verifier that is ready to read; those in ONNX run on the CPU.

    Raises:
        CheckpointError: the file is not a recognizer.
        ConfigError: the recognizer needs masks itself.
        LibraryError: it is in ONNX, and onnxruntime is missing.
    """
    if file.path.suffix.lower() == ".onnx":
        return PaddleRecognizer(file.path)
    recognizer = Recognizer(load_pretrained(file.path), device=device)
    if recognizer.needs_mask:
        raise ConfigError(f"{file.name} needs a mask to read; verify with a recognizer without one, as crnn-slim")
    return recognizer
