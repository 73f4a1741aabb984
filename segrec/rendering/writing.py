"""Rendered data on disk: words as an lmdb with exact mask stores, scenes as folders of pictures, masks and polygons."""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Literal, Protocol, TypeVar, cast

from segrec.core.errors import ConfigError, DataError
from segrec.core.files import write_bytes, write_json
from segrec.core.images import encode_png
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.runlog import progress_bar
from segrec.core.workers import worker_processes
from segrec.data.masks.codec import DEFAULT_CODEC, mask_codec
from segrec.data.masks.kinds import ORACLE, REGIONS
from segrec.data.masks.record import MaskRecord, SourceRecord
from segrec.data.masks.store import MaskStore
from segrec.data.masks.writer import MaskStoreWriter
from segrec.data.words import WordLmdb, WordWriter
from segrec.rendering.record import RENDER_KEY, RenderRecord
from segrec.rendering.scenes import RenderedScene, SceneRenderer
from segrec.rendering.styles import USUAL, Style
from segrec.rendering.text_free import TextFreeRenderer
from segrec.rendering.words import RenderedWord, RenderSources, WordRenderer

MASKS_A_WRITE = 1000
_LENGTHS = struct.Struct("<II")
"""What stands before a word's two encoded masks where they wait: their bytes."""
ITEMS_A_TASK = 16

Item = TypeVar("Item", RenderedWord, RenderedScene)
Rendered = TypeVar("Rendered", covariant=True)


class Renderer(Protocol[Rendered]):
    """Makes one item by its number."""

    def render(self, index: int) -> Rendered:
        """Return item `index`, always the same."""
        ...


_renderer: Renderer[RenderedWord | RenderedScene] | None = None


def render_words(
    output: str | os.PathLike[str],
    count: int,
    *,
    seed: int = 0,
    sources: RenderSources | None = None,
    workers: int = 1,
    masks: bool = True,
    style: Style = USUAL,
    overwrite: bool = False,
) -> None:
    """Write `count` rendered words as an lmdb; with `masks` also the stores `oracle` (strokes) and `regions` in it.

    The same arguments give the same bytes, whatever the number of workers. A run that was ended before its masks were
    whole is begun anew by the same arguments.

    Raises:
        ConfigError: `count` is below 1.
        DataError: the output exists and is not to be overwritten, or cannot be written.
    """
    _check_count(count)
    folder, renderer = Path(output), WordRenderer(seed, sources, style=style)
    record, encode = renderer.record, mask_codec(DEFAULT_CODEC).encode
    overwrite = overwrite or (masks and _lacks_masks(folder, record, count))
    with WordWriter(folder, overwrite=overwrite) as writer, _spool(folder) as spool:
        for word in _rendered(renderer, count, workers, "word"):
            writer.add(word.jpeg, word.text)
            if masks:
                pair = encode(word.strokes), encode(word.region)
                spool.write(_LENGTHS.pack(*map(len, pair)) + pair[0] + pair[1])
        writer.note(RENDER_KEY, record.to_json())
        writer.close()
        if masks:
            spool.seek(0)
            _write_masks(folder, spool, count)


def _lacks_masks(folder: Path, record: RenderRecord, count: int) -> bool:
    """Return whether these very words were written there, but not all of their masks."""
    if not (folder / DATA_FILE).exists():
        return False
    try:
        same = RenderRecord.of(folder) == record and len(WordLmdb(folder)) == count
    except DataError:
        return False
    return same and not all(_is_whole(folder / name) for name in (ORACLE, REGIONS))


def _is_whole(store: Path) -> bool:
    try:
        return MaskStore(store).complete
    except DataError:  # none, or one that was only begun
        return False


@contextmanager
def _spool(folder: Path) -> Iterator[IO[bytes]]:
    """Yield a nameless file on the output's disk, where masks wait until the words are whole."""
    try:
        with tempfile.TemporaryFile(dir=folder) as spool:
            yield spool
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"cannot write {folder}: {reason}; free space or choose another output") from error


def _write_masks(folder: Path, spool: IO[bytes], count: int) -> None:
    source = SourceRecord.of(WordLmdb(folder))
    kinds: tuple[tuple[str, Literal["oracle", "region"]], ...] = ((ORACLE, "oracle"), (REGIONS, "region"))
    records = [
        MaskRecord(kind=kind, source=source, segmenter=None, input_size=(None, None), span=(1, count))
        for _, kind in kinds
    ]
    for name, _ in kinds:
        _remove_store(folder / name)
    with (
        MaskStoreWriter.open(folder / ORACLE, records[0]) as strokes,
        MaskStoreWriter.open(folder / REGIONS, records[1]) as regions,
    ):
        for first in range(1, count + 1, MASKS_A_WRITE):
            pairs = [_pair(spool) for _ in range(first, min(first + MASKS_A_WRITE, count + 1))]
            strokes.write_encoded(first, [pair[0] for pair in pairs])
            regions.write_encoded(first, [pair[1] for pair in pairs])
        strokes.finish()
        regions.finish()


