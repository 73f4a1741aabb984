"""The plain state dict inside whatever a training script saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segrec.core.errors import CheckpointError

_CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "network", "netCRNN", "weights")
_MOST_CONTAINERS = 4
_PREFIXES = ("module.", "_orig_mod.", "model.")


def unwrap(content: object, source: str) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return names and tensors without containers and wrappers' prefixes, and names of what else lay beside them.

    The prefixes of DataParallel, torch.compile and of a network inside a Lightning module are taken off as often as
    they come.

    Args:
        content: what the file held: a state dict, or dicts around one; NumPy arrays pass for tensors.
        source: what to call it in errors.

    Raises:
        CheckpointError: no state dict is inside, two names become one without their prefixes, or a tensor is sparse,
            quantised or without data.
    """
    state: dict[str, Tensor] = {}
    skipped: list[str] = []
    for key, value in _find_state(content, source).items():
        name = _strip(_in_words(key))
        if not _is_tensor(value):
            skipped.append(name)  # training scripts put epochs and scores beside the tensors
            continue
        if name in state:
            raise CheckpointError(f"{source} holds {name} twice, with and without a prefix; save one state dict")
        state[name] = _dense(value, name, source)
    return state, tuple(skipped)


def stated_characters(content: object) -> str | None:
    """Return the characters that a container names beside its state dict, as parseq's do; None where there are none."""
    settings = content.get("hyper_parameters") if isinstance(content, Mapping) else None
    characters = settings.get("charset_train") if isinstance(settings, Mapping) else None
    return characters if isinstance(characters, str) and characters else None


def _find_state(content: object, source: str) -> Mapping[Any, Any]:
    for _ in range(_MOST_CONTAINERS):
        if not isinstance(content, Mapping):
            break
        inner = [content[name] for name in _CONTAINERS if isinstance(content.get(name), Mapping)]
        if not inner:
            break
        content = inner[0]
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{source} holds a {type(content).__name__}, not a state dict; "
            "save one with torch.save(model.state_dict(), path)"
        )
    if not any(_is_tensor(value) for value in content.values()):
        keys = ", ".join(_in_words(key)[:60] for key in list(content)[:5]) or "nothing"
        raise CheckpointError(f"{source} holds no tensors (its keys: {keys}); give the file that holds the state dict")
    return content


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor) or (isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiub")


def _dense(value: Any, name: str, source: str) -> Tensor:
    tensor = value if isinstance(value, Tensor) else torch.tensor(np.asarray(value))
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        raise CheckpointError(f"{source} holds {name} sparse, quantised or without data; save it as a plain tensor")
    return tensor


def _in_words(key: object) -> str:
    """Return a key as text; only texts name tensors, and other keys of strangers may be of any size."""
    return key if isinstance(key, str) else f"<{type(key).__name__}>"


def _strip(name: str) -> str:
    while name.startswith(_PREFIXES):
        name = name.split(".", 1)[1]
    return name
