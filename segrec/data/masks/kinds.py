"""The kinds of mask that a recognizer's fourth channel may hold."""

from __future__ import annotations

from typing import Literal

MaskKind = Literal["none", "random", "zero", "predicted", "oracle"]

MASK_KINDS: tuple[MaskKind, ...] = ("none", "random", "zero", "predicted", "oracle")
"""`none` is a recognizer without the channel, `zero` and `random` are controls, `oracle` comes from rendering."""

OWN, SHUFFLED = "own", "shuffled"
"""Further kinds of mask for a check of the masks' use: the best own ones that a database has, and another word's."""

DRAWN = ("random", SHUFFLED)
"""Kinds of mask that a seed decides."""

ORACLE = "oracle"
REGIONS = "regions"
"""The mask stores that a rendered database carries in folders of these names: its strokes and its regions, exact."""
