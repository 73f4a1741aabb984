"""What training and fine-tuning of recognizers share: their checks, batches, evaluation and report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recognizers.configuration import AttentionNetwork, RecognizerNetwork
from recognizers.predictor import Recognizer
from recognizers.rectification import localiser_parameters
from segrec.core.device import autocast
from segrec.core.errors import ConfigError, DataError
from segrec.core.runlog import LOGGER
from segrec.data.recognition import LoadedBatch, RecognitionDataset, WordSet, collate
from segrec.evaluation.scoring import score_words
from segrec.jobs.recognizer_loss import CountedLoss, frames_of, with_ctc_head
from segrec.jobs.recognizer_settings import Optimisation
from segrec.training.batches import step_batches
from segrec.training.distributed import World
from segrec.training.loop import Evaluator, Training, fit
from segrec.training.memory_format import with_channels_last
from segrec.training.optimizers import make_optimizer
from segrec.training.run_directory import RunDirectory
from segrec.training.timing import LoopTiming


def fit_recognizer(
    model: RecognizerNetwork,
    settings: Optimisation,
    *,
    sets: Sequence[WordSet],
    valid: WordSet | None,
    world: World,
    run: RunDirectory,
    state: Mapping[str, Any] | None,
    save: Callable[[Path], None],
    train_mode: Callable[[], object],
    ctc_weight: float = 0.0,
    scales: Mapping[nn.Parameter, Tensor] | None = None,
    mask_dropout: float = 0.0,
    timing: LoopTiming | None = None,
) -> None:
    """Train a recognizer from a state on, or from the start, and say which words could not be used.

    Args:
        model: on the world's device.
        settings: how it is optimised.
        sets: words to train on.
        valid: words to evaluate on.
        world, run, state: see `segrec.training.loop.fit`.
        save, train_mode: see `segrec.training.loop.Training`.
        ctc_weight: weight of a CTC loss that helps an attention recognizer, see `recognizers.training`.
        scales: multiples of the learning rate for single parameters, see `make_optimizer`.
        mask_dropout: share of the words whose mask is left out when they are seen.
        timing: a fresh one is filled with how long the run worked and waited.

    Raises:
        ConfigError: the data cannot be mixed or shared in this way.
        DataError: there are no words, or none that can be used.
        TrainingError: the loss is not finite, or the state is another network's.
    """
    training = _training(
        model, settings, valid, world, save=save, train_mode=train_mode, ctc_weight=ctc_weight, scales=scales
    )
    batches = recognition_batches(sets, model, settings=settings, world=world, mask_dropout=mask_dropout)
    trained = fit(training, batches, settings=settings.loop(), run=run, state=state, world=world, timing=timing)
    for reason, count in trained.left_out.items() if world.is_main else ():
        LOGGER.warning("left out %d times while training: %s", count, reason)


def _training(
    model: RecognizerNetwork,
    settings: Optimisation,
    valid: WordSet | None,
    world: World,
    *,
    save: Callable[[Path], None],
    train_mode: Callable[[], object],
    ctc_weight: float,
    scales: Mapping[nn.Parameter, Tensor] | None,
) -> Training:
    """Return what the loop is given; for the arguments see `fit_recognizer`."""
    network = with_channels_last(with_ctc_head(model, ctc_weight))
    loss = CountedLoss(model, world, settings.amp)
    optimizer = optimizer_of(network, model, settings, scales)
    return Training(
        model=network,
        loss=loss,
        optimizer=optimizer,
        save=save,
        train_mode=train_mode,
        evaluate=None if valid is None else accuracy_of(model, valid, settings=settings, world=world),
        left_out=loss.left_out,
        half=settings.amp == "fp16",
    )


def optimizer_of(
    network: nn.Module,
    model: RecognizerNetwork,
    settings: Optimisation,
    scales: Mapping[nn.Parameter, Tensor] | None = None,
) -> torch.optim.Optimizer:
    """Return the optimiser that a training's settings describe; a localiser learns more slowly.

    Args:
        network: what is trained: the recognizer, or what holds it.
        model: the recognizer.
        settings: of the training.
        scales: see `make_optimizer`.
    """
    return make_optimizer(
        settings.optimizer,
        network.parameters(),
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        slow=localiser_parameters(model),
        scales=scales,
    )


def check(settings: Optimisation, data: Sequence[str], device: torch.device) -> None:
    """Refuse, before anything is written, what contradicts itself or cannot be computed.

    Raises:
        ConfigError: it does.
    """
    if not data:
        raise ConfigError("training needs words: name at least one --data folder")
    if settings.ratios and len(settings.ratios) != len(data):
        raise ConfigError(f"give one --ratio for each --data: got {len(settings.ratios)} for {len(data)}")
    if settings.patience is not None and settings.valid is None:
        raise ConfigError("--patience waits for a better score on validation words: name them with --valid")
    autocast(device, settings.amp)
    settings.loop()


def recognition_batches(
    sets: Sequence[WordSet],
    model: RecognizerNetwork,
    *,
    settings: Optimisation,
    world: World,
    mask_dropout: float = 0.0,
) -> Callable[[int], Iterator[LoadedBatch]]:
    """Return the function that gives `fit` its batches for a recognizer.

    Raises:
        ConfigError: the ratios or the batch size cannot be.
        DataError: there are no words.
    """
    max_length = model.max_length if isinstance(model, AttentionNetwork) else None
    datasets = [
        RecognitionDataset(
            item,
            model.input_spec,
            model.charset,
            frames=frames_of(model) if max_length is None else None,
            max_length=max_length,
            augment=settings.augment,
            mask_dropout=mask_dropout,
            seed=settings.seed + number,
        )
        for number, item in enumerate(sets)
    ]
    if not any(len(dataset) for dataset in datasets):
        raise DataError("the training data holds no words; give a --data with at least one word")
    return step_batches(
        datasets,
        collate,
        batch_size=settings.batch_size,
        seed=settings.seed,
        steps=settings.steps,
        workers=settings.workers,
        world=world,
        ratios=settings.ratios or None,
    )


def accuracy_of(model: RecognizerNetwork, valid: WordSet, *, settings: Optimisation, world: World) -> Evaluator:
    """Return what scores the model as it then is on the validation words: `score`, which is `accuracy`, and `ned`."""

    def evaluate() -> Mapping[str, float]:
        recognizer = Recognizer(model, device=world.device)
        scored = score_words(recognizer, valid.words, valid.masks, limit=settings.valid_limit, world=world)
        return {"score": scored.score.accuracy, "accuracy": scored.score.accuracy, "ned": scored.score.ned}

    return evaluate
