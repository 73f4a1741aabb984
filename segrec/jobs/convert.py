"""Turns a public checkpoint into segrec weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from recognizers.families import LoadReport
from recognizers.loading import load_pretrained, save_recognizer
from segrec.core.errors import ConfigError
from segrec.core.files import check_writable, file_digest

SUFFIX = ".safetensors"


class Converted(NamedTuple):
    """What came of a conversion: the new file, its network's name and charset, and what became of each tensor."""

    output: Path
    architecture: str
    characters: str
    report: LoadReport


def convert_checkpoint(
    checkpoint: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    charset: str | None = None,
    drop_objects: bool = False,
    half: bool = False,
) -> Converted:
    """Return what became of each tensor of `checkpoint`; the weights are in `output`.

    Args:
        checkpoint: a public checkpoint, or segrec weights that are to be whole or half as large.
        output: the file to write, ending in `.safetensors`.
        charset: the characters in order, where the number of classes does not tell them.
        drop_objects: read also a file that holds other objects than tensors, without them and running nothing of it.
        half: store floats as float16.

    Raises:
        ConfigError: the output has another suffix or is the checkpoint itself.
        CheckpointError: the checkpoint cannot be read or is of no known family.
        DataError: the output cannot be written.
    """
    source, target = Path(checkpoint), Path(output)
    if target.suffix != SUFFIX or os.path.realpath(target) == os.path.realpath(source):
        raise ConfigError(f"the output must be a new file that ends in {SUFFIX}, got {target}")
    check_writable(target, "--output")
    model = load_pretrained(source, charset=charset, drop_objects=drop_objects)
    notes = {"converted from": source.name, "digest of the original": file_digest(source)}
    save_recognizer(target, model, notes=notes, half=half)
    return Converted(target, model.architecture, model.charset.characters, model.load_report)
