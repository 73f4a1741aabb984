"""Accuracy of recognizers on word databases under each kind of mask."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

from recognizers.loading import load_pretrained
from recognizers.predictor import Recognizer
from segrec.core.errors import ConfigError
from segrec.core.files import check_writable, listed, set_listed
from segrec.core.runlog import LOGGER
from segrec.data.lexicons import WordLexicons
from segrec.data.masks.kinds import DRAWN, MASK_KINDS, ORACLE, OWN, SHUFFLED
from segrec.data.masks.sources import MaskSource
from segrec.data.words import WordLmdb
from segrec.evaluation.result import POOLED, EvaluationResult, write_predictions
from segrec.evaluation.scoring import LabelRule, Scored, score_words
from segrec.jobs.evaluation_masks import EvaluationMasks
from segrec.jobs.evaluation_models import EvaluationModels, MaskReader
from segrec.training.distributed import ALONE, World
from segrec.weights import SEGMENTER, resolve_weights, weights_for

__all__ = ["Evaluation", "EvaluationResult", "channel_masks", "default_masks", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """Settings of an evaluation.

    Attributes:
        data: word databases by the name they are reported under; a path alone is reported under its folder's name.
        masks: mask stores by the same names, any number of kinds each; one path may stand for a list of one.
        mask: kinds of mask, in the order of the report, or one; empty takes those that the model can take, see
            `default_masks`.
        model: shipped name, run directory or file; None, and the name of shipped plain weights, take for each kind of
            mask the shipped recognizer that was fine-tuned with it; None takes for no mask the fair control.
        models: in place of `model`, several by the names they are reported under, each with the weights of its seeds.
            Each stands for itself and reads with the kinds of `mask` that it takes: without a mask channel with none.
        segmenter: predicts masks that no store holds.
        lexicon: a file for all databases, or one for each by its name, see `segrec.data.lexicons`; each reading becomes
            a word of its lexicon.
        beam: prefixes that a beam search keeps; None reads greedily.
        limit: only the first words of each database.
        seed: of the random masks; the weights of a model's further seeds take the numbers after it.
        seeds: draws of the random masks for a model with one run, with the seeds `seed` to `seed + seeds - 1`.
        mask_check: instead of the kinds of `mask` read with the words' own masks (oracle where a database has them,
            else predicted), with those of other words (`shuffled`) and with empty ones (`zero`).

    Raises:
        ConfigError: a value that is none of a setting's, or that contradicts another.
    """

    data: Mapping[str, str]
    masks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mask: Sequence[str] = ()
    model: str | None = None
    models: Mapping[str, Sequence[str]] = field(default_factory=dict)
    segmenter: str = SEGMENTER
    charset_filter: Literal["alnum", "none"] = "alnum"
    case_sensitive: bool = False
    lexicon: str | Mapping[str, str] | None = None
    beam: int | None = None
    limit: int | None = None
    predictions: str | None = None
    seed: int = 0
    seeds: int = 1
    mask_check: bool = False
    device: str = "auto"
    amp: str = "off"

    def __post_init__(self) -> None:
        if isinstance(self.data, str | os.PathLike):
            object.__setattr__(self, "data", {Path(self.data).resolve().name: os.fspath(self.data)})
        for name in ("data", "masks", "models"):
            if not isinstance(getattr(self, name), Mapping):
                raise ConfigError(f"{name} must be a dict by name, as {{'IIIT5K': ...}}, got {getattr(self, name)!r}")
        set_listed(self, "mask")
        for name in ("masks", "models"):
            object.__setattr__(self, name, {key: listed(value) for key, value in getattr(self, name).items()})
        _check(self)


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


def _check(settings: Evaluation) -> None:
    unknown = [mask for mask in settings.mask if mask not in MASK_KINDS]
    if unknown:
        raise ConfigError(f"unknown mask {', '.join(map(repr, unknown))}; use some of {', '.join(MASK_KINDS)}")
    if not settings.data:
        raise ConfigError("nothing to evaluate on: name at least one --data NAME=WORDS")
    if len(settings.data) > 1 and POOLED in settings.data:
        raise ConfigError(f"{POOLED!r} is the name of all databases together; report that one under another name")
    if settings.model is not None and settings.models:
        raise ConfigError("give either one model or several by their names, not both")
    for name, weights in settings.models.items():
        if name in (*MASK_KINDS, SHUFFLED) or not weights:
            raise ConfigError(f"a model needs weights and may not be called as a kind of mask is; got {name!r}")
    if settings.seeds < 1:
        raise ConfigError(f"seeds must be 1 or more, got {settings.seeds}")
    strangers = set(settings.masks) - set(settings.data)
    if strangers:
        raise ConfigError(f"--masks names {', '.join(sorted(strangers))}, which no --data does")


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
