"""Reading a word database with one kind of mask and scoring every word of it."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Literal, NamedTuple

import numpy as np

from recognizers.decoding import Reading
from recognizers.metrics import WordScore, normalise_label
from recognizers.predictor import Recognizer
from recognizers.word_reader import BATCHES_SORTED
from segrec.core.errors import DamagedMaskError, SegrecError
from segrec.core.images import Array
from segrec.core.interrupt import held_interrupts
from segrec.core.resampling import resample_mask
from segrec.core.runlog import progress_bar
from segrec.data.lexicons import WordLexicons
from segrec.data.masks.sources import MaskSource
from segrec.data.words import StoredWord, WordLmdb
from segrec.training.distributed import ALONE, World

BATCH = 64
"""Words that a network reads at once; each process of several reads whole batches."""
TEXT_FROM = 128
"""Value of a mask, of 255, from which a pixel counts as text."""
TEXT_MASKS = ("predicted", "oracle")
"""Sources whose masks show where the word's text is."""


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
    """How one word was read.

    Attributes:
        problem: why an image could not be read at all.
        height: rows of the crop; None for one that could not be read.
        coverage: share of the mask's pixels that are text (`TEXT_FROM` and more), in [0, 1]; None without a mask that
            shows text.
    """

    index: int
    label: str
    text: str
    confidence: float
    correct: bool
    problem: str | None
    height: int | None = None
    coverage: float | None = None


@dataclass
class Scored:
    """The score of one database under one kind of mask, with the outcome of every scored word.

    Attributes:
        unlabelled: words left out because nothing of their label is left to compare, as is usual.
        refused: lexicon words that were refused as candidates, by the reason; one word counts for each image.
    """

    score: WordScore = field(default_factory=WordScore)
    outcomes: list[WordOutcome] = field(default_factory=list)
    unlabelled: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class _Judged(NamedTuple):
    """One scored word and the truth that its text is compared with."""

    outcome: WordOutcome
    truth: str


class _Part(NamedTuple):
    """What became of one batch."""

    words: list[_Judged]
    unlabelled: int
    refused: Counter[str]


def score_words(
    recognizer: Recognizer,
    words: WordLmdb,
    source: MaskSource | None,
    *,
    rule: LabelRule | None = None,
    lexicons: WordLexicons | None = None,
    limit: int | None = None,
    description: str = "reading",
    world: World = ALONE,
) -> Scored:
    """Return the score of `recognizer` on `words`.

    A word whose image or label cannot be read counts as wrong and is kept with its problem.

    Args:
        source: masks for a recognizer that needs them, else None.
        rule: how texts are compared; the usual one when None.
        lexicons: of which each reading becomes a word; they compare words as the rule does.
        limit: score only the first words.
        world: the processes that read together, each with its own recognizer of the same weights; all call this and
            all get the whole score. Whole batches are dealt out, so that every number is that of one process: a
            network's last digits may depend on the batch.

    Raises:
        SegrecError: in all processes, when masks or words cannot be read in one of them.
    """
    judge = _Judge(recognizer, source, rule or LabelRule(), lexicons)
    count = words.count(limit)
    parts = _gathered(lambda: _own_parts(judge, words, count, world, description), world)
    scored = Scored()
    for part in parts:
        scored.unlabelled += part.unlabelled
        scored.refused += part.refused
        for outcome, truth in part.words:
            scored.outcomes.append(outcome)
            if outcome.problem is None:
                scored.score.add(outcome.text, truth)
            else:
                scored.score.add_unreadable(truth)
    return scored


def _own_parts(judge: _Judge, words: WordLmdb, count: int, world: World, description: str) -> list[_Part]:
    """Read this process's batches: every `size`-th of them."""
    size = BATCH * (BATCHES_SORTED if judge.recognizer.model.input_spec.keep_ratio else 1)
    slices = [range(start, min(start + size, count)) for start in range(0, count, size)][world.rank :: world.size]
    parts = []
    with progress_bar(sum(map(len, slices)), description, "word", shown=world.is_main) as bar:
        for batch in _read_ahead(words, slices):
            parts.append(judge.part(batch))
            bar.update(len(batch))
    return parts


def _read_ahead(words: WordLmdb, slices: Sequence[range]) -> Iterator[list[StoredWord]]:
    """Yield the words of each slice; the next ones are decoded in a thread meanwhile."""

    def load(positions: range) -> list[StoredWord]:
        return [words[position] for position in positions]

    with held_interrupts() as held, ThreadPoolExecutor(1) as thread:
        coming = deque(thread.submit(load, positions) for positions in slices[:1])
        for number in range(len(slices)):
            coming.extend(thread.submit(load, positions) for positions in slices[number + 1 : number + 2])
            yield held.result_of(coming.popleft())


