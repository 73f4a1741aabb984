"""Writing imported words so that a killed run, started again, ends in the same bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from segrec.core.errors import DataError
from segrec.core.lmdb_environments import DATA_FILE, close_environment
from segrec.core.lmdb_io import commit, publish
from segrec.core.lock import FolderLock, lock_folder
from segrec.data.words import COUNT_KEY, PARTIAL_FILE, image_key, label_key
from segrec.importers.base import Crop, Skip
from segrec.importers.record import IMPORT_KEY, ImportPlan, ImportProgress, ImportRecord

PARTIAL_FOLDER = ".import"
"""Inside the output; holds everything until it is whole."""
LEXICONS = "lexicon*.jsonl"


class ImportWriter:
    """The one writer of a folder of imported words; `progress` says where to begin or go on.

    Each `write` is one transaction that holds its words and the progress. The bytes depend only on the plan and on how
    the items were cut into writes, never on where a run was killed and started again. The database and its lexicons
    appear in the folder when `finish` is called; a database that is overwritten stays until then.

    Use `open`, as a context manager; leaving it gives the folder free, finished or not.
    """

    def __init__(self, folder: Path, plan: ImportPlan, lock: FolderLock, *, overwrite: bool) -> None:
        self.folder = folder
        self.plan = plan
        self._lock = lock
        self._partial = folder / PARTIAL_FOLDER
        self._file = self._partial / DATA_FILE
        self.progress = self._resume(overwrite)

    @classmethod
    def open(cls, path: str | os.PathLike[str], plan: ImportPlan, *, overwrite: bool = False) -> ImportWriter:
        """Return the writer of the folder `path`, made when absent.

        Args:
            overwrite: replace what is there, a database or the beginning of another import.

        Raises:
            DataError: there is something else and it is not to be overwritten, another process writes it, or the
                folder cannot be written.
        """
        folder = Path(path)
        lock = lock_folder(folder)
        try:
            return cls(folder, plan, lock, overwrite=overwrite)
        except BaseException:
            lock.release()
            raise

    def _resume(self, overwrite: bool) -> ImportProgress:
        remedy = "choose another output or ask to overwrite it"
        if self._file.exists():
            begun = self._begun(overwrite)
            difference = "damage" if begun is None else begun.plan.difference(self.plan)
            if begun is not None and difference is None:
                return begun.progress
            if not overwrite and (begun is None or begun.progress.read):
                raise DataError(f"{self.folder} holds the beginning of an import with {difference}; {remedy}")
        elif (self.folder / DATA_FILE).exists() and not overwrite:
            there = ImportRecord.of(self.folder)
            if there is None or there.plan.difference(self.plan) is not None:
                raise DataError(f"{self.folder} already holds a database; {remedy}")
            self._remove_partial()
            return there.progress
        return self._begin()

    def _begun(self, overwrite: bool) -> ImportRecord | None:
        try:
            return ImportRecord.of(self._partial)
        except DataError:
            if not overwrite:
                raise
            return None

    def _begin(self) -> ImportProgress:
        self._remove_partial()
        progress, first = ImportProgress(), self._partial / PARTIAL_FILE
        try:
            self._partial.mkdir(exist_ok=True)
            first.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(f"cannot write {self.folder}: {error.strerror}; choose another output") from error
        commit(first, [(IMPORT_KEY, ImportRecord(self.plan, progress).to_json())])
        publish(first, self._partial)
        return progress

    @property
    def complete(self) -> bool:
        """Whether the words are all in their place."""
        return self.progress.finished and not self._file.exists()

    def write(self, items: Sequence[Crop | Skip], pictures: Sequence[bytes | Skip]) -> None:
        """Store words, in one transaction.

        Args:
            items: the next ones of the release.
            pictures: for each its encoded picture, or why it is left out.

        Raises:
            DataError: the disk is full; what was stored before stays.
        """
        if not self._lock.held:
            raise ValueError(f"the writer of {self.folder} is closed")
        values: list[tuple[bytes, bytes]] = []
        lexicons: dict[str, list[str]] = {}
        progress = self.progress
        for item, picture in zip(items, pictures, strict=True):
            progress.read += 1
            if isinstance(picture, Skip):
                progress.skip(picture)
                continue
            assert isinstance(item, Crop)
            progress.words += 1
            values += [
                (image_key(progress.words), picture),
                (label_key(progress.words), item.label.encode("utf-8")),
            ]
            for stem, words in item.lexicons.items():
                row = json.dumps({"index": progress.words, "words": list(words)})
                lexicons.setdefault(stem, []).append(f"{row}\n")
        for stem, rows in lexicons.items():
            self._append(stem, "".join(rows).encode("ascii"))
        self._commit(values)

    def _append(self, stem: str, data: bytes) -> None:
        """Write on where the progress says, over what a killed run may have written beyond."""
        file = self._partial / f"{stem}.jsonl"
        end = self.progress.lexicons.get(stem, 0)
        try:
            with open(file, "r+b" if file.exists() else "w+b") as handle:
                handle.seek(end)
                handle.truncate()
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise DataError(f"cannot write {file}: {error.strerror}; free space, then run again") from error
        self.progress.lexicons[stem] = end + len(data)

    def _commit(self, values: Sequence[tuple[bytes, bytes]]) -> None:
        commit(self._file, [*values, (IMPORT_KEY, ImportRecord(self.plan, self.progress).to_json())])

    def finish(self) -> None:
        """Give the database and its lexicons their names; killed meanwhile, it is done when called again.

        Raises:
            DataError: the folder cannot be written.
        """
        if not self.progress.finished:
            self.progress.finished = True
            self._commit([(COUNT_KEY, b"%d" % self.progress.words)])
        try:
            for stem in self.progress.lexicons:
                if (self._partial / f"{stem}.jsonl").exists():
                    os.replace(self._partial / f"{stem}.jsonl", self.folder / f"{stem}.jsonl")
            for file in self.folder.glob(LEXICONS):  # of a database that is overwritten
                if file.stem not in self.progress.lexicons:
                    file.unlink()
        except OSError as error:
            raise DataError(f"cannot write {self.folder}: {error.strerror}; choose another output") from error
        publish(self._file, self.folder)
        with suppress(OSError):
            self._partial.rmdir()

    def discard(self) -> None:
        """Throw away what was written and give the folder free; a database that was there before stays."""
        self._remove_partial()
        self._lock.release()
        with suppress(OSError):  # the folder holds something else
            self.folder.rmdir()

    def _remove_partial(self) -> None:
        close_environment(self._partial)
        for file in [self._file, *self._partial.glob(LEXICONS)]:
            file.unlink(missing_ok=True)
        with suppress(OSError):
            self._partial.rmdir()

    def __enter__(self) -> ImportWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()
