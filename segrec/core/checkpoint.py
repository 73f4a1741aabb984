"""Weights as safetensors with a readable header, and safe reading of other people's files."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from segrec.core.errors import CheckpointError, DataError
from segrec.core.files import write_bytes
from segrec.core.foreign_json import parse_json
from segrec.core.inert_pickle import ForeignObjectError
from segrec.core.packages import TORCH, require
from segrec.core.regular import MOST_WEIGHTS_BYTES, open_regular
from segrec.core.tensor_header import check_tensor_header
from segrec.core.torch_files import read_torch_file

FORMAT_VERSION = "1"
"""The newest header that this segrec knows; older ones are read too."""


@dataclass(frozen=True)
class WeightsHeader:
    """What a weights file says of itself.

    Attributes:
        architecture: name of the network family, for instance `crnn` or `mgnet`.
        config: JSON-able arguments that rebuild the network.
        charset: the characters a recognizer's head stands for, in order, without blank; None for a segmenter.
        parent: name of the weights this file was fine-tuned from.
        parent_digest: `state_digest` of those weights.
        notes: free text for people: data, seed, scores, licence.
        version: version of this header.
    """

    architecture: str
    config: dict[str, Any]
    charset: str | None = None
    parent: str | None = None
    parent_digest: str | None = None
    notes: dict[str, str] = field(default_factory=dict)
    version: str = FORMAT_VERSION


def state_digest(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over the sorted names, types, shapes and bytes of a state dict."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def save_weights(
    path: str | os.PathLike[str], state: Mapping[str, Tensor], header: WeightsHeader, *, half: bool = False
) -> None:
    """Write a state dict with its header as safetensors, atomically.

    Args:
        path: the file to write, normally ending in `.safetensors`.
        half: store floating-point tensors as float16, half the size; they are read back as float32.

    Raises:
        CheckpointError: `half` is asked for, but a value is too large for float16.
        DataError: the file cannot be written.
    """
    tensors = {}
    for name, tensor in state.items():
        kept = tensor.detach().cpu().clone().contiguous()
        tensors[name] = _halved(name, kept) if half and kept.is_floating_point() else kept
    metadata = {key: value if isinstance(value, str) else json.dumps(value) for key, value in asdict(header).items()}
    content = _ordered(save(tensors, metadata=metadata))
    write_bytes(path, content)  # safetensors' own writer hides the file from others, and a full disk's OSError


def _ordered(content: bytes) -> bytes:
    """Return a safetensors file with its header in order; safetensors shuffles the metadata each time."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the tensors stay aligned
    return len(header).to_bytes(8, "little") + header + content[end:]


def _halved(name: str, tensor: Tensor) -> Tensor:
    half = tensor.half()
    if not torch.equal(half.isfinite(), tensor.isfinite()):
        raise CheckpointError(f"{name} holds values too large for float16; save the weights without half")
    return half


def load_weights(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], WeightsHeader]:
    """Return (state dict, header) of a segrec weights file; floating-point tensors come back as float32.

    Raises:
        CheckpointError: the file is missing, empty, damaged, no safetensors, has no segrec header or a newer one.
    """
    metadata, state = _opened(path, with_tensors=True)
    header = _parse_header(path, metadata)
    return {name: t.float() if t.is_floating_point() else t for name, t in state.items()}, header


def read_header(path: str | os.PathLike[str]) -> WeightsHeader:
    """Return only the header of a segrec weights file, without reading the tensors.

    Raises:
        CheckpointError: as `load_weights`.
    """
    return _parse_header(path, _opened(path, with_tensors=False)[0])


def _opened(path: str | os.PathLike[str], *, with_tensors: bool) -> tuple[dict[str, str], dict[str, Tensor]]:
    require("torch", torch.__version__, TORCH)
    try:
        check_tensor_header(path)
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            state = {name: file.get_tensor(name) for name in file.keys()} if with_tensors else {}  # noqa: SIM118
    except FileNotFoundError as error:
        raise CheckpointError(f"no weights file at {path}; check the path") from error
    except DataError as error:
        raise CheckpointError(str(error)) from error
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not a readable .safetensors file ({error}); it may be cut short, copy it again"
        ) from error
    return metadata, state


