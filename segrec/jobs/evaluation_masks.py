"""Where an evaluation's masks come from: stores, rendering, a segmenter, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segrec.core.errors import DataError
from segrec.data.masks.kinds import ORACLE, OWN, SHUFFLED
from segrec.data.masks.predicted import PredictedMasks
from segrec.data.masks.shuffled import ShuffledMasks
from segrec.data.masks.sources import MaskSource, RandomMasks, RememberedMasks, StoredMasks, ZeroMasks
from segrec.data.masks.store import MaskStore, open_store
from segrec.data.words import WordLmdb
from segrec.jobs.precompute import open_segmenter


class EvaluationMasks:
    """Opens each database's masks of a kind once.

    Args:
        stores: mask stores by the database's name, any number of kinds each.
        segmenter: predicts masks that no store holds.
        limit: how many first words of each database need masks.
    """

    def __init__(
        self, stores: Mapping[str, Sequence[str]], segmenter: str, *, limit: int | None, device: str, amp: str
    ) -> None:
        self._stores, self._segmenter, self._limit = stores, segmenter, limit
        self._device, self._amp = device, amp
        self._predicted: PredictedMasks | None = None
        self._opened: dict[tuple[str, str], MaskSource] = {}

    def kind(self, mask: str, name: str, words: WordLmdb) -> str:
        """Return the kind of mask itself, and for `OWN` oracle where the database has exact masks, else predicted."""
        if mask != OWN:
            return mask
        named = any(MaskStore(path).record.kind == "oracle" for path in self._stores.get(name, ()))
        return "oracle" if named or (words.path / ORACLE).is_dir() else "predicted"

    def open(self, mask: str, name: str, words: WordLmdb, *, seed: int) -> MaskSource:
        """Return the masks of a kind for the database `name`.

        Raises:
            DataError: a store cannot be read, does not fit, or no store holds that kind.
            CheckpointError: the segmenter cannot be read.
        """
        if mask in ("none", "zero"):
            return ZeroMasks()
        if mask == "random":
            return RandomMasks(seed)
        if mask == SHUFFLED:
            own = self.open(self.kind(OWN, name, words), name, words, seed=seed)
            return ShuffledMasks(own, words, count=self._limit, seed=seed)
        if (mask, name) not in self._opened:
            self._opened[mask, name] = self._textual(mask, name, words)
        return self._opened[mask, name]

    def _textual(self, mask: str, name: str, words: WordLmdb) -> MaskSource:
        for path in self._stores.get(name, ()):
            if MaskStore(path).record.kind == mask:
                return StoredMasks(open_store(path, words, mask, count=self._limit))
        if mask == "oracle":
            return StoredMasks(open_store(words.path / ORACLE, words, mask, count=self._limit))
        if self._stores.get(name):
            raise DataError(
                f"none of the mask stores named for {name} holds predicted masks; run segrec precompute-masks"
            )
        if self._predicted is None:
            segmenter, _ = open_segmenter(self._segmenter, device=self._device, amp=self._amp)
            self._predicted = PredictedMasks(segmenter)
        return RememberedMasks(self._predicted)
