"""Which binarisation of a word is its mask: the one that the others which read right agree with, if it is strokes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recognizers.decoding import Reading
from recognizers.metrics import normalise_label
from segrec.core.images import Array, resize
from segrec.core.mask_values import IGNORE, ON
from segrec.data.labelling.binarise import Candidate, Ink, candidates, overlap, working_picture
from segrec.data.labelling.ink_shape import (
    FOREIGN_SHARE,
    border_share,
    counters,
    foreign_holes,
    fragments,
    hole_count,
    holes_of,
    largest_share_of_holes,
    solidity,
)
from segrec.data.labelling.reasons import THRESHOLD, Reason

METHOD = 1
"""Raised whenever the same words and verifier would give other masks."""
LEAST_CHARACTERS = 2
"""Letters and digits of a label: single ones are read into anything."""
MARGIN = (6, 10)
"""White pixels above and below, left and right, with which a binarisation is read."""
MOST_BORDER = 0.3
LEAST_SOLIDITY = 0.2
LEAST_HOLES, HOLLOW = 0.08, 0.25
"""Area of the holes, as a part of the ink's: below the first they are not letters, above the second much is hollow."""
ONE_PIECE = 0.8
"""Share of the holes that one piece of ink encloses where it is a ground with letters cut out."""
LEAST_AGREEMENT = 0.5
LEAST_VOTES = 3
"""Binarisations, of some 25, that must be read as the label and agree: one alone may be read by chance."""
ALIKE = 0.55
"""Intersection over union with the chosen binarisation, from which another has a say in its doubtful pixels."""
DOUBT = (0.25, 0.75)
"""Between these shares of the survivors' weight a pixel is doubtful."""
MOST_DOUBT = 0.4
"""Area of the doubtful pixels, as a part of the ink's, above which there is no mask."""
FRAGMENT_HEIGHT = 0.25
SPECK = 10


class Verifier(Protocol):
    """Whatever reads word images, see `recognizers.Recognizer`."""

    def read(self, images: Sequence[Array], *, batch_size: int = 64) -> list[Reading]:
        """Return one reading per image."""


class Verdict(NamedTuple):
    """The mask of a word, (H, W) uint8 with 255 = ink, 128 = ignore; or why there is none."""

    mask: Array | None
    reason: Reason | None


class Survivor(NamedTuple):
    """A binarisation that is read as the label, how many it stands for, and the verifier's confidence in [0, 1]."""

    ink: Ink
    votes: int
    confidence: float


class _Choice(NamedTuple):
    """The place of the weighted medoid, and of the survivors that have a say in its doubtful pixels."""

    best: int
    alike: NDArray[np.bool_]
    agreement: float


def label_mask(image: Array, label: str, verifier: Verifier, *, threshold: float = THRESHOLD) -> Verdict:
    """Return a word's mask at 64 rows, or at the crop's own size where that is larger, if one can be trusted.

    Args:
        image: (H, W, 3) uint8 RGB word crop.
        label: what it says; letters and digits count, their case does not.
        verifier: reads the binarisations; it should be independent of what will be trained on the masks.
        threshold: the verifier's least mean confidence in the characters of a reading.
    """
    text = normalise_label(label)
    if len(text) < LEAST_CHARACTERS:
        return Verdict(None, "short label")
    picture = working_picture(image)
    found = candidates(picture)
    if not found:
        return Verdict(None, "flat")
    inside = [candidate for candidate in found if border_share(candidate.ink) <= MOST_BORDER]
    if not inside:
        return Verdict(None, "border")
    read = _read(inside, text, verifier, threshold)
    strokes = [survivor for survivor in read if not is_outline(survivor.ink, picture)]
    if not strokes:
        return Verdict(None, "outline" if read else "unread")
    return agreed(strokes, label, verifier, (image.shape[0], image.shape[1]))


def _read(found: Sequence[Candidate], text: str, verifier: Verifier, threshold: float) -> list[Survivor]:
    """Return the binarisations that are read as `text`."""
    readings = verifier.read([as_print(candidate.ink) for candidate in found])
    return [
        Survivor(candidate.ink, candidate.votes, confidence_of(reading))
        for candidate, reading in zip(found, readings, strict=True)
        if normalise_label(reading.text) == text and confidence_of(reading) >= threshold
    ]


