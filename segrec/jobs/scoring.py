"""Reading a word database with one kind of mask and scoring every word of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from recognizers.decoding import Reading
from recognizers.metrics import WordScore, normalise_label
from recognizers.predictor import Recognizer
from segrec.core.runlog import progress_bar
from segrec.data.mask_sources import MaskSource
from segrec.data.words import Word, WordLmdb

BATCH = 128


@dataclass(frozen=True)
class LabelRule:
    """How labels and readings are compared.

    Attributes:
        charset_filter: `alnum` keeps 0-9 and letters; `none` keeps everything.
        case_sensitive: whether case counts.
    """

    charset_filter: Literal["alnum", "none"] = "alnum"
    case_sensitive: bool = False

    def __call__(self, text: str) -> str:
        """Return the text as it is compared."""
        return normalise_label(text, charset_filter=self.charset_filter, case_sensitive=self.case_sensitive)


@dataclass(frozen=True, slots=True)
class WordOutcome:
    """How one word was read; `problem` says why an image could not be read at all."""

    index: int
    label: str
    text: str
    confidence: float
    correct: bool
    problem: str | None


@dataclass
class Scored:
    """The score of one database under one kind of mask, with the outcome of every scored word.

    Attributes:
        unlabelled: words left out because nothing of their label is left to compare (the field's habit).
    """

    score: WordScore = field(default_factory=WordScore)
    outcomes: list[WordOutcome] = field(default_factory=list)
    unlabelled: int = 0


def score_words(
    recognizer: Recognizer,
    words: WordLmdb,
    source: MaskSource | None,
    *,
    rule: LabelRule | None = None,
    correct: Callable[[str], str] | None = None,
    limit: int | None = None,
    description: str = "reading",
) -> Scored:
    """Return the score of `recognizer` on `words`.

    A word whose image or label cannot be read counts as wrong and is kept with its problem.

    Args:
        source: masks for a recognizer that needs them, else None.
        rule: how texts are compared; the field's habit when None.
        correct: turns a reading into another text, as a lexicon does.
        limit: score only the first words.
    """
    rule = rule or LabelRule()
    scored = Scored()
    count = len(words) if limit is None else min(limit, len(words))
    with progress_bar(count, description, "word") as bar:
        for batch in _batches(words, count):
            ruled = [(word, rule(word.label)) for word in batch]
            kept = [(word, truth) for word, truth in ruled if truth or word.problem]
            scored.unlabelled += len(ruled) - len(kept)
            readable = [word for word, _ in kept if word.image is not None]
            readings = iter(_read(recognizer, source, readable))
            for word, truth in kept:
                reading = None if word.image is None else next(readings)
                _add(scored, word, truth, reading, rule, correct)
            bar.update(len(batch))
    return scored


def _batches(words: WordLmdb, count: int) -> Iterator[list[Word]]:
    for start in range(0, count, BATCH):
        yield [words[position] for position in range(start, min(start + BATCH, count))]


def _read(recognizer: Recognizer, source: MaskSource | None, words: Sequence[Word]) -> list[Reading]:
    images = [word.image for word in words if word.image is not None]
    if source is None or not images:
        return recognizer.read(images)
    spec = recognizer.model.input_spec
    indices = [word.index - 1 for word in words]
    masks = source.masks(indices, images, [0] * len(images), (spec.height, spec.width))
    return recognizer.read(images, [np.asarray(mask) for mask in masks])


def _add(
    scored: Scored,
    word: Word,
    truth: str,
    reading: Reading | None,
    rule: LabelRule,
    correct: Callable[[str], str] | None,
) -> None:
    if reading is None:
        scored.score.add_unreadable(truth)
        scored.outcomes.append(WordOutcome(word.index, word.label, "", 0.0, False, word.problem))
        return
    text = rule(reading.text if correct is None else correct(reading.text))
    scored.score.add(text, truth)
    scored.outcomes.append(WordOutcome(word.index, word.label, text, reading.confidence, text == truth, None))
