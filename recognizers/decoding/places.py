"""Where in the image each character of a greedy reading stands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recognizers.charset import Charset
from recognizers.decoding.reading import Reading, check_kind, check_shape
from recognizers.decoding.written import characters_of, written_runs, written_steps

if TYPE_CHECKING:
    from torch import Tensor

Span = tuple[float, float]
Point = tuple[float, float]


class Places(NamedTuple):
    """Where the characters of one reading stand.

    Attributes:
        text: the characters.
        spans: left and right end of each, as shares of the way along the text, in [0, 1].
        edges: control points, x and y as shares of the image's width and height: the upper edge of the text from left
            to right, then the lower one. Empty where the text runs along the image.
    """

    text: str
    spans: tuple[Span, ...]
    edges: tuple[Point, ...] = ()


class Placed(NamedTuple):
    """A reading and where its characters stand; None where nobody asked, or only a greedy reading could say."""

    reading: Reading
    places: Places | None


def placed(readings: Sequence[Reading], places: Sequence[Places] | None) -> list[Placed]:
    """Return readings beside the places of their characters, which are left out where the texts differ.

    Args:
        readings: of a batch.
        places: of the greedy reading of each; None leaves out all.
    """
    if places is None:
        return [Placed(reading, None) for reading in readings]
    return [
        Placed(reading, place if place.text == reading.text else None)
        for reading, place in zip(readings, places, strict=True)
    ]


def ctc_places(logits: Tensor | np.ndarray, charset: Charset) -> list[Places]:
    """Where CTC writes the characters of its greedy reading: one entry per row.

    A character's middle is that of the frames of its run; two neighbours meet halfway between their middles.

    Args:
        logits: (N, T, classes), T >= 1.
        charset: the classes after the blank.

    Raises:
        ValueError: another shape, or a charset of an attention decoder.
    """
    check_kind(charset, attention=False)
    check_shape(logits, charset)
    best = logits.argmax(axis=2) if isinstance(logits, np.ndarray) else logits.detach().argmax(dim=2).cpu().numpy()
    runs, frames = written_runs(best), best.shape[1]
    found, begin = [], 0
    for row, end in enumerate(runs.ends.tolist()):
        own = slice(begin, end)
        middles = (runs.starts[own] + runs.stops[own] - 2 * row * frames) / (2 * frames)
        found.append(Places(characters_of(runs.classes[own].tolist(), charset), spans_around(middles.tolist())))
        begin = end
    return found


def attention_places(logits: Tensor, attention: Tensor, control_points: Tensor, charset: Charset) -> list[Places]:
    """Where an attention decoder looked when it wrote the characters of its greedy reading: one entry per row.

    A character's middle is the mean of its attention over the columns; two neighbours meet halfway.

    Args:
        logits: (N, T, classes).
        attention: (N, T, S), each row sums to 1.
        control_points: (N, K, 2), as `Places.edges`.
        charset: of the kind "aster" or "go-first".

    Raises:
        ValueError: another shape, or a charset of CTC.
    """
    check_kind(charset, attention=True)
    check_shape(logits, charset)
    columns = (np.arange(attention.shape[2]) + 0.5) / attention.shape[2]
    middles = attention.float().cpu().numpy() @ columns  # (N, T)
    points = control_points.float().cpu().tolist()
    found = []
    for row, numbers in enumerate(logits.argmax(dim=2).tolist()):
        written = written_steps(numbers, charset)
        text = characters_of([numbers[step] for step in written], charset)
        edges = tuple((x, y) for x, y in points[row])
        found.append(Places(text, spans_around(middles[row, written].tolist()), edges))
    return found


def spans_around(middles: Sequence[float]) -> tuple[Span, ...]:
    """Stretches around middles in [0, 1] that meet halfway; the outer ends are as far from theirs as the inner ones.

    Middles out of order give empty stretches rather than crossing ones.
    """
    if not middles:
        return ()
    if len(middles) == 1:
        return ((0.0, 1.0),)
    meets = [(left + right) / 2 for left, right in pairwise(middles)]
    ends = [2 * middles[0] - meets[0], *meets, 2 * middles[-1] - meets[-1]]
    rising = np.maximum.accumulate(np.clip(ends, 0, 1)).tolist()
    return tuple(pairwise(rising))
