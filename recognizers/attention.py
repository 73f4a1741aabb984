"""Writing words character by character with an attention decoder: greedy, with a beam, or with a teacher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from recognizers.charset import Charset

CHECK_EVERY = 4
"""Steps between looks at whether all words have ended, on a device where each look waits for the queue."""


class Memory(NamedTuple):
    """What a decoder computes once for a batch and uses in each step.

    Attributes:
        of_words: tensors with one row per word.
        of_all: tensors that all words share.
    """

    of_words: tuple[Tensor, ...]
    of_all: tuple[Tensor, ...] = ()


Hidden = tuple[Tensor, ...]
"""A decoder's recurrent state, tensors with one row per word."""


class Step(NamedTuple):
    """One character of each word: logits (N, classes), the next state, and attention (N, S) over the features."""

    logits: Tensor
    hidden: Hidden
    attention: Tensor


class AttentionDecoder(Protocol):
    """What a decoder has to give, so that words can be written with it."""

    charset: Charset

    def memory(self, features: Tensor) -> Memory:
        """Return what can be computed once of features (N, S, D)."""
        ...

    def initial(self, memory: Memory) -> Hidden:
        """Return the state before the first character."""
        ...

    def step(self, memory: Memory, hidden: Hidden, previous: Tensor) -> Step:
        """Return the next character of each word after `previous` (N,) int64."""
        ...


class Decoded(NamedTuple):
    """Words as written: logits (N, T, classes) and attention (N, T, S)."""

    logits: Tensor
    attention: Tensor


class Hypothesis(NamedTuple):
    """One word as a beam search found it.

    Attributes:
        ids: class numbers, without the end.
        log_probability: of the word and its end, where it has one.
        character_log_probabilities: one a class number.
    """

    ids: tuple[int, ...]
    log_probability: float
    character_log_probabilities: tuple[float, ...]


class Inspection(NamedTuple):
    """What a recognizer with a rectifier saw on its way to a word.

    Attributes:
        logits: (N, T, classes), as `forward` gives them.
        attention: (N, T, S), each row sums to 1; position s is column s of the features.
        rectified: (N, C, h, w), as normalised for the backbone.
        control_points: (N, K, 2), x and y as shares of the input's width and height: the upper edge of the text from
            left to right, then the lower one.
    """

    logits: Tensor
    attention: Tensor
    rectified: Tensor
    control_points: Tensor


def end_of(charset: Charset) -> int:
    """Return the class that ends a word."""
    assert charset.end is not None, "an attention decoder has a charset with an end"
    return charset.end


def characters_before_end(ids: Tensor, end: int) -> Tensor:
    """Return (N,), how many classes come before each row's first end in ids (N, L); L for a row without one."""
    return (ids == end).cummax(dim=1).values.logical_not().sum(dim=1)


def greedy_decode(decoder: AttentionDecoder, features: Tensor, *, max_length: int) -> Decoded:
    """Return the likeliest character at each step, until every word has ended or has `max_length` steps.

    Under `torch.export`, whose graphs cannot ask what words say, all steps are taken.

    Args:
        decoder: of a charset with an end.
        features: (N, S, D) of the encoder, N >= 1.
        max_length: steps at most, the end's among them.
    """
    memory = decoder.memory(features)
    hidden = decoder.initial(memory)
    previous = _starts(decoder.charset, features)
    ended = torch.zeros_like(previous, dtype=torch.bool)
    every = 1 if features.device.type == "cpu" else CHECK_EVERY
    steps: list[Step] = []
    for number in range(1, max_length + 1):
        step = decoder.step(memory, hidden, previous)
        steps.append(step)
        hidden, previous = step.hidden, step.logits.argmax(dim=1)
        ended |= previous == end_of(decoder.charset)
        if number % every == 0 and not torch.compiler.is_exporting() and ended.all():
            break
    decoded = _stacked(steps)
    if every > 1 and not torch.compiler.is_exporting():
        decoded = _until_all_end(decoded, decoder.charset)
    return decoded


def teacher_decode(decoder: AttentionDecoder, features: Tensor, targets: Tensor) -> Decoded:
    """Return what the decoder would write after each true prefix.

    Args:
        decoder: of a charset with an end.
        features: (N, S, D) of the encoder.
        targets: (N, L) int64 class numbers; a word's characters, its end, and any class behind it.
    """
    memory = decoder.memory(features)
    hidden = decoder.initial(memory)
    before = torch.cat((_starts(decoder.charset, features)[:, None], targets[:, :-1]), dim=1)
    steps: list[Step] = []
    for previous in before.unbind(dim=1):
        steps.append(decoder.step(memory, hidden, previous))
        hidden = steps[-1].hidden
    return _stacked(steps)


