"""Widening a pretrained recognizer by a mask channel and fine-tuning it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from recognizers.configuration import RecognizerNetwork
from recognizers.converted import ConvertedRecognizer
from recognizers.fused_part import fusion_of
from recognizers.learning_rates import input_rates
from recognizers.loading import load_pretrained, save_recognizer
from recognizers.training import recognition_loss
from recognizers.widen import freeze_all_but_input, input_layers, widen_input
from segrec.core.checkpoint import load_weights, state_digest
from segrec.core.errors import ConfigError
from segrec.core.runlog import LOGGER
from segrec.data.recognition import WordSet
from segrec.data.words import WordLmdb
from segrec.jobs.architectures import architecture_of, check_command
from segrec.jobs.finetune_masks import VALID, MasksOfRun
from segrec.jobs.finetune_settings import CONVERTED_RATE, FineTuning
from segrec.jobs.norms import BATCHES, reestimate, training_mode
from segrec.jobs.recognizer_fit import check, fit_recognizer, recognition_batches
from segrec.training.distributed import World, launched
from segrec.training.precision import chosen_amp
from segrec.training.run_directory import RunDirectory
from segrec.training.timing import LoopTiming
from segrec.weights import resolve_weights

__all__ = ["FineTuning", "finetune", "finetune_seeds"]


def finetune(settings: FineTuning, *, timing: LoopTiming | None = None) -> Path:
    """Fine-tune, or resume the run in `settings.output`, and return the run directory.

    Under torchrun all its processes train together: each takes its share of every batch.

    Args:
        settings: of the run.
        timing: a fresh one is filled with how long the run worked and waited.

    Raises:
        CheckpointError: the pretrained weights cannot be read.
        ConfigError: settings contradict each other, or the run directory holds another run.
        DataError: a database or mask store cannot be read or does not fit.
    """
    with launched(settings.device) as world:
        return _finetune(_named(settings), world, timing=timing)


def finetune_seeds(settings: FineTuning, seeds: int) -> list[Path]:
    """Fine-tune once for each of this many seeds, from `settings.seed` on; return the run directories.

    They are `seed-0`, `seed-1` and so on in `settings.output`, by their seed. A run that is finished stays as it is and
    one that was interrupted goes on, so more seeds may be asked for later. Masks that no store holds are predicted
    once for all. One seed alone is a plain run in `settings.output` itself.

    Args:
        settings: of all runs.
        seeds: how many, at least 1.

    Raises:
        ConfigError: the number of seeds is not positive; otherwise as `finetune`.
    """
    if seeds < 1:
        raise ConfigError(f"--seeds must be 1 or more, got {seeds}; 1 is a single run")
    if seeds == 1:
        return [finetune(settings)]
    group = Path(settings.output)
    with launched(settings.device) as world:
        named = _named(settings)
        runs = [
            replace(named, seed=seed, output=str(group / f"seed-{seed}"))
            for seed in range(settings.seed, settings.seed + seeds)
        ]
        amp = chosen_amp(named.amp, runs[0].output, world)  # once: another measurement could choose another one
        return [_finetune(replace(run, amp=amp), world, masks_in=group) for run in runs]


def _named(settings: FineTuning) -> FineTuning:
    if settings.pretrained is not None:
        return settings
    return replace(settings, pretrained=architecture_of(settings.architecture).pretrained)


def _finetune(
    settings: FineTuning, world: World, *, timing: LoopTiming | None = None, masks_in: Path | None = None
) -> Path:
    settings = replace(settings, amp=chosen_amp(settings.amp, settings.output, world))
    check(settings, settings.data, world.device)
    databases = [WordLmdb(path) for path in settings.data]
    validation = None if settings.valid is None else WordLmdb(settings.valid)
    for opened in (*databases, *([validation] if validation else [])):
        opened.count()
    torch.manual_seed(settings.seed)
    parent = resolve_weights(str(settings.pretrained))
    plain = load_pretrained(parent)
    plain.temperature = 1.0  # what it was measured at says nothing of what fine-tuning makes of it
    check_command("finetune", settings.architecture, plain.architecture, parent)
    parent_digest = state_digest(plain.state_dict())
    model = _prepared(plain, settings).to(world.device)
    run = RunDirectory(settings.output)
    state = run.begin("finetune", settings, world=world, parent_digest=parent_digest)
    names = freeze_all_but_input(model) if settings.train == "input" else None
    trained = ", ".join(names) if names else "all layers"
    seen = "" if settings.mask == "none" else f" seen by {' and '.join(input_layers(model))}"
    LOGGER.info("fine-tuning %s of %s with %s masks%s", trained, parent, settings.mask, seen)
    masks = MasksOfRun(settings, masks_in or run.path, world)
    sets = [WordSet(words, masks.open(words, str(number))) for number, words in enumerate(databases)]

    def save(path: Path) -> None:
        notes = {"mask": settings.mask, "train": settings.train}
        save_recognizer(path, model, parent=parent.stem, parent_digest=parent_digest, notes=notes)

    fit_recognizer(
        model,
        settings,
        sets=sets,
        valid=None if validation is None else WordSet(validation, masks.open(validation, VALID)),
        world=world,
        run=run,
        state=state,
        save=save,
        train_mode=training_mode(model, input_only=settings.train == "input", norms=settings.norms),
        scales=_scales(model, settings),
        mask_dropout=settings.mask_dropout,
        timing=timing,
    )
    if settings.norms == "reestimate":
        _reestimate(model, settings, sets, world, run)
        world.on_main(lambda: save(run.best))
    return run.path


def _prepared(plain: RecognizerNetwork, settings: FineTuning) -> RecognizerNetwork:
    """Return the pretrained network, widened unless it has its mask channel already or is to stay without."""
    _warn_of_rate(plain, settings)
    if plain.input_spec.mask:
        _check_widened(plain, settings)
        return plain
    if settings.mask == "none":
        return plain
    try:
        return widen_input(
            plain,
            settings.init,
            generator=torch.Generator().manual_seed(settings.seed),
            mask_in_rectifier=settings.mask_in_rectifier,
            fusion=settings.fusion,
        )
    except ValueError as error:
        way = f"--init {settings.init}" if settings.fusion == "input" else f"--fusion {settings.fusion}"
        raise ConfigError(f"{settings.pretrained} cannot be widened with {way}: {error}") from error


def _warn_of_rate(plain: RecognizerNetwork, settings: FineTuning) -> None:
    fast = settings.learning_rate > 10 * CONVERTED_RATE
    if isinstance(plain, ConvertedRecognizer) and settings.train == "all" and fast:
        LOGGER.warning(
            "--lr %g is likely to undo what a network in ONNX has learned; train all its layers with --lr %g",
            settings.learning_rate,
            CONVERTED_RATE,
        )


def _check_widened(wide: RecognizerNetwork, settings: FineTuning) -> None:
    if settings.mask == "none":
        raise ConfigError(f"{settings.pretrained} has a mask channel already; choose another --mask than none")
    if settings.mask_in_rectifier and not wide.mask_in_rectifier:
        raise ConfigError(f"{settings.pretrained} has its mask channel already; leave --mask-in-rectifier out")
    fusion = fusion_of(wide, wide.input_layer)
    if fusion != settings.fusion:
        raise ConfigError(f"{settings.pretrained} takes its mask by another way already; give --fusion {fusion}")


def _scales(model: RecognizerNetwork, settings: FineTuning) -> dict[nn.Parameter, Tensor]:
    """Return at which multiples of the run's rate the layers learn that see the mask."""
    rate = settings.learning_rate
    return input_rates(model, mask=settings.mask_rate / rate, colour=settings.colour_rate / rate)


def _reestimate(
    model: RecognizerNetwork, settings: FineTuning, sets: list[WordSet], world: World, run: RunDirectory
) -> None:
    """Give the model the run's best weights, and the statistics of BatchNorm that go with them."""
    LOGGER.info("estimating the statistics of BatchNorm anew over %d batches", BATCHES)
    model.load_state_dict(load_weights(run.best)[0])
    batches = recognition_batches(
        sets, model, settings=replace(settings, steps=BATCHES), world=world, mask_dropout=settings.mask_dropout
    )
    reestimate(
        model,
        (loaded for loaded in batches(0) if len(loaded.batch.lengths)),
        lambda loaded: recognition_loss(model, loaded.batch, device=world.device, amp=settings.amp),
    )
