"""Training a recognizer from scratch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recognizers import CRNN, Recognizer, crnn_slim
from recognizers.loading import save_recognizer
from recognizers.training import ctc_loss
from segrec.core.batches import Joined, step_batches
from segrec.core.device import autocast, resolve_device
from segrec.core.errors import ConfigError, DataError
from segrec.core.loop import LoopSettings, fit
from segrec.core.run_directory import RunDirectory
from segrec.core.runlog import LOGGER
from segrec.data.recognition import LoadedBatch, RecognitionDataset, WordSet, collate
from segrec.data.words import WordLmdb
from segrec.jobs.scoring import score_words

PRESETS = {"crnn-slim": crnn_slim, "crnn": CRNN}


@dataclass(frozen=True)
class RecognizerTraining:
    """Settings of a training from scratch.

    Attributes:
        data: word databases.
        valid: word database for the evaluations that choose `best.safetensors`; None keeps the last weights.
        valid_limit: words of `valid` that are read each time.
        preset: `crnn-slim` or `crnn` (the public size).
        steps, batch_size, learning_rate: length, words a step, peak of AdamW's rate.
        seed: decides weights, order and augmentation.
    """

    data: Sequence[str]
    output: str
    valid: str | None = None
    valid_limit: int = 1000
    preset: str = "crnn-slim"
    steps: int = 10_000
    batch_size: int = 64
    learning_rate: float = 1e-3
    seed: int = 0
    workers: int = 1
    checkpoint_every: int = 200
    evaluate_every: int = 1000
    device: str = "auto"
    amp: str = "off"


class CountedLoss:
    """The CTC loss of loaded batches; words left out are logged with the loss."""

    def __init__(self, device: torch.device, amp: str) -> None:
        self._device, self._amp = device, amp

    def __call__(self, model: nn.Module, loaded: LoadedBatch) -> Mapping[str, Tensor]:
        """Return `loss` and `skipped`, the words a batch lost."""
        terms = ctc_loss(model, loaded.batch, device=self._device, amp=self._amp)
        return {**terms, "skipped": torch.tensor(float(sum(loaded.skipped.values())))}


def frames_of(model: nn.Module) -> int:
    """Return how many CTC frames a recognizer gives for one word at its input size."""
    recognizer: Any = model
    spec = recognizer.input_spec
    with torch.inference_mode():
        device = next(model.parameters()).device
        training = model.training
        frames = model.eval()(torch.zeros(1, spec.channels, spec.height, spec.width, device=device)).shape[1]
        model.train(training)
    return int(frames)


def recognition_batches(
    sets: Sequence[WordSet],
    model: nn.Module,
    *,
    augment: bool,
    seed: int,
    batch_size: int,
    steps: int,
    workers: int,
) -> Any:
    """Return the function that gives `fit` its batches for a recognizer."""
    recognizer: Any = model
    frames = frames_of(model)
    datasets = [
        RecognitionDataset(
            item, recognizer.input_spec, recognizer.charset, frames=frames, augment=augment, seed=seed + number
        )
        for number, item in enumerate(sets)
    ]
    joined = Joined(datasets)
    if not len(joined):
        raise DataError("the training data holds no words; give a --data with at least one word")
    return step_batches(joined, collate, batch_size=batch_size, seed=seed, steps=steps, workers=workers)


def train_recognizer(settings: RecognizerTraining) -> Path:
    """Train from scratch, or resume the run in `settings.output`; return the run directory.

    Raises:
        ConfigError: the preset is unknown or the run directory holds another run.
        DataError: a database cannot be read or holds no usable words.
    """
    if settings.preset not in PRESETS:
        raise ConfigError(f"unknown preset {settings.preset!r}; use one of {', '.join(PRESETS)}")
    if not settings.data:
        raise ConfigError("training needs words: name at least one --data folder")
    device = resolve_device(settings.device)
    autocast(device, settings.amp)  # refuses what the device cannot do before anything is written
    loop = LoopSettings(
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        warmup_steps=min(500, settings.steps // 10),
        checkpoint_every=settings.checkpoint_every,
        evaluate_every=settings.evaluate_every,
    )
    torch.manual_seed(settings.seed)
    model = PRESETS[settings.preset]().to(device)
    run = RunDirectory(settings.output)
    sets = [WordSet(WordLmdb(path), None) for path in settings.data]
    valid = None if settings.valid is None else WordLmdb(settings.valid)
    state = run.begin("train", settings)
    LOGGER.info("training %s on %d words", settings.preset, sum(len(item.words) for item in sets))

    def evaluate() -> Mapping[str, float]:
        assert valid is not None
        scored = score_words(Recognizer(model, device=device), valid, None, limit=settings.valid_limit)
        return {"score": scored.score.accuracy, "accuracy": scored.score.accuracy, "ned": scored.score.ned}

    fit(
        model,
        CountedLoss(device, settings.amp),
        recognition_batches(
            sets,
            model,
            augment=True,
            seed=settings.seed,
            batch_size=settings.batch_size,
            steps=settings.steps,
            workers=settings.workers,
        ),
        torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=1e-4),
        settings=loop,
        run=run,
        state=state,
        save=lambda path: save_recognizer(path, model),
        train_mode=model.train,
        evaluate=None if valid is None else evaluate,
        half=settings.amp == "fp16",
    )
    return run.path
