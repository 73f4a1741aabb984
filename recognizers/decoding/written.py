"""Which frames or steps of greedily decoded classes wrote a character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from recognizers.charset import Charset


class Runs(NamedTuple):
    """Equal neighbours among the frames of CTC that wrote one character each, row after row.

    Attributes:
        starts, stops: (R,), first frame and the one behind the last, counted over all rows: row * T + frame.
        classes: (R,), what each wrote, from 1.
        ends: (N,), how many runs there are up to the end of each row.
    """

    starts: np.ndarray
    stops: np.ndarray
    classes: np.ndarray
    ends: np.ndarray


def written_runs(classes: np.ndarray) -> Runs:
    """Return the runs of the best classes (N, T) that are characters: blanks part them and write nothing."""
    rows, frames = classes.shape
    starts_run = np.ones((rows, frames), bool)
    starts_run[:, 1:] = classes[:, 1:] != classes[:, :-1]
    borders = np.append(np.flatnonzero(starts_run), rows * frames)
    of_runs = classes.reshape(-1)[borders[:-1]]
    written = of_runs > 0
    starts = borders[:-1][written]
    ends = np.searchsorted(starts, np.arange(1, rows + 1) * frames)
    return Runs(starts, borders[1:][written], of_runs[written], ends)


def word_length(classes: Sequence[int], charset: Charset) -> int:
    """Return how many of an attention decoder's steps come before the word's end; all, where it does not end."""
    return next((step for step, number in enumerate(classes) if number == charset.end), len(classes))


def written_steps(classes: Sequence[int], charset: Charset) -> list[int]:
    """Return the steps of an attention decoder, before the word's end, whose class is a character.

    Args:
        classes: (T,) of one word, each step's best.
        charset: of the kind "aster" or "go-first".
    """
    return [step for step in range(word_length(classes, charset)) if is_character(classes[step], charset)]


def is_character(number: int, charset: Charset) -> bool:
    """Return whether a class is a character, and not a blank, a start, an end, padding or unknown."""
    return 0 <= number - charset.first < len(charset.characters)


def characters_of(classes: Sequence[int], charset: Charset) -> str:
    """Return the text of classes that are characters."""
    return "".join(charset.characters[number - charset.first] for number in classes)
