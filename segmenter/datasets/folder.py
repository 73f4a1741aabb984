"""A folder of pictures with masks of equal file stems beside them."""

from __future__ import annotations

import os
from pathlib import Path

from segmenter.augment import SegmentationSample
from segmenter.datasets.base import README, NamedImages, check_size, first_folder, pictures, read_mask
from segrec.core.errors import DataError
from segrec.core.images import Array, read_image

IMAGES, TEXT, REGION = ("images", "img"), ("text", "mask"), ("region", "regions")


class MaskedFolder(NamedImages):
    """Pictures in `images/` or `img/`; their masks in `text/` or `mask/` and in `region/` or `regions/`.

    Masks hold 0, 255 and 128 = ignore, see `read_mask`. A picture needs one of the two masks; the other is None.
    Pictures and masks are turned upright by their EXIF orientation, as `segrec segment` does.

    Attributes:
        without_text: names of the pictures that have no text mask.
        without_region: names of the pictures that have no region mask.

    Raises:
        DataError: the folders are not there, or pictures and masks do not pair.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        images, text, region = (first_folder(Path(root), names) for names in (IMAGES, TEXT, REGION))
        if images is None or (text is None and region is None):
            raise DataError(
                f"{root} is not a folder of pictures with masks; expected images/ or img/ with text/ or mask/ "
                f"or region/ or regions/ beside it; {README}"
            )
        self._images = pictures(images)
        self._text = _masks(text, self._images, images)
        self._region = _masks(region, self._images, images)
        self._names = list(self._images)
        bare = [name for name in self._names if name not in self._text and name not in self._region]
        if bare:
            raise DataError(
                f"{self._images[bare[0]]} has no mask ({len(bare)} of {len(self._names)} pictures have none); "
                f"expected a picture {bare[0]}.png in {text or region}"
            )
        self.without_text = tuple(name for name in self._names if name not in self._text)
        self.without_region = tuple(name for name in self._names if name not in self._region)

    def sample(self, position: int) -> SegmentationSample:
        """Return one picture with the masks it has.

        Raises:
            DataError: a file cannot be read, or a mask's size is not the picture's.
        """
        name = self._names[position]
        image = read_image(self._images[name])

        def mask(paths: dict[str, Path]) -> Array | None:
            if name not in paths:
                return None
            found = read_mask(paths[name], upright=True)
            return check_size(found, image, mask_path=paths[name], image_path=self._images[name])

        return SegmentationSample(image, mask(self._text), mask(self._region))


def _masks(folder: Path | None, images: dict[str, Path], image_folder: Path) -> dict[str, Path]:
    masks = {} if folder is None else pictures(folder)
    for name, path in masks.items():
        if name not in images:
            raise DataError(f"{path} has no picture; expected one of the stem {name} in {image_folder}")
    return masks