@torch.no_grad()
def beam_decode(decoder: AttentionDecoder, features: Tensor, *, max_length: int, width: int = 5) -> list[Hypothesis]:
    """Return the likeliest word that a beam of `width` prefixes finds, for each of the N rows of features.

    Prefixes compete by the sum of their characters' log probabilities, without a bonus for length; the search ends when
    no open prefix can beat the best ended word. A word that does not end within `max_length` steps is its best prefix.

    Args:
        decoder: of a charset with an end.
        features: (N, S, D) of the encoder.
        max_length: steps at most.
        width: prefixes kept.

    Raises:
        ValueError: the width is not at least 1 or more than the classes.
    """
    classes = decoder.charset.classes
    if not 1 <= width <= classes:
        raise ValueError(f"the beam's width must be from 1 to {classes}, the number of classes, got {width}")
    memory = decoder.memory(features)
    memory = Memory(tuple(part.repeat_interleave(width, dim=0) for part in memory.of_words), memory.of_all)
    beam = _Beam(features.shape[0], width, features.device)
    hidden, previous = decoder.initial(memory), _starts(decoder.charset, features).repeat_interleave(width)
    for _ in range(max_length):
        step = decoder.step(memory, hidden, previous)
        parents, previous = beam.extend(functional.log_softmax(step.logits.float(), dim=1), decoder.charset)
        hidden = tuple(part.index_select(0, parents) for part in step.hidden)
        if beam.is_decided():
            break
    return beam.best()


class _Beam:
    """The open prefixes of each word, and its best ended one.

    Scores are (N, W); what was chosen at each step is kept as (N, W) parents, tokens and log probabilities.
    """

    def __init__(self, words: int, width: int, device: torch.device) -> None:
        self.words, self.width = words, width
        self.scores = torch.full((words, width), -torch.inf, device=device)
        self.scores[:, 0] = 0.0  # all prefixes start alike: let only one of them have children
        self.offsets = torch.arange(words, device=device)[:, None] * width
        self.best_score = torch.full((words,), -torch.inf, device=device)
        self.best_place = torch.zeros(words, 2, dtype=torch.int64, device=device)  # step, slot
        self.history: list[tuple[Tensor, Tensor, Tensor]] = []

    def extend(self, log_probabilities: Tensor, charset: Charset) -> tuple[Tensor, Tensor]:
        """Take the best children (N*W, classes); return their parents' rows and their tokens, both (N*W,)."""
        classes = log_probabilities.shape[1]
        own = log_probabilities.view(self.words, self.width, classes)
        totals = (self.scores[:, :, None] + own).flatten(1)
        self.scores, places = totals.topk(self.width, dim=1)
        parents, tokens = places // classes, places % classes
        self.history.append((parents, tokens, own.flatten(1).gather(1, places)))
        self._close(tokens == end_of(charset))
        return (parents + self.offsets).flatten(), tokens.flatten()

    def _close(self, ended: Tensor) -> None:
        """Move the words that ended out of the competition of prefixes."""
        score, slot = self.scores.masked_fill(~ended, -torch.inf).max(dim=1)
        place = torch.stack((torch.full_like(slot, len(self.history) - 1), slot), dim=1)
        better = score > self.best_score
        self.best_score = torch.where(better, score, self.best_score)
        self.best_place = torch.where(better[:, None], place, self.best_place)
        self.scores = self.scores.masked_fill(ended, -torch.inf)

    def is_decided(self) -> bool:
        """Return whether every word has an end that no open prefix can beat; probabilities only ever shrink."""
        return bool((self.scores.max(dim=1).values <= self.best_score).all())

    def best(self) -> list[Hypothesis]:
        """Return the best word of each row: ended where there is one, else the best open prefix."""
        scores, slots = self.scores.max(dim=1)
        last = len(self.history) - 1
        history = [(parents.tolist(), tokens.tolist(), own.tolist()) for parents, tokens, own in self.history]
        hypotheses = []
        for row in range(self.words):
            ended = bool(self.best_score[row] > -torch.inf)
            step, slot = self.best_place[row].tolist() if ended else (last, int(slots[row]))
            score = float(self.best_score[row] if ended else scores[row])
            ids, shares = _trace(history, row, step, slot)
            hypotheses.append(Hypothesis(ids[:-1], score, shares[:-1]) if ended else Hypothesis(ids, score, shares))
        return hypotheses


def _trace(
    history: Sequence[tuple[list[list[int]], list[list[int]], list[list[float]]]], row: int, step: int, slot: int
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the tokens of a prefix and their log probabilities, found from its last one backwards."""
    tokens, shares = [], []
    for parents, chosen, own in reversed(history[: step + 1]):
        tokens.append(chosen[row][slot])
        shares.append(own[row][slot])
        slot = parents[row][slot]
    return tuple(reversed(tokens)), tuple(reversed(shares))


def _starts(charset: Charset, features: Tensor) -> Tensor:
    assert charset.start is not None, "an attention decoder has a charset with a start"
    return torch.full((features.shape[0],), charset.start, dtype=torch.int64, device=features.device)


def _stacked(steps: list[Step]) -> Decoded:
    return Decoded(
        torch.stack([step.logits for step in steps], dim=1), torch.stack([step.attention for step in steps], dim=1)
    )


def _until_all_end(decoded: Decoded, charset: Charset) -> Decoded:
    """Return the decoded words without the steps after the last word's end, which were done between two looks."""
    longest = int(characters_before_end(decoded.logits.argmax(dim=2), end_of(charset)).max())
    return Decoded(decoded.logits[:, : longest + 1], decoded.attention[:, : longest + 1])
