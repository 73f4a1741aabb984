"""Where a fine-tuning's masks come from: stores that are named, lie beside the words, or are predicted first."""

from __future__ import annotations

from pathlib import Path

from segrec.core.runlog import LOGGER
from segrec.data.masks.kinds import ORACLE
from segrec.data.masks.record import shard_folders
from segrec.data.masks.sources import MaskSource, RandomMasks, StoredMasks, ZeroMasks
from segrec.data.masks.store import open_store
from segrec.data.words import WordLmdb
from segrec.jobs.finetune_settings import FineTuning
from segrec.jobs.precompute import precompute_masks
from segrec.training.distributed import World

VALID = "valid"
"""What stands for the validation words where the training data have numbers."""


class MasksOfRun:
    """Finds where each database's masks come from.

    Args:
        folder: where masks go that have to be predicted first, by all processes of the world together.
    """

    def __init__(self, settings: FineTuning, folder: Path, world: World) -> None:
        self._settings, self._folder, self._world = settings, folder, world
        self._given = {str(number): path for number, path in enumerate(settings.masks)}
        if settings.valid_masks is not None:
            self._given[VALID] = settings.valid_masks

    def open(self, words: WordLmdb, part: str) -> MaskSource | None:
        """Return the masks of a database.

        Args:
            words: the database.
            part: its number among the training data, or `VALID`.
        """
        mask = self._settings.mask
        if mask == "none":
            return None
        if mask == "random":
            return RandomMasks(self._settings.seed)
        if mask == "zero":
            return ZeroMasks()
        count = self._settings.valid_limit if part == VALID else None
        return StoredMasks(open_store(self._store(words.path, part, count), words, mask, count=count))

    def _store(self, data: Path, part: str, count: int | None) -> Path:
        if part in self._given:
            return Path(self._given[part])
        if self._settings.mask == "oracle":
            return data / ORACLE
        store, world = self._folder / f"masks-{part}", self._world
        option = "--valid-masks" if part == VALID else "--masks"
        LOGGER.info("no %s named: predicting the masks of %s into %s first", option, data, store)
        shards = world.on_main(lambda: next((shards for _, shards in shard_folders(store)), world.size))
        world.together(lambda: self._predict(data, store, count, shards))
        return store

    def _predict(self, data: Path, store: Path, count: int | None, shards: int) -> None:
        """Predict this process's shards of a store, which another number of processes may have begun."""
        for number in range(self._world.rank + 1, shards + 1, self._world.size):
            precompute_masks(
                data,
                store,
                segmenter=self._settings.segmenter,
                shard=(number, shards),
                limit=count,
                workers=self._settings.workers,
                device=str(self._world.device),
                amp=self._settings.amp,
            )
