"""Masks that are costly to make, kept in memory while several recognizers read the same words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from segrec.data.masks.codec import Mask
from segrec.data.masks.sources import MaskSource, Size

MOST_BYTES = 2**28
"""Kept in memory; what no longer fits is made again each time."""


class RememberedMasks:
    """Asks another source for each mask once, as long as they fit into memory.

    Args:
        source: whose masks depend on the image and the size alone, not on the visit.
    """

    def __init__(self, source: MaskSource) -> None:
        self.name = source.name
        self._source = source
        self._kept: dict[tuple[int, Size | None], Mask] = {}
        self._bytes = 0

    def masks(
        self, indices: Sequence[int], images: Sequence[NDArray[Any]], visits: Sequence[int], size: Size | None
    ) -> list[Mask]:
        """Return the source's masks, see `MaskSource.masks`."""
        found = {place: self._kept[index, size] for place, index in enumerate(indices) if (index, size) in self._kept}
        new = [place for place in range(len(indices)) if place not in found]
        if new:
            made = self._source.masks(
                [indices[place] for place in new],
                [images[place] for place in new],
                [visits[place] for place in new],
                size,
            )
            for place, mask in zip(new, made, strict=True):
                found[place] = mask
                self._keep((indices[place], size), mask)
        return [found[place] for place in range(len(indices))]

    def _keep(self, key: tuple[int, Size | None], mask: Mask) -> None:
        if self._bytes + mask.nbytes <= MOST_BYTES:
            self._bytes += mask.nbytes
            self._kept[key] = mask
