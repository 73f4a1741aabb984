"""The kinds of mask that a recognizer's fourth channel may hold."""

from __future__ import annotations

from typing import Literal

MaskKind = Literal["none", "random", "zero", "predicted", "oracle"]

MASK_KINDS: tuple[MaskKind, ...] = ("none", "random", "zero", "predicted", "oracle")
"""`none` is a recognizer without the channel, `zero` and `random` are controls, `oracle` comes from rendering."""
