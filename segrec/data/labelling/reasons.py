"""When a reading verifies a mask, and why a word gets none."""

from __future__ import annotations

from typing import Literal

THRESHOLD = 0.6
"""Default of the verifier's least mean confidence in its characters."""

Reason = Literal[
    "no image",
    "unreadable",
    "thin",
    "short label",
    "flat",
    "unread",
    "border",
    "outline",
    "inverted",
    "disagreement",
]
REASONS: dict[str, str] = {
    "no image": "the picture cannot be read",
    "unreadable": "the photograph's annotators could not read it",
    "thin": "its outline in the photograph is thinner than half a pixel, or has fewer than four points",
    "short label": "the label has fewer than two letters and digits",
    "flat": "no binarisation has a word's amount of ink",
    "unread": "no binarisation is read as the label",
    "border": "every binarisation covers much of the crop's border",
    "outline": "what is read as the label is outlines or halos of letters",
    "inverted": "the label is read in what the binarisation encloses, as in a ground with the letters cut out",
    "disagreement": "the binarisations that are read as the label differ too much",
}
"""Why a word gets no mask."""
