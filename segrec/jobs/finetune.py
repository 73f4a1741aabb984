"""Widening a pretrained recognizer by a mask channel and fine-tuning it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from recognizers.input_rates import input_rates
from recognizers.loading import load_pretrained, save_recognizer
from recognizers.widen import freeze_all_but_input, input_layers, train_input_mode, widen_input
from segrec.core.checkpoint import state_digest
from segrec.core.distributed import World, launched
from segrec.core.errors import ConfigError
from segrec.core.run_directory import RunDirectory
from segrec.core.runlog import LOGGER
from segrec.core.timing import LoopTiming
from segrec.data.mask_kinds import MASK_KINDS, MaskKind
from segrec.data.mask_sources import MaskSource, RandomMasks, StoredMasks, ZeroMasks
from segrec.data.mask_store import open_store
from segrec.data.recognition import WordSet
from segrec.data.rendering.writing import ORACLE
from segrec.data.words import WordLmdb
from segrec.jobs.architectures import architecture_of, check_command
from segrec.jobs.precompute import precompute_masks
from segrec.jobs.recognizer_fit import Optimisation, check, fit_recognizer
from segrec.shipped import SEGMENTER, resolve_weights

VALID = "valid"
"""What stands for the validation words where the training data have numbers."""

MASK_RATES = {"input": 1e-2, "all": 5e-3}
"""Peak learning rates of the mask's weights with adam and adamw, by what is trained: a mask then changes
readings within some hundred steps. Not stated in the paper."""


@dataclass(frozen=True)
class FineTuning(Optimisation):
    """Settings of a fine-tuning; those of `Optimisation` come with it.

    Attributes:
        data: word databases.
        output: the run directory.
        masks: mask stores of the databases, in their order; empty predicts them first (into the run directory), or
            for oracle masks takes the store that `segrec render words` writes.
        valid_masks: mask store of `valid`; None predicts or takes it likewise.
        mask: what the fourth channel holds; `none` keeps the pretrained input (the control without a mask).
        architecture: `crnn`, or `aster` for every attention recognizer with a rectifier.
        pretrained: shipped name, run directory, `.safetensors` or public checkpoint; None takes the shipped one.
        init: how the widened layer starts, see `recognizers.widen_input`.
        mask_in_rectifier: widen the rectifier's localiser too.
        train: `input` trains the first layer only (the paper), `all` everything.
        mask_learning_rate: the peak for the mask's weights in the first layer, which start at zero and would hardly
            leave it at the rate that suits trained weights; None takes `MASK_RATES`, with adadelta the run's rate.
        colour_learning_rate: the peak for that layer's other weights; 0 leaves them as they are; None takes the run's.
        segmenter: predicts masks that no store holds.
    """

    WARMUP_STEPS: ClassVar[int] = 20

    data: Sequence[str]
    output: str
    _: KW_ONLY
    masks: Sequence[str] = ()
    valid_masks: str | None = None
    mask: MaskKind = "predicted"
    architecture: str = "crnn"
    pretrained: str | None = None
    init: Literal["random", "zero-mask", "luma"] = "zero-mask"
    mask_in_rectifier: bool = False
    train: Literal["input", "all"] = "input"
    mask_learning_rate: float | None = None
    colour_learning_rate: float | None = None
    segmenter: str = SEGMENTER
    steps: int = 300
    optimizer: str = "adam"
    weight_decay: float = 0.0
    evaluate_every: int = 50
    checkpoint_every: int = 50
    augment: bool = False


def finetune(settings: FineTuning, *, timing: LoopTiming | None = None) -> Path:
    """Fine-tune, or resume the run in `settings.output`; return the run directory.

    Under torchrun all its processes train together: each takes its share of every batch.

    Args:
        settings: of the run.
        timing: a fresh one is filled with how long the run worked and waited.

    Raises:
        CheckpointError: the pretrained weights cannot be read.
        ConfigError: settings contradict each other, or the run directory holds another run.
        DataError: a database or mask store cannot be read or does not fit.
    """
    if settings.pretrained is None:
        settings = replace(settings, pretrained=architecture_of(settings.architecture).pretrained)
    if settings.mask_learning_rate is None and settings.mask != "none":
        settings = replace(settings, mask_learning_rate=_mask_rate(settings))
    with launched(settings.device) as world:
        _check(settings)
        check(settings, settings.data, world.device)
        return _finetune(settings, world, timing)


def _finetune(settings: FineTuning, world: World, timing: LoopTiming | None) -> Path:
    databases = [WordLmdb(path) for path in settings.data]
    validation = None if settings.valid is None else WordLmdb(settings.valid)
    torch.manual_seed(settings.seed)
    parent = resolve_weights(str(settings.pretrained))
    plain: Any = load_pretrained(parent)
    check_command("finetune", settings.architecture, plain.architecture, parent)
    parent_digest = state_digest(plain.state_dict())
    model = _prepared(plain, settings).to(world.device)
    run = RunDirectory(settings.output)
    state = run.begin("finetune", settings, world=world, parent_digest=parent_digest)
    names = freeze_all_but_input(model) if settings.train == "input" else None
    trained = ", ".join(names) if names else "all layers"
    seen = "" if settings.mask == "none" else f" seen by {' and '.join(input_layers(model))}"
    LOGGER.info("fine-tuning %s of %s with %s masks%s", trained, parent, settings.mask, seen)
    masks = _Masks(settings, run.path, world)
    sets = [WordSet(words, masks.open(words, str(number))) for number, words in enumerate(databases)]
    fit_recognizer(
        model,
        settings,
        sets=sets,
        valid=None if validation is None else WordSet(validation, masks.open(validation, VALID)),
        world=world,
        run=run,
        state=state,
        save=lambda path: save_recognizer(
            path,
            model,
            parent=parent.stem,
            parent_digest=parent_digest,
            notes={"mask": settings.mask, "train": settings.train},
        ),
        scales=_scales(model, settings),
        train_mode=(lambda: train_input_mode(model)) if settings.train == "input" else model.train,
        timing=timing,
    )
    return run.path


def _check(settings: FineTuning) -> None:
    if settings.mask not in MASK_KINDS:
        raise ConfigError(f"unknown mask {settings.mask!r}; use one of {', '.join(MASK_KINDS)}")
    stored = {"--masks": settings.masks, "--valid-masks": settings.valid_masks}
    for option in (name for name, given in stored.items() if given and settings.mask not in ("predicted", "oracle")):
        raise ConfigError(f"{option} was given, but --mask {settings.mask} reads no store; use --mask predicted")
    if settings.masks and len(settings.masks) != len(settings.data):
        raise ConfigError(f"give one --masks for each --data: got {len(settings.masks)} for {len(settings.data)}")
    if settings.valid_masks and settings.valid is None:
        raise ConfigError("--valid-masks are of validation words: name those with --valid")
    if settings.mask_in_rectifier and settings.mask == "none":
        raise ConfigError("--mask-in-rectifier needs a mask; choose another --mask than none")
    _check_rates(settings)


def _check_rates(settings: FineTuning) -> None:
    mask, colour = settings.mask_learning_rate, settings.colour_learning_rate
    if mask is not None and settings.mask == "none":
        raise ConfigError("--mask-lr needs a mask; choose another --mask than none")
    if mask is not None and not 0 < mask < math.inf:
        raise ConfigError(f"--mask-lr must be positive and finite, got {mask}; for no mask use --mask zero or none")
    if colour is not None and not 0 <= colour < math.inf:
        raise ConfigError(f"--colour-lr must be 0 or more and finite, got {colour}; 0 leaves the colours as they are")
    if colour == 0 and (settings.mask, settings.train) == ("none", "input"):
        raise ConfigError("--colour-lr 0 without a mask leaves nothing to train; choose a --mask or --train all")


def _mask_rate(settings: FineTuning) -> float:
    """Return the mask's rate where none is given; adadelta finds step lengths itself, a rate of its own is near 1."""
    return settings.learning_rate if settings.optimizer == "adadelta" else MASK_RATES[settings.train]