def _parse_header(path: str | os.PathLike[str], metadata: Mapping[str, str]) -> WeightsHeader:
    if "architecture" not in metadata or "config" not in metadata:
        raise CheckpointError(f"{path} has no segrec header (architecture, config); it was not written by segrec")
    version = metadata.get("version", FORMAT_VERSION)
    if not (re.fullmatch("[1-9][0-9]{0,3}", version) and int(version) <= int(FORMAT_VERSION)):
        raise CheckpointError(
            f"{path} has a header of version {version[:20]}, but this segrec knows versions up to {FORMAT_VERSION}; "
            "upgrade segrec (pip install --upgrade segrec)"
        )
    absent = (None, "null")
    try:
        config, notes = parse_json(metadata["config"]), parse_json(metadata.get("notes", "{}"))
        if not (isinstance(config, dict) and isinstance(notes, dict)):
            raise ValueError("config and notes must be JSON objects")
        return WeightsHeader(
            architecture=metadata["architecture"],
            config=config,
            charset=None if metadata.get("charset") in absent else metadata["charset"],
            parent=None if metadata.get("parent") in absent else metadata["parent"],
            parent_digest=None if metadata.get("parent_digest") in absent else metadata["parent_digest"],
            notes=notes,
            version=version,
        )
    except ValueError as error:
        raise CheckpointError(f"{path} has a damaged header ({error}); copy the file again") from error


def load_untrusted(
    path: str | os.PathLike[str], *, drop_objects: bool = False, most: int = MOST_WEIGHTS_BYTES, mapped: bool = False
) -> object:
    """Return the content of a foreign `.pth`/`.pt`/`.ckpt`/`.tar` file, on the CPU.

    Nothing in the file is ever executed, and what its tensors ask for is summed before they are given memory.

    Args:
        path: the file.
        drop_objects: read the tensors, numbers, texts and containers of a file that holds other objects too, with
            these objects left out; without it such a file is refused.
        most: bytes that the file, and all its tensors together, may have.
        mapped: leave the tensors in the file until they are looked at; only for a file that nobody changes.

    Raises:
        CheckpointError: the file is missing, empty, damaged, larger than `most`, or holds other objects that are not to
            be left out.
        LibraryError: torch is older than `packages.TORCH`.
    """
    require("torch", torch.__version__, TORCH)
    file = Path(path)
    if not file.exists():
        raise CheckpointError(f"no weights file at {file}; check the path")
    if file.is_dir():
        raise CheckpointError(f"{file} is a folder, not a weights file; name the file inside it")
    try:
        with open_regular(file, most=most) as opened:
            size = os.fstat(opened.fileno()).st_size
            if not size:
                raise CheckpointError(f"{file} is empty (0 bytes); download or copy it again")
            return read_torch_file(opened, size, most=most, drop_objects=drop_objects, mapped=mapped)
    except CheckpointError:
        raise
    except DataError as error:
        raise CheckpointError(str(error)) from error
    except ForeignObjectError as error:
        raise CheckpointError(_foreign_remedy(file, str(error))) from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{file} is not a plain PyTorch weights file and was not read; "
            "save it with torch.save(model.state_dict(), ...)"
        ) from error
    except Exception as error:  # readers raise whatever their parsing of damaged bytes runs into
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{file} cannot be read as a PyTorch file ({reason}); it may be cut short or of another kind"
        ) from error


def _foreign_remedy(file: Path, name: str) -> str:
    return (
        f"{file} wants to load the Python object {name[:200]}, which could run code, so it was not read; "
        "take its tensors alone (segrec convert --drop-objects, load_pretrained(path, drop_objects=True)), "
        "or re-save it as a plain state dict (torch.save(model.state_dict(), path)) where you trust it"
    )
