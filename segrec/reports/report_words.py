"""Words with their masks and what each variant read, as cards of the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

import numpy as np

from segrec.core.images import Array, encode_jpeg, encode_png, resize
from segrec.reports.overlay import overlay, tint_for
from segrec.reports.report_html import inline_image, safe_text, section

VARIANTS = ("plain", "control", "none", "random", "zero", "predicted", "oracle")
"""The order in which a word's readings are shown; other names follow in the order they come."""

CONTROLS = ("control", "none", "random")
"""What predicted masks are compared with: the first of these that a word has a reading for."""

SHOWN_SIZE = (128, 640)
"""Word images larger than this height or width are shrunk before they go into the file."""

RIGHT, WRONG, MISSING = "\u2713", "\u2717", "_"

Effect = Literal["helps", "hurts", "neither"]


@dataclass(frozen=True, eq=False)
class WordPicture:
    """One word with what each variant saw and read.

    Attributes:
        crop: (H, W, 3) uint8 RGB.
        masks: (h, w) uint8 by the variant's name, of any size; a variant without a mask has none.
        truth: the label, in the form in which readings are compared with it.
        readings: the text by the variant's name.
    """

    crop: Array
    masks: dict[str, Array]
    truth: str
    readings: dict[str, str]


def effect(picture: WordPicture) -> Effect:
    """Return whether the predicted mask turns a wrong reading right (helps), a right one wrong (hurts), or neither.

    The comparison is with the reading without a mask, or with a random one where that is missing.
    """
    control = _control(picture)
    if control is None or "predicted" not in picture.readings:
        return "neither"
    before = picture.readings[control] == picture.truth
    after = picture.readings["predicted"] == picture.truth
    return "neither" if before == after else "helps" if after else "hurts"


def ordered(pictures: Iterable[WordPicture]) -> list[WordPicture]:
    """Return the words in which predicted masks help, then those in which they hurt, then the rest.

    Within each of the three the given order stays, so that nobody's favourites come first.
    """
    return sorted(pictures, key=lambda picture: ("helps", "hurts", "neither").index(effect(picture)))


_EFFECTS: dict[Effect, str] = {
    "helps": "Predicted masks help",
    "hurts": "Predicted masks hurt",
    "neither": "The other words",
}


def word_cards(pictures: Sequence[WordPicture]) -> str:
    """Return the section of all words, `ordered`, under one heading for each effect.

    Raises:
        ValueError: a crop or mask has another shape or type than `WordPicture` says.
    """
    controls = [name for name in CONTROLS if any(_control(picture) == name for picture in pictures)]
    note = (
        '<p class="note">Beside each word image the predicted mask is tinted over it; below stand the mask that every '
        f"reader was given and what it read. {RIGHT} is right, {WRONG} is wrong; <mark>marked</mark> characters differ "
        f"from the truth, and <mark>{MISSING}</mark> stands for a missing one."
        + (f" Help and hurt are judged against {' or '.join(controls)}." if controls else "")
        + "</p>"
    )
    groups = []
    for kind, group in groupby(ordered(pictures), key=effect):
        cards = [_picture(picture) for picture in group]
        title = f'<h3>{_EFFECTS[kind]} <span class="count">({len(cards)})</span></h3>'
        groups.append(f'{title}\n<div class="cards">\n' + "\n".join(cards) + "\n</div>")
    return section("words", "Words", note + "\n".join(groups))


def _picture(picture: WordPicture) -> str:
    crop = _shrunk(picture.crop)
    truth = safe_text(picture.truth)
    images = [inline_image("jpeg", encode_jpeg(crop, 92), f"Word image \u201c{truth}\u201d", crop.shape)]
    if "predicted" in picture.masks:
        tinted = overlay(crop, _fitted(picture.masks["predicted"], crop), color=tint_for(crop))
        alt = "The same with the predicted mask tinted over it"
        images.append(inline_image("jpeg", encode_jpeg(tinted, 92), alt, crop.shape))
    names = sorted(picture.readings, key=lambda name: VARIANTS.index(name) if name in VARIANTS else len(VARIANTS))
    lines = "\n".join(_reading_line(picture, name, crop) for name in names)
    return (
        f'<article class="word">\n<div class="pair">{"".join(images)}</div>\n'
        f"<h4><small>truth</small><bdi>{truth}</bdi></h4>\n<table>\n<tbody>\n{lines}\n</tbody>\n</table>\n</article>"
    )


def _reading_line(picture: WordPicture, name: str, crop: Array) -> str:
    reading = picture.readings[name]
    thumb = ""
    if name in picture.masks:
        mask = _fitted(picture.masks[name], crop)
        thumb = inline_image("png", encode_png(mask, 9), f"{safe_text(name)} mask", mask.shape)
    verdict, sign = ("right", RIGHT) if reading == picture.truth else ("wrong", WRONG)
    return (
        f'<tr><th scope="row">{safe_text(name)}</th><td class="thumb">{thumb}</td><td class="reading {verdict}">'
        f'<span class="sign" aria-hidden="true">{sign}</span><span class="hidden">{verdict}: </span>'
        f"<bdi>{_compared(reading, picture.truth)}</bdi></td></tr>"
    )


def _compared(reading: str, truth: str) -> str:
    """Return the reading with what differs from the truth marked, and a low line for every missing character."""
    if not reading:
        return '<span class="nothing">nothing</span>'
    pieces = []
    for kind, start, end, first, last in SequenceMatcher(None, truth, reading, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(safe_text(reading[first:last]))
        elif kind == "delete":
            pieces.append(f'<mark title="missing: {safe_text(truth[start:end])}">{MISSING * (end - start)}</mark>')
        else:
            pieces.append(f"<mark>{safe_text(reading[first:last])}</mark>")
    return "".join(pieces)


def _control(picture: WordPicture) -> str | None:
    return next((name for name in CONTROLS if name in picture.readings), None)


def _shrunk(crop: Array) -> Array:
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8 or not crop.size:
        raise ValueError(f"a crop must be (H, W, 3) uint8, got {crop.shape} {crop.dtype}")
    height, width = crop.shape[:2]
    scale = min(1.0, SHOWN_SIZE[0] / height, SHOWN_SIZE[1] / width)
    return crop if scale == 1 else resize(crop, (max(1, round(height * scale)), max(1, round(width * scale))), "area")


def _fitted(mask: Array, crop: Array) -> Array:
    """Return the mask at the size of the shown crop, so that strokes and image line up."""
    if mask.ndim != 2 or mask.dtype != np.uint8 or not mask.size:
        raise ValueError(f"a mask must be (H, W) uint8, got {mask.shape} {mask.dtype}")
    height, width = crop.shape[:2]
    return resize(mask, (height, width), "area" if mask.shape[0] > height else "bilinear")
