"""CRNN's evaluation against a reader that takes one image at a time."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmarks.timing import Comparison, measure
from recognizers.crnn import CRNN
from recognizers.predictor import Recognizer
from recognizers.preprocess import normalise, prepare
from segrec.data.words import WordLmdb
from segrec.evaluation.scoring import LabelRule, score_words


@torch.inference_mode()
def read_one_by_one(model: CRNN, words: WordLmdb, count: int) -> dict[int, str]:
    """Return the greedy texts of the first words by their index: get and decode one, prepare it, read it, next."""
    texts = {}
    for position in range(count):
        word = words[position]
        if word.image is not None:
            pixels = normalise(torch.tensor(prepare(word.image, None, model.input_spec))[None], model.input_spec)
            texts[word.index] = _collapsed(model(pixels)[0].argmax(dim=1).tolist(), model.charset.characters)
    return texts


def compare_evaluation(model: CRNN, words: WordLmdb, *, count: int, repeats: int) -> Comparison:
    """Compare reading one by one with scoring the same words.

    Args:
        model: without a mask channel.
        words: to read.
        count: how many.
        repeats: measurements.
    """
    recognizer, rule = Recognizer(model), LabelRule()
    count = min(count, len(words))
    plain = read_one_by_one(recognizer.model, words, count)
    scored = score_words(recognizer, words, None, rule=rule, limit=count).outcomes
    rows = measure(
        {
            "one image at a time, the reference": lambda: read_one_by_one(recognizer.model, words, count),
            "`score_words`": lambda: score_words(recognizer, words, None, rule=rule, limit=count),
        },
        repeats,
        warm_ups=1,
    )
    pairs = [(rule(plain[outcome.index]), outcome.text) for outcome in scored if outcome.problem is None]
    return Comparison(rows, pairs)


def _collapsed(classes: Sequence[int], characters: str) -> str:
    """Return the text of frames: equal neighbours merged, blanks dropped."""
    text, before = "", 0
    for number in classes:
        if number not in (0, before):
            text += characters[number - 1]
        before = number
    return text
