"""Accuracy of recognizers on word databases under each kind of mask."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from recognizers.loading import load_pretrained
from recognizers.predictor import Recognizer
from segrec.core.errors import ConfigError
from segrec.core.files import check_writable
from segrec.core.runlog import LOGGER
from segrec.data.lexicons import WordLexicons
from segrec.data.masks.kinds import DRAWN, ORACLE, OWN, SHUFFLED
from segrec.data.masks.sources import MaskSource
from segrec.data.words import WordLmdb
from segrec.evaluation.result import EvaluationResult, write_predictions
from segrec.evaluation.scoring import LabelRule, Scored, score_words
from segrec.jobs.evaluation_masks import EvaluationMasks
from segrec.jobs.evaluation_models import EvaluationModels, MaskReader
from segrec.jobs.evaluation_settings import Evaluation
from segrec.training.distributed import ALONE, World
from segrec.weights import resolve_weights, weights_for

__all__ = ["Evaluation", "EvaluationResult", "channel_masks", "default_masks", "evaluate"]


def evaluate(settings: Evaluation, *, world: World | None = None) -> list[EvaluationResult]:
    """Return the score of every database under every kind of mask.

    Args:
        settings: what to read, and how.
        world: the processes that share the reading, see `segrec.training.distributed.launched`; all call this and all
            get the results. None is this process alone.

    Raises:
        ConfigError: an unknown mask, a mask for a recognizer that takes none, or a database without a lexicon.
        CheckpointError: weights cannot be read.
        DataError: a database or mask store cannot be read or does not fit.
    """
    if settings.predictions is not None:
        check_writable(settings.predictions, "--predictions")
    settings = _with_masks(settings)
    world = world or ALONE
    if world.size > 1:
        settings = replace(settings, device=str(world.device))
    rule = LabelRule(settings.charset_filter, settings.case_sensitive)
    readers = _open_readers(settings)
    databases = {name: WordLmdb(path) for name, path in settings.data.items()}
    for words in databases.values():
        words.count(settings.limit)
    lexicons = _open_lexicons(settings, databases, rule)
    plan = _plan(settings, readers, databases)
    results = []
    while plan:
        row = plan.popleft()  # so that masks kept in memory go with the last row that needs them
        scored = [
            score_words(
                recognizer,
                databases[row.dataset],
                source,
                rule=rule,
                lexicons=lexicons.get(row.dataset),
                limit=settings.limit,
                description=f"{row.dataset} {row.mask} {row.reader.name if settings.models else ''}".strip(),
                world=world,
            )
            for recognizer, source in row.seeds
        ]
        _warn(scored[0], row.dataset)
        results.append(row.result(scored))
    if settings.predictions is not None and world.is_main:
        write_predictions(settings.predictions, results)
    return results


def _with_masks(settings: Evaluation) -> Evaluation:
    """Return the settings with the kinds of mask that are reported where none is named."""
    if settings.mask or settings.mask_check:
        return settings
    kinds = channel_masks(settings.data) if settings.models else default_masks(settings.model, settings.data)
    return replace(settings, mask=kinds)


class _Row(NamedTuple):
    """One row of the report, ready to be read: a recognizer and its masks for each seed."""

    dataset: str
    mask: str
    reader: MaskReader
    seeds: list[tuple[Recognizer, MaskSource | None]]

    def result(self, scored: Sequence[Scored]) -> EvaluationResult:
        """Return what was read in each seed as a result."""
        return EvaluationResult(
            self.dataset,
            self.mask,
            self.reader.name,
            scored[0],
            tuple(scored[1:]),
            asked=self.reader.asked,
            takes_mask=self.reader.takes_mask,
        )


def _plan(settings: Evaluation, readers: Sequence[MaskReader], databases: Mapping[str, WordLmdb]) -> deque[_Row]:
    """Return all rows; everything is opened before anything is read: a mistake in the last database shows at once."""
    masks = EvaluationMasks(
        settings.masks, settings.segmenter, limit=settings.limit, device=settings.device, amp=settings.amp
    )
    plan: deque[_Row] = deque()
    for name, words in databases.items():
        for reader in readers:
            kind = masks.kind(reader.mask, name, words)
            runs = reader.runs * settings.seeds if kind in DRAWN and len(reader.runs) == 1 else reader.runs
            seeds = [
                (run, masks.open(kind, name, words, seed=settings.seed + number) if run.needs_mask else None)
                for number, run in enumerate(runs)
            ]
            plan.append(_Row(name, kind, reader, seeds))
    return plan


def _open_readers(settings: Evaluation) -> list[MaskReader]:
    models = EvaluationModels(device=settings.device, amp=settings.amp, beam=settings.beam)
    masks = (OWN, SHUFFLED, "zero") if settings.mask_check else settings.mask
    if not settings.models:
        one = weights_for("predicted", settings.model) if settings.mask_check else settings.model
        return models.of_one(one, masks)
    readers = models.of_several(settings.models, masks)
    if settings.mask_check:
        readers = [reader for reader in readers if reader.takes_mask]
        if not readers:
            raise ConfigError("no model has a mask channel, so there is no use of masks to check; name a widened one")
    return readers


def default_masks(model: str | None, data: Mapping[str, str]) -> list[str]:
    """Return the kinds of mask to report when none is named.

    Without a model, or with the name of shipped plain weights: none, random and predicted, and oracle where every
    database has its exact masks. With other weights: what they can take, `none` for a recognizer without a mask
    channel, else random and predicted.
    """
    has_variants = model is None or weights_for("predicted", model) != model
    if not has_variants and not Recognizer(load_pretrained(resolve_weights(str(model)))).needs_mask:
        return ["none"]
    return ["none", *channel_masks(data)] if has_variants else channel_masks(data)


def channel_masks(data: Mapping[str, str]) -> list[str]:
    """Return the kinds of mask to report by default for a recognizer that has a mask channel."""
    with_oracle = all((Path(path) / ORACLE).is_dir() for path in data.values())
    return ["random", "predicted", *(["oracle"] if with_oracle else [])]


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
        LOGGER.warning("%s: %d times a word of the lexicon was not a candidate, because it %s", name, count, reason)


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
