"""Readings turned into the nearest words of a lexicon, whatever wrote them."""

from __future__ import annotations

from collections.abc import Sequence

from recognizers.decoding.places import Placed
from recognizers.decoding.reading import Reading
from recognizers.lexicon import Lexicon


def nearest_readings(readings: Sequence[Reading], lexicons: Sequence[Lexicon]) -> list[Reading]:
    """Return the lexicon's word nearest to each reading by edit distance alone, which needs no logits.

    Words come as their lexicon spells them. The word's confidence stays that of the reading; where the characters
    changed they have none of their own.

    Args:
        readings: lexicon-free.
        lexicons: one a reading.
    """
    found = []
    for reading, lexicon in zip(readings, lexicons, strict=True):
        word = lexicon.nearest(reading.text)
        text = lexicon.spelling(word)
        kept = len(text) == len(reading.text) and word == lexicon.normalise(reading.text)
        found.append(Reading(text, reading.confidence, reading.character_confidences if kept else ()))
    return found


def with_nearest(found: Sequence[Placed], lexicons: Sequence[Lexicon]) -> list[Placed]:
    """Return readings turned into the nearest words of their lexicons."""
    nearest = nearest_readings([reading for reading, _ in found], lexicons)
    return [
        Placed(reading, places if places is not None and places.text == reading.text else None)
        for reading, (_, places) in zip(nearest, found, strict=True)
    ]
