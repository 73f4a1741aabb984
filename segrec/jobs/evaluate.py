"""Accuracy of recognizers on word databases under each kind of mask."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from recognizers.loading import load_pretrained
from recognizers.predictor import Recognizer
from segrec.core.distributed import ALONE, World
from segrec.core.errors import ConfigError, DataError
from segrec.core.files import atomic_path, check_writable
from segrec.core.runlog import LOGGER
from segrec.data.lexicons import WordLexicons
from segrec.data.mask_kinds import MASK_KINDS
from segrec.data.mask_sources import MaskSource, RandomMasks, StoredMasks, ZeroMasks
from segrec.data.mask_store import MaskStore, open_store
from segrec.data.predicted_masks import PredictedMasks
from segrec.data.rendering.writing import ORACLE
from segrec.data.words import WordLmdb
from segrec.jobs.precompute import open_segmenter
from segrec.jobs.scoring import LabelRule, Scored, score_words
from segrec.shipped import SEGMENTER, resolve_weights, weights_for
from segrec.statistics import wilson_interval


@dataclass(frozen=True)
class Evaluation:
    """Settings of an evaluation.

    Attributes:
        data: word databases by the name they are reported under.
        masks: mask stores by the same names, any number of kinds each.
        mask: kinds of mask, in the order of the report.
        model: shipped name, run directory or file; None, and the name of shipped plain weights, take for each kind of
            mask the shipped recognizer that was fine-tuned with it.
        segmenter: predicts masks that no store holds.
        lexicon: a file for all databases, or one for each by its name, see `segrec.data.lexicons`; each reading becomes
            a word of its lexicon.
        beam: prefixes that a beam search keeps; None reads greedily.
        limit: only the first words of each database.
        seed: of the random masks.
    """

    data: Mapping[str, str]
    masks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mask: Sequence[str] = ("none",)
    model: str | None = None
    segmenter: str = SEGMENTER
    charset_filter: Literal["alnum", "none"] = "alnum"
    case_sensitive: bool = False
    lexicon: str | Mapping[str, str] | None = None
    beam: int | None = None
    limit: int | None = None
    predictions: str | None = None
    seed: int = 0
    device: str = "auto"
    amp: str = "off"


@dataclass(frozen=True)
class EvaluationResult:
    """One database under one kind of mask.

    Attributes:
        model: the weights that read it.
        scored: counts and the outcome of every word.
    """

    dataset: str
    mask: str
    model: str
    scored: Scored

    def row(self) -> dict[str, Any]:
        """Return the JSON-able row of the report; accuracy, ned and interval are in [0, 1]."""
        score = self.scored.score
        return {
            "dataset": self.dataset,
            "mask": self.mask,
            "words": score.words,
            "correct": score.correct,
            "accuracy": score.accuracy,
            "ned": score.ned,
            "skipped": score.skipped,
            "unlabelled": self.scored.unlabelled,
            "interval": list(wilson_interval(score.correct, score.words)),
            "model": self.model,
        }


def evaluate(settings: Evaluation, *, world: World | None = None) -> list[EvaluationResult]:
    """Return the score of every database under every kind of mask.

    Args:
        settings: what to read, and how.
        world: the processes that share the reading, see `segrec.core.distributed.launched`; all call this and all get
            the results. None is this process alone.

    Raises:
        ConfigError: an unknown mask, a mask for a recognizer that takes none, or a database without a lexicon.
        CheckpointError: weights cannot be read.
        DataError: a database or mask store cannot be read or does not fit.
    """
    _check(settings)
    world = world or ALONE
    if world.size > 1:
        settings = replace(settings, device=str(world.device))
    models = _Models(settings)
    sources = _Sources(settings)
    rule = LabelRule(settings.charset_filter, settings.case_sensitive)
    databases = {name: WordLmdb(path) for name, path in settings.data.items()}
    lexicons = _open_lexicons(settings, databases, rule)
    readers = {mask: models.for_mask(mask) for mask in settings.mask}
    plan = [  # everything is opened before anything is read: a mistake in the last database shows at once
        (name, words, mask, sources.open(mask, name, words) if recognizer.needs_mask else None)
        for name, words in databases.items()
        for mask, (_, recognizer) in readers.items()
    ]
    results = []
    for name, words, mask, source in plan:
        model_name, recognizer = readers[mask]
        scored = score_words(
            recognizer,
            words,
            source,
            rule=rule,
            lexicons=lexicons.get(name),
            limit=settings.limit,
            description=f"{name} {mask}",
            world=world,
        )
        _warn(scored, name)
        results.append(EvaluationResult(name, mask, model_name, scored))
    if settings.predictions is not None and world.is_main:
        write_predictions(settings.predictions, results)
    return results


def default_masks(model: str | None, data: Mapping[str, str]) -> list[str]:
    """Return the kinds of mask to report when none is named.

    Without a model, or with the name of shipped plain weights: none, random and predicted, and oracle where every
    database has its exact masks. With other weights: what they can take, `none` for a recognizer without a mask
    channel, else random and predicted.
    """
    has_variants = model is None or weights_for("predicted", model) != model
    if not has_variants and not Recognizer(load_pretrained(resolve_weights(str(model)))).needs_mask:
        return ["none"]
    kinds = ["none", "random", "predicted"] if has_variants else ["random", "predicted"]
    return [*kinds, "oracle"] if all((Path(path) / ORACLE).is_dir() for path in data.values()) else kinds


def _check(settings: Evaluation) -> None:
    unknown = [mask for mask in settings.mask if mask not in MASK_KINDS]
    if unknown or not settings.mask:
        raise ConfigError(
            f"unknown mask {', '.join(map(repr, unknown)) or 'list'}; use some of {', '.join(MASK_KINDS)}"
        )
    if not settings.data:
        raise ConfigError("nothing to evaluate on: name at least one --data NAME=WORDS")
    strangers = set(settings.masks) - set(settings.data)
    if strangers:
        raise ConfigError(f"--masks names {', '.join(sorted(strangers))}, which no --data does")
    if settings.predictions is not None:
        check_writable(settings.predictions, "--predictions")


def _warn(scored: Scored, name: str) -> None:
    if scored.score.skipped:
        example = next(outcome.problem for outcome in scored.outcomes if outcome.problem)
        LOGGER.warning(
            "%s: %d of %d words cannot be read and count as wrong, for instance %s",
            name,
            scored.score.skipped,
            scored.score.words,
            example,
        )
    for reason, count in scored.refused.items():
        LOGGER.warning("%s: %d times a word of the lexicon was no candidate, because it %s", name, count, reason)


def _open_lexicons(settings: Evaluation, databases: Mapping[str, WordLmdb], rule: LabelRule) -> dict[str, WordLexicons]:
    """Return the lexicons of each database, none without a lexicon in the settings."""
    if settings.lexicon is None:
        return {}
    files = settings.lexicon
    named = dict.fromkeys(databases, files) if isinstance(files, str) else dict(files)
    strangers, without = set(named) - set(databases), set(databases) - set(named)
    if strangers:
        raise ConfigError(f"--lexicon names {', '.join(sorted(strangers))}, which no --data does")
    if without:
        missing = sorted(without)
        raise ConfigError(f"no --lexicon is named for {', '.join(missing)}; add --lexicon {missing[0]}=FILE")
    by_file = {file: WordLexicons(file, rule) for file in named.values()}
    for name, words in databases.items():
        by_file[named[name]].check(len(words) if settings.limit is None else min(settings.limit, len(words)))
    return {name: by_file[file] for name, file in named.items()}


class _Models:
    """Opens each recognizer once."""

    def __init__(self, settings: Evaluation) -> None:
        self._settings = settings
        self._opened: dict[str, Recognizer] = {}

    def for_mask(self, mask: str) -> tuple[str, Recognizer]:
        name = weights_for(mask, self._settings.model)
        if name not in self._opened:
            model = load_pretrained(resolve_weights(name))
            self._opened[name] = Recognizer(
                model, device=self._settings.device, amp=self._settings.amp, beam=self._settings.beam
            )
        recognizer = self._opened[name]
        if mask != "none" and not recognizer.needs_mask:
            raise ConfigError(
                f"{name} has no mask channel, so --mask {mask} cannot reach it; "
                "widen it with segrec finetune, or use --mask none"
            )
        if mask == "none" and recognizer.needs_mask:
            LOGGER.warning("%s has a mask channel; for --mask none it is fed zeros", name)
        return name, recognizer


class _Sources:
    """Finds where each database's masks of a kind come from."""

    def __init__(self, settings: Evaluation) -> None:
        self._settings = settings
        self._predicted: PredictedMasks | None = None

    def open(self, mask: str, name: str, words: WordLmdb) -> MaskSource:
        if mask in ("none", "zero"):
            return ZeroMasks()
        if mask == "random":
            return RandomMasks(self._settings.seed)
        for path in self._settings.masks.get(name, ()):
            if MaskStore(path).record.kind == mask:
                return StoredMasks(open_store(path, words, mask, count=self._settings.limit))
        if mask == "oracle":
            return StoredMasks(open_store(words.path / ORACLE, words, mask, count=self._settings.limit))
        if self._settings.masks.get(name):
            raise DataError(
                f"none of the mask stores named for {name} holds predicted masks; run segrec precompute-masks"
            )
        if self._predicted is None:
            segmenter, _ = open_segmenter(
                self._settings.segmenter, device=self._settings.device, amp=self._settings.amp
            )
            self._predicted = PredictedMasks(segmenter)
        return self._predicted


def write_predictions(path: str, results: Sequence[EvaluationResult]) -> None:
    """Write one JSON line a word, mask and database: what it says, what was read, and whether that is right."""
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8") as handle:
        for result in results:
            for outcome in result.scored.outcomes:
                row = {"dataset": result.dataset, "mask": result.mask, **asdict(outcome)}
                handle.write(json.dumps(row, ensure_ascii=False) + "\n")
