"""Widening a pretrained recognizer by a mask channel and fine-tuning it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import nn

from recognizers.loading import load_pretrained, save_recognizer
from recognizers.widen import freeze_all_but_input, train_input_mode, widen_input
from segrec.core.checkpoint import state_digest
from segrec.core.device import autocast, resolve_device
from segrec.core.errors import ConfigError
from segrec.core.loop import LoopSettings, fit
from segrec.core.run_directory import RunDirectory
from segrec.core.runlog import LOGGER
from segrec.data.mask_kinds import MASK_KINDS, MaskKind
from segrec.data.mask_sources import MaskSource, RandomMasks, StoredMasks, ZeroMasks
from segrec.data.mask_store import open_store
from segrec.data.recognition import WordSet
from segrec.data.rendering.writing import ORACLE
from segrec.data.words import WordLmdb
from segrec.jobs.precompute import precompute_masks
from segrec.jobs.train_recognizer import CountedLoss, recognition_batches
from segrec.shipped import PLAIN, SEGMENTER, resolve_weights


@dataclass(frozen=True)
class FineTuning:
    """Settings of a fine-tuning.

    Attributes:
        data: word databases.
        output: the run directory.
        masks: mask stores of the databases, in their order; empty predicts them first (into the run directory), or
            for oracle masks takes the store that `segrec render words` writes.
        mask: what the fourth channel holds; `none` keeps the pretrained input (the control without a mask).
        pretrained: shipped name, run directory, `.safetensors` or public checkpoint.
        init: how the widened layer starts, see `recognizers.widen_input`.
        train: `input` trains the first layer only (the paper), `all` everything.
        segmenter: predicts masks that no store holds.
    """

    data: Sequence[str]
    output: str
    masks: Sequence[str] = ()
    mask: MaskKind = "predicted"
    architecture: str = "crnn"
    pretrained: str = PLAIN
    init: Literal["random", "zero-mask", "luma"] = "zero-mask"
    train: Literal["input", "all"] = "input"
    segmenter: str = SEGMENTER
    steps: int = 300
    batch_size: int = 64
    learning_rate: float = 1e-3
    augment: bool = False
    seed: int = 0
    workers: int = 1
    checkpoint_every: int = 50
    device: str = "auto"
    amp: str = "off"


def finetune(settings: FineTuning) -> Path:
    """Fine-tune, or resume the run in `settings.output`; return the run directory.

    Raises:
        CheckpointError: the pretrained weights cannot be read.
        ConfigError: settings contradict each other, or the run directory holds another run.
        DataError: a database or mask store cannot be read or does not fit.
    """
    _check(settings)
    device = resolve_device(settings.device)
    autocast(device, settings.amp)  # refuses what the device cannot do before anything is written
    loop = LoopSettings(
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        warmup_steps=min(20, settings.steps // 10),
        checkpoint_every=settings.checkpoint_every,
    )
    databases = [WordLmdb(path) for path in settings.data]
    torch.manual_seed(settings.seed)
    parent = resolve_weights(settings.pretrained)
    plain: Any = load_pretrained(parent)
    if plain.architecture != settings.architecture:
        raise ConfigError(f"{parent} is a {plain.architecture}; run segrec finetune {plain.architecture}")
    parent_digest = state_digest(plain.state_dict())
    model = _prepared(plain, settings).to(device)
    run = RunDirectory(settings.output)
    state = run.begin("finetune", settings, parent_digest=parent_digest)
    names = freeze_all_but_input(model) if settings.train == "input" else None
    LOGGER.info(
        "fine-tuning %s of %s with %s masks", ", ".join(names) if names else "all layers", parent, settings.mask
    )
    sets = [WordSet(words, _mask_source(settings, number, words, run.path)) for number, words in enumerate(databases)]
    fit(
        model,
        CountedLoss(device, settings.amp),
        recognition_batches(
            sets,
            model,
            augment=settings.augment,
            seed=settings.seed,
            batch_size=settings.batch_size,
            steps=settings.steps,
            workers=settings.workers,
        ),
        torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=settings.learning_rate),
        settings=loop,
        run=run,
        state=state,
        save=lambda path: save_recognizer(
            path,
            model,
            parent=parent.stem,
            parent_digest=parent_digest,
            notes={"mask": settings.mask, "train": settings.train},
        ),
        train_mode=(lambda: train_input_mode(model)) if settings.train == "input" else model.train,
        half=settings.amp == "fp16",
    )
    return run.path


def _check(settings: FineTuning) -> None:
    if not settings.data:
        raise ConfigError("fine-tuning needs words: name at least one --data folder")
    if settings.mask not in MASK_KINDS:
        raise ConfigError(f"unknown mask {settings.mask!r}; use one of {', '.join(MASK_KINDS)}")
    if settings.masks and settings.mask not in ("predicted", "oracle"):
        raise ConfigError(f"--masks was given, but --mask {settings.mask} reads no store; use --mask predicted")
    if settings.masks and len(settings.masks) != len(settings.data):
        raise ConfigError(f"give one --masks for each --data: got {len(settings.masks)} for {len(settings.data)}")


def _prepared(plain: Any, settings: FineTuning) -> nn.Module:
    """Return the pretrained network, widened unless it has its mask channel already or is to stay without."""
    if plain.input_spec.mask:
        if settings.mask == "none":
            raise ConfigError(f"{settings.pretrained} has a mask channel already; choose another --mask than none")
        return cast(nn.Module, plain)
    if settings.mask == "none":
        return cast(nn.Module, plain)
    try:
        return widen_input(plain, settings.init, generator=torch.Generator().manual_seed(settings.seed))
    except ValueError as error:
        raise ConfigError(f"{settings.pretrained} cannot be widened with --init {settings.init}: {error}") from error


def _mask_source(settings: FineTuning, number: int, words: WordLmdb, run: Path) -> MaskSource | None:
    if settings.mask == "none":
        return None
    if settings.mask == "random":
        return RandomMasks(settings.seed)
    if settings.mask == "zero":
        return ZeroMasks()
    return StoredMasks(open_store(_store_path(settings, number, words.path, run), words, settings.mask))


def _store_path(settings: FineTuning, number: int, data: Path, run: Path) -> Path:
    if settings.masks:
        return Path(settings.masks[number])
    if settings.mask == "oracle":
        return data / ORACLE
    store = run / f"masks-{number}"
    LOGGER.info("no --masks named: predicting the masks of %s into %s first", data, store)
    return precompute_masks(
        data, store, segmenter=settings.segmenter, workers=settings.workers, device=settings.device, amp=settings.amp
    ).store