def _gathered(read: Callable[[], list[_Part]], world: World) -> list[_Part]:
    """Return the batches of all processes in the order of the words.

    Raises:
        SegrecError: in all processes, when one of them raises it.
    """
    own: list[_Part] | SegrecError
    try:
        own = read()
    except SegrecError as error:
        own = error
    shares: list[list[_Part]] = []
    for share in world.gather_objects(own):
        if isinstance(share, SegrecError):
            raise share
        shares.append(share)
    return [part for row in zip_longest(*shares) for part in row if part is not None]


class _Judge:
    """Reads a batch of words and compares the texts."""

    def __init__(
        self,
        recognizer: Recognizer,
        source: MaskSource | None,
        rule: LabelRule,
        lexicons: WordLexicons | None,
    ) -> None:
        self.recognizer, self.source, self.rule, self.lexicons = recognizer, source, rule, lexicons

    def part(self, batch: Sequence[StoredWord]) -> _Part:
        """Return the outcome of every word that has something to compare."""
        batch, masks = self._with_masks(batch)
        ruled = [(word, self.rule(word.label)) for word in batch]
        kept = [(word, truth) for word, truth in ruled if truth or word.problem]
        readings, refused = self._read([word for word, _ in kept if word.image is not None], masks)
        found = iter(readings)
        judged = [
            _Judged(_unreadable(word) if word.image is None else self._outcome(word, truth, *next(found)), truth)
            for word, truth in kept
        ]
        return _Part(judged, len(ruled) - len(kept), refused)

    def _with_masks(self, batch: Sequence[StoredWord]) -> tuple[Sequence[StoredWord], dict[int, Array]]:
        """Return the words, those with a damaged mask as unreadable ones, and the masks of the others by index."""
        if self.source is None:
            return batch, {}
        readable = [word for word in batch if word.image is not None and self.rule(word.label)]
        try:
            return batch, self._masks(self.source, readable)
        except DamagedMaskError:
            pass
        masks: dict[int, Array] = {}
        lost: dict[int, str] = {}
        for word in readable:
            try:
                masks |= self._masks(self.source, [word])
            except DamagedMaskError as error:
                lost[word.index] = str(error)
        return [
            replace(word, image=None, problem=lost[word.index]) if word.index in lost else word for word in batch
        ], masks

    def _read(
        self, words: Sequence[StoredWord], masks_by_index: Mapping[int, Array]
    ) -> tuple[list[tuple[Reading, float | None]], Counter[str]]:
        """Return what was read of each word with the coverage of its mask, and the lexicon words that were refused."""
        images = [word.image for word in words if word.image is not None]
        lexicons = None if self.lexicons is None else [self.lexicons.of(word.index) for word in words]
        masks = None if self.source is None else [masks_by_index[word.index] for word in words]
        readings, refused = self.recognizer.read_and_count(images, masks, lexicons=lexicons)
        if masks is None or self.source is None or self.source.name not in TEXT_MASKS:
            return [(reading, None) for reading in readings], refused
        return [(reading, _coverage(mask)) for reading, mask in zip(readings, masks, strict=True)], refused

    def _masks(self, source: MaskSource, words: Sequence[StoredWord]) -> dict[int, Array]:
        """Return a mask for each word by its index, of the size that the word has in the network's input."""
        images = [word.image for word in words if word.image is not None]
        spec = self.recognizer.model.input_spec
        sizes = [spec.content_size((image.shape[0], image.shape[1])) for image in images]
        if source.name in TEXT_MASKS:  # which are made alike at any size, best many at once
            found = source.masks([word.index - 1 for word in words], images, [0] * len(images), None)
            return {
                word.index: resample_mask(np.asarray(mask), size)
                for word, mask, size in zip(words, found, sizes, strict=True)
            }
        by_size = defaultdict(list)
        for place, size in enumerate(sizes):
            by_size[size].append(place)
        masks: dict[int, Array] = {}
        for size, places in by_size.items():
            indices = [words[place].index - 1 for place in places]
            found = source.masks(indices, [images[place] for place in places], [0] * len(places), size)
            masks.update(zip((index + 1 for index in indices), map(np.asarray, found), strict=True))
        return masks

    def _outcome(self, word: StoredWord, truth: str, reading: Reading, coverage: float | None) -> WordOutcome:
        text = self.rule(reading.text)
        height = None if word.image is None else word.image.shape[0]
        return WordOutcome(word.index, word.label, text, reading.confidence, text == truth, None, height, coverage)


def _coverage(mask: Array) -> float:
    return round(float((mask >= TEXT_FROM).mean()), 4)


def _unreadable(word: StoredWord) -> WordOutcome:
    return WordOutcome(word.index, word.label, "", 0.0, False, word.problem)
