"""Recognizers from files and back: segrec's own weights and public checkpoints."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recognizers.aster import Aster
from recognizers.charset import Charset
from recognizers.configuration import RecognizerNetwork
from recognizers.converted import ConvertedRecognizer, from_onnx
from recognizers.crnn import CRNN
from recognizers.dtrb import Trba, VggBiLstmCtc
from recognizers.families import LoadReport, family_of
from recognizers.families.family import fill
from recognizers.state_dict import stated_characters, unwrap
from segrec.core.checkpoint import WeightsHeader, load_untrusted, load_weights, save_weights, state_digest
from segrec.core.easyocr_files import NAMES, easyocr_file, how_to_get
from segrec.core.errors import CheckpointError, ConfigError
from segrec.core.hub import fetch_weights, is_hub_name

_NETWORKS: tuple[type[RecognizerNetwork], ...] = (CRNN, Aster, Trba, VggBiLstmCtc, ConvertedRecognizer)
_ARCHITECTURES = {network.architecture: network for network in _NETWORKS}


def load_pretrained(
    path_or_state_dict: str | os.PathLike[str] | Mapping[str, Any],
    *,
    charset: Charset | str | None = None,
    report: Callable[[LoadReport], None] | None = None,
    drop_objects: bool = False,
) -> RecognizerNetwork:
    """Return a recognizer in eval mode on the CPU; `.load_report` says what was copied and what was not.

    Args:
        path_or_state_dict: segrec's `.safetensors`, a public checkpoint, PP-OCR's `.onnx`, `hf-hub:owner/name`, or a
            state dict already in memory, with any container and `module.` prefixes around it.
        charset: the characters of a public checkpoint whose number of classes does not tell them.
        report: called with the load report, for instance `print`, which shows it as a table.
        drop_objects: read also a file that holds other objects than tensors, as training frameworks write them;
            the objects are left out and nothing of the file is executed.

    Raises:
        CheckpointError: the file cannot be read safely, is of no known family, or does not fit its network.
        ConfigError: the charset is not a `Charset`.
    """
    if isinstance(charset, str):
        charset = Charset(charset)
    if isinstance(path_or_state_dict, str | os.PathLike):
        named = str(path_or_state_dict)
        path = fetch_weights(named) if is_hub_name(named) else Path(path_or_state_dict)
        if not path.suffix and path.name == str(path) and not path.exists():
            raise CheckpointError(
                f"no weights file at {path}; load_pretrained takes files: for shipped weights or a run call "
                f"load_pretrained(segrec.resolve_weights({str(path)!r})), or to read segrec.Reader.from_pretrained"
            )
        if path.suffix == ".safetensors" and not path.is_dir():
            network, load_report = _load_native(path, charset)
        elif path.suffix == ".onnx":
            network, load_report = from_onnx(path, charset)
        else:
            network, load_report = _load_public(load_untrusted(path, drop_objects=drop_objects), charset, str(path))
    else:
        network, load_report = _load_public(path_or_state_dict, charset, "the state dict")
    network.load_report = load_report
    if report is not None:
        report(load_report)
    return network


def save_recognizer(
    path: str | os.PathLike[str],
    model: RecognizerNetwork,
    *,
    parent: str | None = None,
    parent_digest: str | None = None,
    only: Collection[str] | None = None,
    notes: Mapping[str, str] | None = None,
    half: bool = False,
) -> None:
    """Write `model` as segrec weights.

    Args:
        path: normally ends in `.safetensors`.
        model: a recognizer of this package.
        parent: name (file name without suffix) of the weights it was fine-tuned from.
        parent_digest: `state_digest` of the parent as `load_weights` gives it.
        only: tensors to store; the others are taken from the parent's file, which must lie beside this one, or where
            EasyOCR keeps it.
        notes: free text for people.
        half: store floats as float16.

    Raises:
        ValueError: `only` without a parent and its digest, or with names that the model does not have.
    """
    state = model.state_dict()
    if only is not None:
        if parent is None or parent_digest is None:
            raise ValueError("a partial file (only=...) needs parent= and parent_digest= to be whole again")
        unknown = sorted(set(only) - set(state))
        if unknown:
            raise ValueError(f"only= names tensors that the model does not have: {', '.join(unknown[:3])}")
        state = {name: tensor for name, tensor in state.items() if name in set(only)}
    header = WeightsHeader(
        architecture=model.architecture,
        config=model.config(),
        charset=model.charset.characters,
        parent=parent,
        parent_digest=parent_digest,
        notes=dict(notes or {}),
    )
    save_weights(path, state, header, half=half)


def _load_public(content: object, charset: Charset | None, source: str) -> tuple[RecognizerNetwork, LoadReport]:
    state, skipped = unwrap(content, source)
    if charset is None and (stated := stated_characters(content)) is not None:
        charset = Charset(stated)
    family = family_of(state, source)
    network, report = family.build(state, charset, source)
    return network, report._replace(unexpected=report.unexpected + skipped)


def _load_native(path: Path, charset: Charset | None) -> tuple[RecognizerNetwork, LoadReport]:
    state, header = load_weights(path)
    kind = _ARCHITECTURES.get(header.architecture)
    if kind is None:
        raise CheckpointError(
            f"{path} holds weights of {header.architecture!r}, which is not a recognizer; "
            f"give one of {', '.join(_ARCHITECTURES)}"
        )
    try:
        with torch.device("meta"):
            network = kind.from_config(header.config)
    except ConfigError as error:
        raise CheckpointError(f"{path} has a header that builds no {header.architecture}: {error}") from error
    if charset is not None and charset.characters != network.charset.characters:
        raise CheckpointError(f"{path} names its own charset {network.charset.characters!r}; leave charset= out")
    return fill(network, _with_parent(path, state, header, network), str(path))


def _with_parent(
    path: Path, state: dict[str, Tensor], header: WeightsHeader, network: nn.Module
) -> Mapping[str, Tensor]:
    """Return `state`, completed from the parent's file if it holds only a part of the network."""
    if header.parent is None or set(network.state_dict()) <= set(state):
        return state
    parent = parent_file(path, header.parent)
    if parent is None:
        raise CheckpointError(_without_parent(path, header.parent, len(state)))
    base = load_weights(parent)[0] if parent.suffix == ".safetensors" else load_pretrained(parent).state_dict()
    if state_digest(base) != header.parent_digest:
        raise CheckpointError(f"{path} was fine-tuned from other weights than today's {parent}; put the original there")
    return {**base, **state}


def parent_file(path: Path, name: str) -> Path | None:
    """Return the weights that a partial file at `path` goes with, which lie beside it or where EasyOCR keeps them.

    Args:
        path: the partial file.
        name: of its parent, as its header has it.

    Returns:
        None where there are none, or the name is not that of a file beside it.
    """
    if not _names_a_file_beside(path, name):
        return None
    here = (path.parent / f"{name}.safetensors", path.parent / f"{name}.pth")
    return next((file for file in here if file.exists()), None) or easyocr_file(name)


def _names_a_file_beside(path: Path, name: str) -> bool:
    beside = path.parent / f"{name}.safetensors"
    return beside.name == f"{name}.safetensors" and beside != path


def _without_parent(path: Path, name: str, tensors: int) -> str:
    if not _names_a_file_beside(path, name):
        return f"{path} names its parent {name!r}, which is not the name of a file beside it"
    if name in NAMES:
        return f"{path} holds only what joins masks to EasyOCR's {name}.pth, and {how_to_get(name)}"
    return f"{path} holds only {tensors} tensors on top of {name}.safetensors; put that file beside it"
