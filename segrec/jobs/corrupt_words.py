"""Making words worse on purpose: databases of corrupted copies, to measure how robust a recognizer is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segrec.core import VERSION
from segrec.core.errors import ConfigError, DataError
from segrec.core.files import read_json, write_json
from segrec.core.images import opencv
from segrec.core.lmdb_environments import DATA_FILE
from segrec.core.runlog import LOGGER, progress_bar
from segrec.data.corruption_kinds import CORRUPTIONS, Corruption, CorruptionKind, check_corruption
from segrec.data.corruptions import corrupt
from segrec.data.masks.record import SourceRecord
from segrec.data.words import StoredWord, WordLmdb, WordWriter

RECORD = "corruption.json"
"""Lies beside each database."""
FORMAT = 1
MIXED = "mixed"


class CorruptedSet(NamedTuple):
    """One database.

    Attributes:
        path: its folder.
        words: how many it holds.
        unreadable: those of them whose image was unreadable already; they stay so, at their places.
        written: whether this run wrote it.
    """

    path: Path
    words: int
    unreadable: int
    written: bool


def corrupt_words(
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    kinds: Sequence[CorruptionKind] = CORRUPTIONS,
    levels: Sequence[int] = (3,),
    mixed: bool = False,
    seed: int = 0,
    limit: int | None = None,
) -> list[CorruptedSet]:
    """Write corrupted copies of a word database: one for each kind and level, or a mixed one; run again, it goes on.

    Words keep their places and labels. What is done to a word depends on the seed and its index alone, and the same
    arguments give the same bytes with the same versions. A database appears whole or not at all, beside a
    `corruption.json` that says what it was made from and how; one that is there already is left as it is.

    Args:
        data: a word lmdb; opened read-only.
        output: the folder of the databases, each named as `Corruption.name` or `mixed`.
        kinds: of damage.
        levels: from 1 to 5.
        mixed: one database, in which each word gets one of the kinds at one of the levels.
        seed: of the damage, and of what each word gets.
        limit: only the first words.

    Raises:
        ConfigError: an unknown kind or level, or none.
        DataError: the words cannot be read, or an output holds something else or cannot be written.
    """
    choices = [Corruption(kind, level) for kind in dict.fromkeys(kinds) for level in dict.fromkeys(levels)]
    for choice in choices:
        check_corruption(choice)
    if not choices:
        raise ConfigError("nothing to do: name at least one kind and one level")
    words = WordLmdb(data)
    count = words.count(limit)
    if count < 1:
        raise DataError(f"{words.path} has no words to corrupt (num-samples {len(words)}); name other words")
    plans = {MIXED: choices} if mixed else {choice.name: [choice] for choice in choices}
    settings = {name: _settings(words, count, plan, seed) for name, plan in plans.items()}
    there = {name: _finished(Path(output) / name, wanted) for name, wanted in settings.items()}
    sets = [found or _write(words, Path(output) / name, plans[name], settings[name]) for name, found in there.items()]
    unreadable = max(one.unreadable for one in sets)
    if unreadable:
        LOGGER.warning("%d words of %s have no readable image; they stay unreadable", unreadable, words.path)
    return sets


def _settings(words: WordLmdb, count: int, choices: Sequence[Corruption], seed: int) -> dict[str, Any]:
    """Return what two runs must share to make one database; where the words lie and what they are called may differ."""
    return {
        "kind": "corrupted words",
        "format": FORMAT,
        "source": asdict(SourceRecord.of(words)),
        "words": count,
        "seed": seed,
        "corruptions": [choice.name for choice in choices],
    }


def _finished(folder: Path, settings: Mapping[str, Any]) -> CorruptedSet | None:
    """Return the database that is there, None where it has to be made.

    Raises:
        DataError: it was made otherwise.
    """
    if not (folder / DATA_FILE).exists():
        return None
    if not (folder / RECORD).exists():
        raise DataError(f"{folder} already holds a database, without {RECORD}; choose another output")
    record = read_json(folder / RECORD)
    for key, (mine, asked) in _compared(record, settings).items():
        if mine != asked:
            raise DataError(f"{folder} was made with {key} {mine}, not {asked}; choose another output or delete it")
    return CorruptedSet(folder, record["words"], record["unreadable"], written=False)


def _compared(record: Any, settings: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the values of a record and those asked for, by what they are; of the source, only its content."""
    mine: Mapping[str, Any] = record if isinstance(record, dict) else {}
    pairs = {key: (mine.get(key), value) for key, value in settings.items() if key != "source"}
    sources = mine.get("source") or {}, settings["source"]
    for key in ("num_samples", "digest", "revision"):
        pairs[f"a source of {key}"] = (sources[0].get(key), sources[1].get(key))
    return pairs


def _write(words: WordLmdb, folder: Path, choices: Sequence[Corruption], settings: Mapping[str, Any]) -> CorruptedSet:
    count, seed, unreadable = settings["words"], settings["seed"], 0
    applied = _drawn(choices, seed, count) if len(choices) > 1 else choices * count
    with WordWriter(folder) as writer, progress_bar(count, folder.name, "word") as bar:
        for word, corruption in zip(_first(words, count), applied, strict=True):
            image = b"" if word.image is None else corrupt(word.image, corruption, seed=seed, index=word.index)
            unreadable += word.image is None
            writer.add(image, word.label)
            bar.update()
        record = {
            **settings,
            "unreadable": unreadable,
            "versions": {"segrec": VERSION, "numpy": np.__version__, "opencv": opencv().__version__},
        }
        if len(choices) > 1:
            record["applied"] = [corruption.name for corruption in applied]
        write_json(folder / RECORD, record)  # before the database, which makes the set a finished one
    return CorruptedSet(folder, count, unreadable, written=True)


def _drawn(choices: Sequence[Corruption], seed: int, count: int) -> list[Corruption]:
    """Return what each of the first `count` words gets."""
    places = (np.random.default_rng((seed, index)).integers(len(choices)) for index in range(1, count + 1))
    return [choices[int(place)] for place in places]


def _first(words: WordLmdb, count: int) -> Iterator[StoredWord]:
    return (words[position] for position in range(count))