def _pair(spool: IO[bytes]) -> tuple[bytes, bytes]:
    """Return the next word's two encoded masks."""
    lengths = _LENGTHS.unpack(spool.read(_LENGTHS.size))
    return spool.read(lengths[0]), spool.read(lengths[1])


def _remove_store(store: Path) -> None:
    """Remove the masks of a database that was overwritten; only files that a mask store consists of."""
    for file in store.glob("shard-*/data.mdb"):
        file.unlink()


def render_scenes(
    output: str | os.PathLike[str],
    count: int,
    *,
    seed: int = 0,
    sources: RenderSources | None = None,
    workers: int = 1,
    style: Style = USUAL,
    text_free: bool = False,
) -> None:
    """Write `count` rendered scenes as `images/*.jpg`, `text/*.png`, `regions/*.png` and `polygons/*.json`.

    A polygon file is a list of `{"points": [[x, y], ...], "text": ...}`. `scenes.json`, written last, names them all.
    With `text_free` all pictures are without text, of all sizes from 24 pixels per side.

    Raises:
        ConfigError: `count` is below 1, there is no such style, or one is asked for with `text_free`.
        DataError: the output already holds scenes, or cannot be written.
    """
    _check_count(count)
    if text_free and style != USUAL:
        raise ConfigError(f"text-free scenes have no style, got {style!r}; leave out --style or --text-free")
    folder = Path(output)
    if (folder / "scenes.json").exists():
        raise DataError(f"{folder} already holds scenes; choose another output or delete it")
    names = []
    renderer = TextFreeRenderer(seed, sources) if text_free else SceneRenderer(seed, sources, style=style)
    for number, scene in enumerate(_rendered(renderer, count, workers, "scene"), start=1):
        names.append(f"scene-{number:06d}")
        _write_scene(folder, names[-1], scene)
    record = {"seed": seed, RENDER_KEY.decode(): asdict(renderer.record), "scenes": names}
    write_json(folder / "scenes.json", record)


def _write_scene(folder: Path, name: str, scene: RenderedScene) -> None:
    polygons = [
        {"points": polygon.round(2).tolist(), "text": text}
        for polygon, text in zip(scene.polygons, scene.texts, strict=True)
    ]
    files = {
        folder / "images" / f"{name}.jpg": scene.jpeg,
        folder / "text" / f"{name}.png": encode_png(scene.strokes),
        folder / "regions" / f"{name}.png": encode_png(scene.region),
        folder / "polygons" / f"{name}.json": json.dumps(polygons, ensure_ascii=False).encode(),
    }
    for path, content in files.items():
        write_bytes(path, content)


def _check_count(count: int) -> None:
    if count < 1:
        raise ConfigError(f"--count must be at least 1, got {count}")


def _rendered(renderer: Renderer[Item], count: int, workers: int, unit: str) -> Iterator[Item]:
    """Yield items 0 to count - 1 in order; memory does not grow with `count`."""
    with progress_bar(count, "rendering", unit) as bar, _mapper(renderer, workers) as run:
        window = max(1, workers) * ITEMS_A_TASK * 4
        for start in range(0, count, window):
            for item in run(range(start, min(start + window, count))):
                bar.update()
                yield item


@contextmanager
def _mapper(renderer: Renderer[Item], workers: int) -> Iterator[Callable[[range], Iterable[Item]]]:
    if workers <= 1:
        yield lambda indices: map(renderer.render, indices)
        return
    with worker_processes(workers, _start_worker, renderer) as submit:

        def in_order(indices: range) -> Iterator[Item]:
            for items in [submit(_render_items, task) for task in _tasks(indices)]:
                yield from cast(list[Item], items())  # of the renderer that the workers were started with

        yield in_order


def _tasks(indices: range) -> Iterator[range]:
    return (indices[start : start + ITEMS_A_TASK] for start in range(0, len(indices), ITEMS_A_TASK))


def _start_worker(renderer: Renderer[RenderedWord | RenderedScene]) -> None:
    global _renderer
    _renderer = renderer


def _render_items(indices: range) -> list[RenderedWord | RenderedScene]:
    assert _renderer is not None
    return [_renderer.render(index) for index in indices]
