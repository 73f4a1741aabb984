"""Tiny real word databases and mask records for the storage tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_words import picture

from segrec.data.masks.record import MaskRecord, SegmenterRecord, SourceRecord
from segrec.data.words import WordLmdb, WordWriter

MakeWords = Callable[..., Path]
MakeRecord = Callable[..., MaskRecord]


@pytest.fixture
def make_words(tmp_path: Path) -> MakeWords:
    def make(count: int = 12, name: str = "words", first: int = 0) -> Path:
        with WordWriter(tmp_path / name, samples_per_commit=5) as writer:
            for index in range(first, first + count):
                writer.add(picture(index), f"word{index}")
        return tmp_path / name

    return make


@pytest.fixture
def make_record() -> MakeRecord:
    def make(words: Path, span: tuple[int, int] | None = None, weights: str = "a" * 64) -> MaskRecord:
        database = WordLmdb(words)
        return MaskRecord(
            kind="predicted",
            source=SourceRecord.of(database),
            segmenter=SegmenterRecord("mgnet-slim", weights),
            input_size=(64, None),
            span=span or (1, len(database)),
        )

    return make
