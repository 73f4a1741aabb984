"""Whether a loaded network computes: one forward pass of a blank picture."""

from __future__ import annotations

import torch
from torch import Tensor

from recognizers.configuration import RecognizerNetwork
from segmenter.interface import SegmentationNetwork
from segrec.core.errors import CheckpointError

_WIDEST = 256
"""Columns of the blank word; networks that read wider words read this one, too."""


@torch.no_grad()
def check_reads(model: RecognizerNetwork | SegmentationNetwork, source: str) -> None:
    """Let a recognizer or a segmenter look at one blank picture.

    Args:
        model: in eval mode, on the CPU.
        source: what to call its file in errors.

    Raises:
        CheckpointError: it fails, or gives numbers that are not finite.
    """
    try:
        outputs = _outputs(model)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{source} makes a network that cannot read a picture: {reason}") from error
    if not outputs.numel() or not torch.isfinite(outputs).all():
        raise CheckpointError(
            f"{source} makes a network that gives no finite numbers for a blank picture: use an earlier file"
        )


def _outputs(model: RecognizerNetwork | SegmentationNetwork) -> Tensor:
    if isinstance(model, SegmentationNetwork):
        blank = torch.zeros(1, model.in_channels, model.working_height, 64)
        return model.text_mask(blank)
    spec = model.input_spec
    outputs: Tensor = model(torch.zeros(1, spec.channels, spec.height, min(spec.width, _WIDEST)))
    return outputs
