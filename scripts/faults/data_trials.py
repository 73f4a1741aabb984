"""Trials of the data: words and stores that are cut short, words that change while they are read, odd pictures."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from faults.workplace import (
    SHARD,
    Outcome,
    Workplace,
    completed,
    differing,
    fingerprint,
    not_one_line,
    progress,
    unsound,
)
from segmenter.preprocess import is_tall, mask_size, working_size
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.lmdb_io import commit
from segrec.data.masks.store import MaskStore
from segrec.data.words import COUNT_KEY, WordLmdb, image_key, label_key

MOST_FOR_BOMBS = 150_000_000
"""Bytes by which bombs among the pictures may raise the peak of memory."""


def cut_store(work: Workplace, rng: random.Random) -> Outcome:
    """Try a store whose file has been cut short, at several lengths."""
    store, found = work.folder / "cut", []
    whole = (work.quiet / SHARD / DATA_FILE).stat().st_size
    for length in (0, 1, 4096, 8192, rng.randrange(8192, whole), whole - 1):
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(work.quiet, store)
        os.truncate(store / SHARD / DATA_FILE, length)
        found += not_one_line(work.start(store).ended(), str(store / SHARD), "delete that folder")
    shutil.rmtree(store / SHARD)
    return Outcome("refused at 6 lengths", found + completed(work, store))


def cut_source(work: Workplace, rng: random.Random) -> Outcome:
    """Try words whose file has been cut short, at several lengths."""
    data, found = work.copy_of_words("cut-words"), []
    for length in sorted((0, 4096, *(rng.randrange(8192, work.count * 100) for _ in range(2))), reverse=True):
        os.truncate(data / DATA_FILE, length)
        found += not_one_line(work.start(work.folder / "of-cut", data=data).ended(), str(data), "again")
    if (work.folder / "of-cut").exists():
        found.append("a store was made of words that cannot be read")
    return Outcome("refused at 4 lengths", found)


def appended(data: Path, work: Workplace) -> None:
    """Add one word."""
    last = work.count + 1
    picture = WordLmdb(data).image_bytes(1) or b""
    commit(data / DATA_FILE, [(image_key(last), picture), (label_key(last), b"more"), (COUNT_KEY, b"%d" % last)])


def replaced(data: Path, work: Workplace) -> None:
    """Replace a picture in place that the digest does not look at."""
    place = work.unsampled()
    commit(data / DATA_FILE, [(image_key(place), WordLmdb(data).image_bytes(place) or b"")])


def exchanged(data: Path, work: Workplace) -> None:
    """Rename another database over this one."""
    other = work.write_words("other", work.count, {})
    os.replace(other / DATA_FILE, data / DATA_FILE)


def cut_meanwhile(data: Path, work: Workplace) -> None:
    """Cut the file, as a copy over it does first."""
    os.truncate(data / DATA_FILE, 8192)


CHANGES = {"appended to": appended, "replaced in part": replaced, "exchanged": exchanged, "cut": cut_meanwhile}


def changing_source(work: Workplace, rng: random.Random, *, change: Callable[[Path, Workplace], None]) -> Outcome:
    """Change words while they are read: no masks of both states may come into one store."""
    data, store = work.copy_of_words(f"words-{change.__name__}"), work.folder / f"of-{change.__name__}"
    goal = rng.randint(1, work.count // 4)
    run = work.start(store, data=data)
    run.wait_until(lambda: progress(store) >= goal)
    change(data, work)
    ended = run.ended()
    killed_by_the_system = change is cut_meanwhile and ended.code == -signal.SIGBUS
    found = [] if killed_by_the_system else not_one_line(ended, str(data))
    seen = f"{'SIGBUS' if killed_by_the_system else 'noticed'} after {progress(store)} masks"
    found += unsound(store, work.quiet)
    found += not_one_line(work.start(store, data=data).ended(), str(store) if change is not cut_meanwhile else "")
    found += unsound(store, work.quiet)
    if change is cut_meanwhile:
        shutil.copy(work.words / DATA_FILE, data / DATA_FILE)
    shutil.rmtree(store)
    afresh = work.folder / f"afresh-{change.__name__}"
    codes = [work.start(path, data=data).ended().code for path in (store, afresh)]
    found += [] if codes == [0, 0] else [f"exit codes {codes} on the changed words"]
    return Outcome(f"{seen}; refused to go on", found + differing(store, afresh))


def odd_pictures(work: Workplace, rng: random.Random) -> Outcome:
    """Put bombs, animations, damaged files and rare kinds of pictures among the words."""
    store = MaskStore(work.quiet)
    found = []
    for place, picture in work.odd.items():
        mask = store[place - 1]
        wanted = picture.size and kept_size(picture.size, store)
        if (mask if mask is None else mask.shape) != wanted:
            found.append(f"word {place} has a mask {mask if mask is None else mask.shape}, not {wanted}")
    plain = work.write_words("plain", 600, {})
    odd = work.write_words("odd", 600, {1 + place: picture.data for place, picture in enumerate(work.odd.values())})
    peaks = [work.start(work.folder / f"of-{data.name}", data=data).ended().peak for data in (plain, odd)]
    if peaks[1] - peaks[0] > MOST_FOR_BOMBS:
        found.append(f"bombs raised the peak of memory by {(peaks[1] - peaks[0]) / 1e6:.0f} MB")
    unreadable = sum(picture.size is None for picture in work.odd.values())
    peak, plain_peak = (round(peak / 1e6) for peak in reversed(peaks))
    return Outcome(f"{len(work.odd)} kinds, {unreadable} unreadable; peak {peak} MB, {plain_peak} without them", found)


def kept_size(size: tuple[int, int], store: MaskStore) -> tuple[int, int]:
    """Return the (height, width) that a store's record promises for the mask of a picture of `size`."""
    height = store.record.input_size[0]
    if store.record.mask_size == "crop" or height is None:
        return size
    if is_tall(size, None):
        across, down = kept_size((size[1], size[0]), store)
        return down, across
    return mask_size(size, working_size(size, height=height, scene_height=None))


def source_untouched(work: Workplace, rng: random.Random) -> Outcome:
    """Check that the words are still the same bytes, of the same time, with nothing beside them."""
    same = fingerprint(work.words) == work.source_before
    return Outcome("same bytes, times and files", [] if same else ["the source was altered"])
