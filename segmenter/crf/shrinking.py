"""Exact area averaging of maps to a smaller size, the same bits on every run."""

from __future__ import annotations

import torch
from torch import Tensor


def shrunk_size(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """Return (height, width) with the longer side at most `longest_side`, the aspect ratio kept; never enlarged."""
    scale = min(1.0, longest_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def shrink(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (C, *size): the means of `maps` (C, H, W) over the area of each new pixel, parts of old pixels included.

    Two matrix products, and so is the gradient: PyTorch's adaptive pooling rounds the areas to whole pixels, and its
    gradient on a GPU depends on the order of its threads.
    """
    if maps.shape[1:] == size:
        return maps
    rows, columns = (_shares(old, new, maps) for old, new in zip(maps.shape[1:], size, strict=True))
    return rows @ maps @ columns.T


def _shares(old: int, new: int, like: Tensor) -> Tensor:
    """Return (new, old): the share of each old pixel in each new one, rows sum to 1; counted in whole 1/new pixels."""
    ends = torch.arange(1, new + 1, device=like.device)[:, None] * old
    own_ends = torch.arange(1, old + 1, device=like.device) * new
    overlap = torch.minimum(ends, own_ends) - torch.maximum(ends - old, own_ends - new)
    return overlap.clamp_(min=0).to(like.dtype) / old