def _scales(model: nn.Module, settings: FineTuning) -> dict[nn.Parameter, Tensor]:
    """Return at which multiples of the run's rate the first layer's weights learn."""
    mask, colour, rate = settings.mask_learning_rate, settings.colour_learning_rate, settings.learning_rate
    return input_rates(
        model, mask=1.0 if mask is None else mask / rate, colour=1.0 if colour is None else colour / rate
    )


def _prepared(plain: Any, settings: FineTuning) -> nn.Module:
    """Return the pretrained network, widened unless it has its mask channel already or is to stay without."""
    if plain.input_spec.mask:
        if settings.mask == "none":
            raise ConfigError(f"{settings.pretrained} has a mask channel already; choose another --mask than none")
        if settings.mask_in_rectifier and not getattr(plain, "mask_in_rectifier", False):
            raise ConfigError(f"{settings.pretrained} has its mask channel already; leave --mask-in-rectifier out")
        return cast(nn.Module, plain)
    if settings.mask == "none":
        return cast(nn.Module, plain)
    try:
        return widen_input(
            plain,
            settings.init,
            generator=torch.Generator().manual_seed(settings.seed),
            mask_in_rectifier=settings.mask_in_rectifier,
        )
    except ValueError as error:
        raise ConfigError(f"{settings.pretrained} cannot be widened with --init {settings.init}: {error}") from error


class _Masks:
    """Finds where each database's masks come from.

    Args:
        run: folder for the masks that have to be predicted first.
    """

    def __init__(self, settings: FineTuning, run: Path, world: World) -> None:
        self._settings, self._run, self._world = settings, run, world
        self._given = {str(number): path for number, path in enumerate(settings.masks)}
        if settings.valid_masks is not None:
            self._given[VALID] = settings.valid_masks

    def open(self, words: WordLmdb, part: str) -> MaskSource | None:
        """Return the masks of a database.

        Args:
            words: the database.
            part: its number among the training data, or `VALID`.
        """
        mask = self._settings.mask
        if mask == "none":
            return None
        if mask == "random":
            return RandomMasks(self._settings.seed)
        if mask == "zero":
            return ZeroMasks()
        count = self._settings.valid_limit if part == VALID else None
        return StoredMasks(open_store(self._store(words.path, part, count), words, mask, count=count))

    def _store(self, data: Path, part: str, count: int | None) -> Path:
        if part in self._given:
            return Path(self._given[part])
        if self._settings.mask == "oracle":
            return data / ORACLE
        store = self._run / f"masks-{part}"
        option = "--valid-masks" if part == VALID else "--masks"
        LOGGER.info("no %s named: predicting the masks of %s into %s first", option, data, store)
        settings, device = self._settings, str(self._world.device)

        def predicted() -> Path:
            return precompute_masks(
                data,
                store,
                segmenter=settings.segmenter,
                limit=count,
                workers=settings.workers,
                device=device,
                amp=settings.amp,
            ).store

        return self._world.on_main(predicted)
