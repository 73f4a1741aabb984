"""A picture of the page edited along its text mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from segrec.app.networks import Networks
from segrec.app.pictures import SeenPicture, open_picture
from segrec.core.errors import ConfigError
from segrec.core.images import Array
from segrec.jobs.edit import Editing, edit_picture

Deed = Literal["recolor", "erase", "copy"]


def edit_seen(
    networks: Networks,
    picture: SeenPicture,
    words: Sequence[int],
    deed: Deed,
    *,
    color: str = "",
    target: str | None = None,
) -> Array:
    """Return a picture, (H, W, 3) uint8 RGB at its own size, with some of its words edited.

    Args:
        networks: whose segmenter gives the mask.
        picture: one that was read.
        words: places of the words that are meant, from 0.
        deed: what is done to them.
        color: "#RRGGBB", of `recolor`.
        target: path of the picture that gets the text, of `copy`; the result is of its size.

    Raises:
        ConfigError: no word, a colour that is none, or no target.
        DataError: a picture cannot be read.
    """
    if not words:
        raise ConfigError("no word is chosen: tick those that are to be edited")
    if deed == "copy" and target is None:
        raise ConfigError("copying needs a second picture: drop the one that gets the text")
    image = open_picture(picture.path)
    sides = np.array([image.shape[1], image.shape[0]], np.float32)
    editing = Editing(
        recolor=color if deed == "recolor" else None,
        erase=deed == "erase",
        copy_to=open_picture(target) if deed == "copy" and target is not None else None,
        polygons=[picture.words[place].outline * sides for place in words],
    )
    return edit_picture(networks.reader, image, editing).image