def is_outline(ink: Ink, picture: Array) -> bool:
    """Return whether ink is thin lines, or encloses more than counters of letters, see `foreign_holes`."""
    return solidity(ink) < LEAST_SOLIDITY or foreign_holes(ink, picture) > FOREIGN_SHARE


def confidence_of(reading: Reading) -> float:
    """Return the mean confidence in a reading's characters, which long words do not lower; 0 without any."""
    return float(np.mean(reading.character_confidences)) if reading.character_confidences else 0.0


def as_print(ink: Ink) -> Array:
    """Return ink, cut to where there is some, as black on white with a margin, (H, W, 3) uint8."""
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    if len(rows):
        ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    page = np.pad(np.where(ink, np.uint8(0), np.uint8(255)), [(side, side) for side in MARGIN], constant_values=255)
    return np.repeat(page[:, :, None], 3, axis=2)


def agreed(survivors: list[Survivor], label: str, verifier: Verifier, size: tuple[int, int]) -> Verdict:
    """Return the mask of the survivor that the others agree with most, unless it is hollow or they differ too much."""
    reason: Reason | None = None
    while survivors:
        choice = _medoid(survivors)
        chosen = survivors[choice.best]
        fault = hollow(chosen.ink, label, verifier)
        if fault is None:
            kept = [survivor for survivor, alike in zip(survivors, choice.alike, strict=True) if alike]
            weak = choice.agreement < LEAST_AGREEMENT or sum(survivor.votes for survivor in kept) < LEAST_VOTES
            mask = None if weak else _mask(chosen.ink, kept, size)
            return Verdict(mask, "disagreement" if mask is None else None)
        reason = reason or fault
        survivors = [survivor for survivor in survivors if survivor is not chosen]
    return Verdict(None, reason)


def _medoid(survivors: Sequence[Survivor]) -> _Choice:
    inks = [survivor.ink for survivor in survivors]
    overlaps = np.stack([overlap(ink, inks) for ink in inks])
    agreement = np.average(overlaps, axis=1, weights=_weights(survivors))
    tidiness = np.array([0.5 * solidity(ink) - 0.8 * border_share(ink) for ink in inks])
    best = int((agreement + tidiness).argmax())
    return _Choice(best, overlaps[best] >= ALIKE, float(agreement[best]))


def _weights(survivors: Sequence[Survivor]) -> NDArray[np.float64]:
    return np.array([survivor.votes * survivor.confidence for survivor in survivors])


def hollow(ink: Ink, label: str, verifier: Verifier) -> Reason | None:
    """Return what ink is that encloses letters or their insides instead of counters of letters; None for strokes.

    What a ground with letters cut out encloses is read as the label, and so are the insides of thick outlines. Thin
    outlines have more holes than the label's letters have counters, and are read as the label when they are filled; so
    are letters with counters.
    """
    holes, text = holes_of(ink), normalise_label(label)
    share = float(holes.sum()) / max(1, int(ink.sum()))
    if share < LEAST_HOLES:
        return None
    suspect = largest_share_of_holes(ink) >= ONE_PIECE or (share >= HOLLOW and not all(map(counters, text)))
    if suspect and _reads(holes, text, verifier):
        return "inverted"
    too_many = share >= HOLLOW and hole_count(holes, least=0.01 * float(ink.sum())) > counters(label) + 1
    return "outline" if too_many and _reads(ink | holes, text, verifier) else None


def _reads(ink: Ink, text: str, verifier: Verifier) -> bool:
    return normalise_label(verifier.read([as_print(ink)])[0].text) == text


def _mask(ink: Ink, survivors: Sequence[Survivor], size: tuple[int, int]) -> Array | None:
    """Return the mask of `ink`, or None if too much of it is doubtful.

    Doubtful are pixels in which only a part of the survivors sees ink, specks, and what the border cuts off.
    """
    inks = np.stack([survivor.ink for survivor in survivors]).astype(np.float32)
    share = np.average(inks, axis=0, weights=_weights(survivors))
    doubtful = (share > DOUBT[0]) & (share < DOUBT[1])
    doubtful |= fragments(ink, height=FRAGMENT_HEIGHT, least=SPECK)
    if int(doubtful.sum()) > MOST_DOUBT * int(ink.sum()):
        return None
    if size[0] > ink.shape[0]:
        ink, doubtful = (resize(part.astype(np.float32), size) >= 0.5 for part in (ink, doubtful))
    return np.where(doubtful, IGNORE, np.where(ink, ON, 0)).astype(np.uint8)
