"""Importing the words of a release as a standard LMDB."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from segrec.core.errors import DataError
from segrec.core.files import file_digest
from segrec.core.regular import MOST_LIST_BYTES
from segrec.core.runlog import LOGGER, progress_bar
from segrec.importers.base import Crop, Importer, Skip
from segrec.importers.cut_settings import CutSettings, Encoding
from segrec.importers.cutting import Pending, cutters
from segrec.importers.record import ImportPlan, ImportProgress, annotations_digest
from segrec.importers.registry import open_importer
from segrec.importers.selection import Selection, selection_of
from segrec.importers.writer import ImportWriter

CHUNK = 1000
"""Items a transaction; fixed, because a database's bytes depend on it."""
ITEMS_A_TASK = 32
CHUNKS_AHEAD = 2


@dataclass(frozen=True)
class ImportResult:
    """What an import did.

    Attributes:
        output: the folder of the words.
        words: how many it holds.
        added: those that this run stored.
        progress: what was read and skipped, over all runs.
        verdict: how `words` compares with the number that papers report, where there is one.
    """

    output: Path
    words: int
    added: int
    progress: ImportProgress
    verdict: str | None


def import_words(
    dataset: str,
    source: str | os.PathLike[str],
    *,
    output: str | os.PathLike[str],
    split: str | None = None,
    filter_name: str | None = None,
    subset: str | None = None,
    names: str | os.PathLike[str] | None = None,
    margin: float = CutSettings.margin,
    encoding: Encoding = CutSettings.encoding,
    workers: int = 1,
    overwrite: bool = False,
    outside: bool = False,
) -> ImportResult:
    """Write the words of a release as an lmdb; run again, it goes on where it stopped.

    Args:
        dataset: a name of `DATASETS`.
        source: the release's folder, or the list of `tsv`.
        output: the folder to write; lexicons of the words lie beside the database as `lexicon.jsonl`.
        split: of the release; None for the subset's or the usual one.
        filter_name: one of `FILTERS`; None likewise.
        subset: the count of a subset by which papers name it.
        names: a file with the names of the words to take, one per line.
        margin: of words cut out of scenes, see `CutSettings`.
        encoding: likewise; crops of a release keep their bytes.
        workers: processes that read and cut pictures.
        overwrite: replace what the output holds.
        outside: of lists (`tsv`, `svtp`, `cute80`), follow paths that lead out of the list's folder.

    Raises:
        ConfigError: options that do not exist or contradict each other.
        DataError: the source is not such a dataset or gives no words, or the output is something else or not writable.
        LibraryError: the annotations are a MATLAB file, and SciPy is missing.
    """
    taken = selection_of(dataset, split, filter_name=filter_name, subset=subset, names=names)
    importer = open_importer(dataset, source, taken.split, outside=outside)
    facts = {"names": None if names is None else file_digest(names, most=MOST_LIST_BYTES), "outside": outside}
    plan = _plan(dataset, Path(source), taken, importer, **facts, **asdict(CutSettings(margin, encoding)))
    with ImportWriter.open(output, plan, overwrite=overwrite) as writer:
        before = writer.progress.words
        if not writer.complete:
            _import(importer, taken, writer, workers=workers)
        words = writer.progress.words
        return ImportResult(Path(output), words, words - before, writer.progress, _verdict(taken, writer.progress))


def _plan(dataset: str, source: Path, taken: Selection, importer: Importer, **settings: Any) -> ImportPlan:
    """Return what an import's output records, so that another one does not go on with it."""
    return ImportPlan(
        dataset=dataset,
        split=taken.split,
        source=os.path.realpath(source),
        annotations=annotations_digest(importer.annotations),
        filter=taken.filter,
        **settings,
    )


def _import(importer: Importer, taken: Selection, writer: ImportWriter, *, workers: int) -> None:
    plan, progress = writer.plan, writer.progress
    if not progress.finished:
        if progress.read:
            LOGGER.info("%s holds %d words of %d items; going on", writer.folder, progress.words, progress.read)
        with (
            cutters(workers, CutSettings(plan.margin, plan.encoding)) as submit,
            progress_bar(importer.count(), "importing", "word", initial=progress.read) as bar,
        ):
            waiting: deque[list[_Task]] = deque()
            for chunk in _chunks(islice(taken.of(importer.items()), progress.read, None)):
                waiting.append([_Task(items, submit(items)) for items in _tasks(chunk)])
                if len(waiting) > CHUNKS_AHEAD:
                    _store(waiting.popleft(), writer, bar)
            for tasks in waiting:
                _store(tasks, writer, bar)
        if annotations_digest(importer.annotations) != plan.annotations:
            raise DataError(f"{plan.source} was changed while it was imported; import again with --overwrite")
    for line in progress.summary():
        LOGGER.warning("%s", line)
    if not progress.words:
        writer.discard()
        reasons = "; ".join(progress.summary()) or "its annotations name no word"
        raise DataError(f"nothing could be imported from {plan.source}: {reasons}")
    writer.finish()


def _verdict(taken: Selection, progress: ImportProgress) -> str | None:
    """Return how the number of words compares with the known one, having warned where it differs."""
    if taken.names is not None and progress.words != len(taken.names):
        LOGGER.warning("%d words, but the list holds %d names", progress.words, len(taken.names))
    known = taken.known_of(progress.read)
    if known is None:
        return None
    right, verdict = known.verdict(progress.words, progress.read)
    if not right:
        LOGGER.warning("%s; words were skipped, or the source is not whole", verdict)
    return verdict


class _Task(NamedTuple):
    items: Sequence[Crop | Skip]
    pictures: Pending


def _store(tasks: Sequence[_Task], writer: ImportWriter, bar: Any) -> None:
    items: list[Crop | Skip] = []
    pictures: list[bytes | Skip] = []
    for task in tasks:
        pictures += task.pictures()
        items += task.items
        bar.update(len(task.items))
    writer.write(items, pictures)


def _chunks(items: Iterator[Crop | Skip]) -> Iterator[list[Crop | Skip]]:
    """Yield what is written in one transaction; cut at fixed places, so that a resumed run cuts like the first."""
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def _tasks(chunk: Sequence[Crop | Skip]) -> Iterator[Sequence[Crop | Skip]]:
    """Yield runs of at least `ITEMS_A_TASK` items that do not part the words of a scene."""
    start = 0
    for position in range(ITEMS_A_TASK, len(chunk)):
        if position - start >= ITEMS_A_TASK and _picture(chunk[position]) != _picture(chunk[position - 1]):
            yield chunk[start:position]
            start = position
    yield chunk[start:]


def _picture(item: Crop | Skip) -> str:
    return item.picture if isinstance(item, Crop) else ""
