"""Where weights are: shipped under a name, in a run directory, in a file of the user's or EasyOCR's, or on the Hub."""

from __future__ import annotations

import os
from pathlib import Path

from segrec.core.easyocr_files import NAMES, easyocr_file, how_to_get
from segrec.core.errors import CheckpointError
from segrec.core.hub import PREFIX, fetch_weights, is_hub_name

FOLDER = Path(__file__).parent / "weights"
SEGMENTER = "mgnet-slim"
OUTLINES = "mgnet-wide"
"""A mask network with better outlines, at twice the time; masks for reading gain nothing by it."""
QUANTIZED = f"{SEGMENTER}-int8"
"""The mask network in ONNX with 8 bits, in about half the time."""
FINDER = f"{SEGMENTER}-page"
"""The mask network in ONNX with regions, which finds the words of photographs."""
PLAIN = "crnn-slim"
ASTER = "aster-slim"
VARIANTS = {"none": "", "random": "-random", "zero": "-zero", "predicted": "-predicted", "oracle": "-predicted"}
"""What is appended to the name of plain weights for those that were fine-tuned with each kind of mask."""

SHIPPED = "shipped"
"""What the shipped recognizers are called together, where no model is named."""

CONTROL = f"{PLAIN}-none"
"""`PLAIN`, trained on as its variants with masks were, but without one: what they are fairly compared with."""

READER = PLAIN + VARIANTS["predicted"]
"""What reads pictures where no weights are named."""


def weights_for(mask: str, model: str | None = None) -> str:
    """Return the weights to read with under a kind of mask.

    Args:
        mask: one of the kinds; of another, such as those of a mask check, there are no variants.
        model: what the user named. None stands for the CRNN that was fine-tuned with that kind of mask, or without
            one, so that what masks gain is not mixed with what the fine-tuning does. A name stands for the variant
            of each kind of mask that is shipped for it; everything else stands for itself.
    """
    if model is None:
        return CONTROL if mask == "none" else PLAIN + VARIANTS[mask]
    variant = model + VARIANTS.get(mask, "")
    return variant if variant in shipped_names() and not Path(model).exists() else model


def shipped_names() -> list[str]:
    """Return the names of the weights that come with the package."""
    return sorted(file.stem for file in FOLDER.glob("*.safetensors"))


def is_named(text: str) -> bool:
    """Return whether a text that is no path here is the name of shipped weights or of a file of EasyOCR's."""
    return not Path(text).exists() and (text in shipped_names() or text.removesuffix(".pth") in NAMES)


def resolve_weights(name_or_path: str | os.PathLike[str]) -> Path:
    """Return the weights file that a shipped name, a run directory, a path or `hf-hub:owner/name` stands for.

    The name of one of EasyOCR's recognizers, such as `english_g2`, stands for the file that EasyOCR keeps.

    Raises:
        CheckpointError: it is none of these; the message lists the shipped names.
        LibraryError: the Hub is named, and huggingface_hub is not installed.
    """
    if isinstance(name_or_path, str) and is_hub_name(name_or_path):
        return fetch_weights(name_or_path)
    path = Path(name_or_path)
    if path.is_dir():
        for candidate in ("best.safetensors", "last.safetensors"):
            if (path / candidate).exists():
                return path / candidate
        raise CheckpointError(f"{path} is a folder without best.safetensors or last.safetensors; name a run or a file")
    if path.exists():
        return path
    shipped = FOLDER / f"{name_or_path}.safetensors"
    if path.name == str(name_or_path) and shipped.exists():
        return shipped
    public = str(name_or_path).removesuffix(".pth")
    if public in NAMES:
        kept = easyocr_file(public)
        if kept is not None:
            return kept
        raise CheckpointError(f"{name_or_path} is EasyOCR's, and {how_to_get(public)}")
    raise CheckpointError(
        f"no weights at {path}; name a file, a run directory, {PREFIX}owner/name, or one of "
        + ", ".join(shipped_names())
    )


def resolve_onnx(name_or_path: str | os.PathLike[str]) -> Path:
    """Return the `.onnx` file that a shipped name or a path stands for.

    Raises:
        CheckpointError: it is neither; the message lists the shipped names.
    """
    path = Path(name_or_path)
    shipped = FOLDER / f"{name_or_path}.onnx"
    if path.is_file():
        return path
    if path.name == str(name_or_path) and shipped.exists():
        return shipped
    names = ", ".join(sorted(file.stem for file in FOLDER.glob("*.onnx")))
    raise CheckpointError(f"no network in ONNX at {path}; write one with segrec export, or name one of {names}")
