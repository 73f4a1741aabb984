"""Editing the text of one picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from segmenter.preprocess import SCENE_HEIGHT
from segrec.core.errors import ConfigError
from segrec.core.images import Array
from segrec.core.memory import give_back_freed
from segrec.pages.editing import copy_into, erase_in, recolor_in
from segrec.pages.tiled_mask import TiledMask
from segrec.reader import Reader


@dataclass(frozen=True)
class Editing:
    """What is done to the text of a picture; exactly one of the first three.

    Attributes:
        recolor: a colour as "#RRGGBB".
        erase: whether the text is filled in from around it.
        copy_to: (h, w, 3) uint8 RGB, the picture on which the text is laid.
        polygons: regions of the words that are meant; None takes all that are found.
        detector: what finds them, as for `Reader.read_page`.

    Raises:
        ConfigError: none or several of them, or a colour that is none.
    """

    recolor: str | None = None
    erase: bool = False
    copy_to: Array | None = None
    polygons: Sequence[Any] | None = None
    detector: Callable[[Array], Any] | None = None

    def __post_init__(self) -> None:
        if (self.recolor is not None) + self.erase + (self.copy_to is not None) != 1:
            raise ConfigError("say what to do with the text: one of recolor, erase and copy_to")
        if self.recolor is not None:
            parse_color(self.recolor)


class Edited(NamedTuple):
    """An edited picture.

    Attributes:
        image: (H, W, 3) uint8 RGB: the array that was given, or the one that the text was copied to.
        mask: (H, W) float32 in [0, 1] in tiles, the text mask of the picture that was given.
    """

    image: Array
    mask: TiledMask


def edit_picture(reader: Reader, image: Array, editing: Editing) -> Edited:
    """Edit the text of a picture in its own array, or in the one that it is copied to, and return that.

    A picture no higher than a word crop is taken for one word; in others the words are looked for, unless polygons say
    where they are.

    Args:
        reader: whose segmenter gives the mask.
        image: (H, W, 3) uint8 RGB, changed unless its text is copied.
        editing: what to do; its `copy_to` is changed.

    Raises:
        DataError: the text covers too much of too large a picture.
        ValueError: the picture or the polygons are nothing such.
    """
    polygons = editing.polygons
    if polygons is None and editing.detector is None and image.shape[0] <= SCENE_HEIGHT:
        polygons = [[0, 0, image.shape[1], image.shape[0]]]
    mask = reader.tiled_text_mask(image, polygons, detector=editing.detector)
    give_back_freed()
    if editing.copy_to is not None:
        copy_into(editing.copy_to, image, mask)
        return Edited(editing.copy_to, mask)
    if editing.recolor is not None:
        recolor_in(image, mask, parse_color(editing.recolor))
    else:
        erase_in(image, mask)
    return Edited(image, mask)


def parse_color(text: str) -> tuple[int, int, int]:
    """Return red, green and blue of "#RRGGBB".

    Raises:
        ConfigError: it is not such a colour.
    """
    digits = text.removeprefix("#")
    try:
        red, green, blue = bytes.fromhex(digits)
    except ValueError as error:
        raise ConfigError(f"a colour is written #RRGGBB, such as #ff8800, got {text!r}") from error
    return red, green, blue
