"""Entry points of torch.hub: `torch.hub.load("path/to/segrec", "reader", source="local")`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recognizers.configuration import RecognizerNetwork
    from segmenter.interface import SegmentationNetwork
    from segrec import Reader

dependencies = ["torch", "numpy", "cv2", "PIL", "safetensors", "lmdb", "editdistance"]
"""Packages that torch.hub looks for before it calls an entry point."""


def reader(weights: str = "crnn-slim-predicted", segmenter: str = "mgnet-slim", device: str = "auto") -> Reader:
    """Return a reader of word crops and pages: a recognizer with the segmenter of its masks.

    Args:
        weights: shipped name, run directory, weights file, public checkpoint or `hf-hub:owner/name`.
        segmenter: the same of the mask network.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
    """
    from segrec import Reader

    return Reader.from_pretrained(weights, segmenter=segmenter, device=device)


def recognizer(weights: str = "crnn-slim") -> RecognizerNetwork:
    """Return a recognizer, an nn.Module in eval mode on the CPU: normalised images in, logits (N, T, classes) out.

    Args:
        weights: as for `reader`.
    """
    from recognizers import load_pretrained
    from segrec import resolve_weights

    return load_pretrained(resolve_weights(weights))


def segmenter(weights: str = "mgnet-slim") -> SegmentationNetwork:
    """Return a mask network, an nn.Module in eval mode on the CPU.

    Args:
        weights: shipped name, run directory, weights file or `hf-hub:owner/name`.
    """
    from segmenter.loading import load_segmenter
    from segrec import resolve_weights

    return load_segmenter(resolve_weights(weights))
