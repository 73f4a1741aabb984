"""Words of an evaluation as they were seen and read, ready for a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from segrec.data.masks.codec import Mask
from segrec.data.words import WordLmdb
from segrec.evaluation.effects import Comparison
from segrec.evaluation.result import EvaluationResult
from segrec.evaluation.scoring import TEXT_MASKS, LabelRule
from segrec.jobs.evaluate import Evaluation
from segrec.jobs.evaluation_masks import EvaluationMasks
from segrec.reports.report_words import WordPicture, WordReading


class WordPictures:
    """Makes the pictures of an evaluation's words; databases and masks are opened once.

    Args:
        settings: of the evaluation.
        results: what `evaluate` returned for them.
    """

    def __init__(self, settings: Evaluation, results: Sequence[EvaluationResult]) -> None:
        self._settings, self._results = settings, results
        self._rule = LabelRule(settings.charset_filter, settings.case_sensitive)
        self._words = {name: WordLmdb(path) for name, path in settings.data.items()}
        self._masks = EvaluationMasks(
            settings.masks, settings.segmenter, limit=settings.limit, device=settings.device, amp=settings.amp
        )

    def of(self, comparison: Comparison, places: Sequence[int]) -> Iterator[WordPicture]:
        """Yield the words at these places of a comparison's outcomes; one without a readable image has no picture."""
        dataset = comparison.gain.dataset
        outcomes = comparison.second.scored.outcomes
        words = [(place, self._words[dataset][outcomes[place].index - 1]) for place in places]
        crops = {place: word.image for place, word in words if word.image is not None}
        masks = self._masks_of(comparison, crops)
        others = [
            result
            for result in self._results
            if result.dataset == dataset and result is not comparison.first and result is not comparison.second
        ]
        for place, crop in crops.items():
            yield WordPicture(
                crop,
                masks.get(place),
                self._rule(outcomes[place].label),
                _reading(comparison.first, place),
                _reading(comparison.second, place),
                [_reading(result, place) for result in others],
            )

    def _masks_of(self, comparison: Comparison, crops: Mapping[int, Mask]) -> dict[int, Mask]:
        """Return the masks that show text, by the words' places; none for other kinds."""
        gain = comparison.gain
        if gain.mask not in TEXT_MASKS or not crops:
            return {}
        source = self._masks.open(gain.mask, gain.dataset, self._words[gain.dataset], seed=self._settings.seed)
        outcomes = comparison.second.scored.outcomes
        found = source.masks(
            [outcomes[place].index - 1 for place in crops], list(crops.values()), [0] * len(crops), None
        )
        return dict(zip(crops, found, strict=True))


def _reading(result: EvaluationResult, place: int) -> WordReading:
    outcomes = [scored.outcomes[place] for scored in result.seeds]
    text = Counter(outcome.text for outcome in outcomes).most_common(1)[0][0]
    right = sum(outcome.correct for outcome in outcomes)
    return WordReading(result.mask, result.model, text, right, len(outcomes))
