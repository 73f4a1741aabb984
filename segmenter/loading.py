"""Segmenter weights on disk: saved and loaded as safetensors with a header that rebuilds the network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from segmenter.interface import SegmentationNetwork
from segmenter.models import MODELS, model_class
from segrec.core.checkpoint import WeightsHeader, load_weights, save_weights
from segrec.core.errors import CheckpointError
from segrec.core.network_size import check_parameters, check_weights

GUIDANCE = ("text_guidance.", "region_guidance.")
"""Where the names of a guidance encoder's weights begin."""


def save_segmenter(
    path: str | Path,
    model: SegmentationNetwork,
    *,
    half: bool = False,
    lean: bool = False,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write the weights of `model` to `path`, atomically.

    Args:
        path: a `.safetensors` file.
        model: the network.
        half: store floats as float16; loading gives float32 again.
        lean: leave out the guidance encoders, a third of all weights, which a network of one pass does not use;
            loading draws them anew, always alike, for a training with guidance.
        notes: free text for the header, such as what the weights were trained on.

    Raises:
        ValueError: `lean`, but the network has a guided pass.
    """
    if lean and model.passes != 1:
        raise ValueError(f"a network of {model.passes} passes needs its guidance: lean is for those of one")
    state = {name: tensor for name, tensor in model.state_dict().items() if not (lean and name.startswith(GUIDANCE))}
    header = WeightsHeader(architecture=model.architecture, config=model.config(), notes=dict(notes or {}))
    save_weights(Path(path), state, header, half=half)


def load_segmenter(path: str | Path, device: torch.device | str = "cpu") -> SegmentationNetwork:
    """Return the network of a weights file, float32, in eval mode, on `device`; `.working_height` is the file's.

    Raises:
        CheckpointError: when the file is unreadable, of another architecture, or does not fit its own header.
        LibraryError: the network needs torchvision, which is missing.
    """
    state, header = load_weights(Path(path))
    if header.architecture not in MODELS:
        raise CheckpointError(
            f"{path} holds a model of architecture {header.architecture!r}, not a segmenter ({', '.join(MODELS)}); "
            "name a file written by `segrec train segmenter`"
        )
    try:
        with torch.device("meta"):  # a header that asks for terabytes is refused by the tensors, not by the memory
            model = model_class(header.architecture)(**header.config)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} has a header that no segmenter fits: {error}") from error
    if model.in_channels != 3:
        raise CheckpointError(f"{path} takes {model.in_channels} input channels; a segmenter takes 3 (RGB)")
    check_parameters(model, str(path))
    try:
        check_weights(state, {**state, **model.state_dict()}, str(path))
        model.load_state_dict({**_guidance_of(model, state), **state}, assign=True)
    except RuntimeError as error:
        detail = " ".join(str(error).split())
        raise CheckpointError(f"{path} does not fit the network of its own header: {detail[:400]}") from error
    return model.to(device).eval()


def _guidance_of(model: SegmentationNetwork, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights for the guidance encoders of a lean file, drawn as those of a fresh network and always alike.

    Of another file nothing is returned; it is refused where it lacks something.

    Args:
        model: as the file's header makes it, without memory.
        state: what the file holds.
    """
    expected = model.state_dict()
    names = [name for name in expected if name.startswith(GUIDANCE)]
    given = {name: tensor.shape for name, tensor in state.items()}
    if model.passes != 1 or given != {name: expected[name].shape for name in expected if name not in names}:
        return {}
    generator = np.random.default_rng(0)
    return {name: _fresh(name, expected[name], generator) for name in names}


def _fresh(name: str, tensor: Tensor, generator: np.random.Generator) -> Tensor:
    """Return what a convolution (as torch draws it) or a BatchNorm begins with."""
    if tensor.ndim == 4:
        bound = 1 / math.sqrt(tensor[0].numel())
        return torch.from_numpy(generator.uniform(-bound, bound, tuple(tensor.shape)).astype(np.float32))
    begins_at_one = name.endswith(("weight", "running_var"))
    return torch.full(tensor.shape, float(begins_at_one)).to(tensor.dtype)
