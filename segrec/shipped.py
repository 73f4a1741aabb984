"""Where weights are: shipped with the package under a short name, in a run directory, or in a file of the user's."""

from __future__ import annotations

import os
from pathlib import Path

from segrec.core.errors import CheckpointError

FOLDER = Path(__file__).parent / "weights"
SEGMENTER = "mgnet-slim"
PLAIN = "crnn-slim"
ASTER = "aster-slim"
BY_MASK = {
    "none": PLAIN,
    "random": f"{PLAIN}-random",
    "zero": f"{PLAIN}-zero",
    "predicted": f"{PLAIN}-predicted",
    "oracle": f"{PLAIN}-predicted",
}
"""The shipped recognizer that was fine-tuned with each kind of mask."""


def shipped_names() -> list[str]:
    """Return the names of the weights that come with the package."""
    return sorted(file.stem for file in FOLDER.glob("*.safetensors"))


def resolve_weights(name_or_path: str | os.PathLike[str]) -> Path:
    """Return the weights file that a shipped name, a run directory or a path stands for.

    Raises:
        CheckpointError: it is none of these; the message lists the shipped names.
    """
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
    raise CheckpointError(f"no weights at {path}; name a file, a run directory, or one of {', '.join(shipped_names())}")
