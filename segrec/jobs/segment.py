"""The masks of one picture, written as pictures."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from segmenter.mask_predictor import MaskPredictor
from segrec.core.images import Array, decode_mask, write_png
from segrec.core.memory import give_back_freed
from segrec.core.picture_limits import MAX_PIXELS
from segrec.core.png_rows import png_rows
from segrec.reports.overlay import mask_levels, outline_in


def write_masks(segmenter: MaskPredictor, image: Array, stem: Path, *, overlays: bool = False) -> list[str]:
    """Write STEM.text.png and STEM.region.png, 0 to 255, of a picture, and return the paths of all that was written.

    Args:
        segmenter: of any settings; one that knows no regions gives the text alone.
        image: (H, W, 3) uint8 RGB, changed where an overlay is asked for.
        stem: folder and name without an ending.
        overlays: whether to write STEM.overlay.png as well, the picture with the text mask laid over it.

    Raises:
        DataError: a file cannot be written.
    """
    size = image.shape[0], image.shape[1]
    targets = [f"{stem}.{name}.png" for name in (("text", "region") if segmenter.has_region else ("text",))]
    with ExitStack() as files:
        takes = [files.enter_context(png_rows(target, size, 1)) for target in targets]
        for band in segmenter.bands(image):
            levels = mask_levels(band)
            for take, rows in zip(takes, levels, strict=True):
                take(rows)
    if overlays:
        give_back_freed()
        text = decode_mask(Path(targets[0]).read_bytes(), max_pixels=MAX_PIXELS)  # it was too large to be kept
        outline_in(image, text)
        targets.append(f"{stem}.overlay.png")
        write_png(targets[-1], image)
    return targets
