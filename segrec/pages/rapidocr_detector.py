"""RapidOCR's text detector, whose wheel carries PP-OCR's weights, as a detector for pages."""

from __future__ import annotations

from typing import Any

import numpy as np

from segrec.core.images import Array
from segrec.core.packages import package
from segrec.pages.quadrangles import Points
from segrec.pages.regions import as_polygons

REMEDY = "pip install 'segrec[ppocr]'"


class RapidDetector:
    """Finds lines of text with the detector of the installed package `rapidocr`, on one thread unless told otherwise.

    Args:
        threads: that onnxruntime may use.

    Raises:
        LibraryError: the package, or one that it needs, is not installed.
    """

    def __init__(self, *, threads: int = 1) -> None:
        rapidocr = package("rapidocr.main", "RapidOCR's detector cannot be imported ({reason}); " + REMEDY)
        engine = "EngineConfig.onnxruntime"
        self._engine: Any = rapidocr.RapidOCR(
            params={
                "Global.log_level": "error",
                f"{engine}.intra_op_num_threads": threads,
                f"{engine}.inter_op_num_threads": threads,
            }
        )

    def __call__(self, image: Array) -> list[Points]:
        """Return the outlines of the lines of text, (4, 2) float32 x and y in pixels.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        blue_first = np.ascontiguousarray(image[:, :, ::-1])
        found = self._engine(blue_first, use_det=True, use_cls=False, use_rec=False)
        return as_polygons([] if found.boxes is None else found.boxes, (image.shape[0], image.shape[1]))
