"""Segmenter weights on disk: saved and loaded as safetensors with a header that rebuilds the network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from segmenter.interface import SegmentationNetwork
from segmenter.models import MODELS, model_class
from segrec.core.checkpoint import WeightsHeader, load_weights, save_weights
from segrec.core.errors import CheckpointError
from segrec.core.network_size import check_parameters, check_weights


def save_segmenter(
    path: str | Path, model: SegmentationNetwork, *, half: bool = False, notes: Mapping[str, str] | None = None
) -> None:
    """Write the weights of `model` to `path`, atomically.

    Args:
        path: a `.safetensors` file.
        model: the network.
        half: store floats as float16; loading gives float32 again.
        notes: free text for the header, such as what the weights were trained on.
    """
    header = WeightsHeader(architecture=model.architecture, config=model.config(), notes=dict(notes or {}))
    save_weights(Path(path), model.state_dict(), header, half=half)


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
        model.load_state_dict(state, assign=True)
    except RuntimeError as error:
        detail = " ".join(str(error).split())
        raise CheckpointError(f"{path} does not fit the network of its own header: {detail[:400]}") from error
    return model.to(device).eval()
