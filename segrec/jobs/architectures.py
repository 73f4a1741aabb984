"""The recognizers that can be trained, by the name that the commands give them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from recognizers import ALNUM36, CRNN, PRINTABLE94, Aster, Charset, aster_slim, crnn_slim
from recognizers.charset import Kind
from recognizers.configuration import RecognizerNetwork
from segrec.core.errors import ConfigError, DataError
from segrec.core.regular import read_regular_text
from segrec.weights import PLAIN


@dataclass(frozen=True)
class Architecture:
    """What goes by one name.

    Attributes:
        presets: makes a fresh network of each size for a charset, with a second decoder or without; the first is the
            one to start with.
        accepts: `architecture` of the networks that `segrec finetune` takes under this name.
        kind: of the presets' charset.
        pretrained: shipped weights to fine-tune where none are named.
    """

    presets: Mapping[str, Callable[[Charset, bool], RecognizerNetwork]]
    accepts: tuple[str, ...]
    kind: Kind
    pretrained: str


ARCHITECTURES: Mapping[str, Architecture] = {
    "crnn": Architecture(
        presets={
            "crnn-slim": lambda charset, _: crnn_slim(charset=charset),
            "crnn": lambda charset, _: CRNN(charset=charset),
        },
        accepts=("crnn", "vgg-bilstm-ctc", "onnx"),
        kind="ctc",
        pretrained=PLAIN,
    ),
    "aster": Architecture(
        presets={
            "aster-slim": lambda charset, both: aster_slim(charset=charset, bidirectional=both),
            "aster": lambda charset, both: Aster(charset=charset, bidirectional=both),
        },
        accepts=("aster", "trba"),
        kind="aster",
        pretrained="aster-slim",
    ),
}

_CHARSETS = {"alnum": ALNUM36, "printable": PRINTABLE94}


def architecture_of(name: str) -> Architecture:
    """Return what goes by a name.

    Raises:
        ConfigError: nothing does.
    """
    if name not in ARCHITECTURES:
        raise ConfigError(f"unknown architecture {name!r}; use one of {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def check_command(command: str, name: str, found: str, source: str | os.PathLike[str]) -> None:
    """Refuse weights that belong to the command's other architecture, and name the right command.

    Args:
        command: `train` or `finetune`.
        name: the architecture that was asked for.
        found: `architecture` of the network in the file.
        source: the file.

    Raises:
        ConfigError: the file's network does not go by that name.
    """
    if found in architecture_of(name).accepts:
        return
    right = next((other for other, known in ARCHITECTURES.items() if found in known.accepts), None)
    advice = f"run segrec {command} {right}" if right else f"use one of {', '.join(ARCHITECTURES)}"
    raise ConfigError(f"{source} is a {found}; {advice}")


def read_charset(text: str) -> Charset:
    """Return the characters that `--charset` stands for, in the class order of CTC.

    Args:
        text: `alnum`, `printable`, a UTF-8 file, or the characters themselves; a file's line breaks do not count.

    Raises:
        ConfigError: there are none, or one twice.
        DataError: the file cannot be read.
    """
    if text in _CHARSETS:
        return _CHARSETS[text]
    if not _is_file(text):
        return Charset(text)
    try:
        lines = read_regular_text(text).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the charset {text}: {error}; give a UTF-8 file") from error
    return Charset("".join(lines))


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL: characters
        return False
