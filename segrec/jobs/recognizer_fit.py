"""What training and fine-tuning of recognizers share: their settings, batches, loss, evaluation and report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from recognizers.charset import Charset
from recognizers.predictor import Recognizer
from recognizers.rectification import localiser_parameters
from recognizers.training import CtcAided, recognition_loss
from segrec.core.device import autocast
from segrec.core.errors import ConfigError, DataError
from segrec.core.regular import MOST_LOG_BYTES, read_regular_text
from segrec.core.runlog import LOGGER
from segrec.data.recognition import LoadedBatch, RecognitionDataset, WordSet, collate, reasons_for
from segrec.evaluation.scoring import score_words
from segrec.training.batches import step_batches
from segrec.training.distributed import World
from segrec.training.loop import Evaluation, LoopSettings, fit
from segrec.training.optimizers import make_optimizer
from segrec.training.run_directory import RunDirectory
from segrec.training.timing import LoopTiming


@dataclass(frozen=True, kw_only=True)
class Optimisation:
    """Settings that every training of a recognizer has.

    Attributes:
        ratios: shares of each batch that the word databases get, in their order; without, all words are seen equally
            often.
        steps, batch_size: length, and words a step, of all processes together.
        learning_rate: the peak.
        optimizer: `adam`, `adamw` or `adadelta`, which wants a learning rate near 1.
        weight_decay: of the optimizer.
        schedule: `trapezoid` (warmed up, held, brought to zero) or `onecycle`.
        ema_decay: of the average of the weights that is evaluated and saved; None takes the weights as they are.
        patience: evaluations without a better score after which the training ends; None goes through all steps.
        valid: word database for the evaluations that choose `best.safetensors`; None keeps the last weights.
        valid_limit: words of `valid` that are read each time; None reads all.
        evaluate_every: steps between evaluations; 0 evaluates only at the end.
        checkpoint_every: steps between checkpoints.
        augment: change images and masks at random.
        seed: decides weights, order and augmentation.
    """

    WARMUP_STEPS: ClassVar[int] = 500

    ratios: Sequence[float] = ()
    steps: int = 10_000
    batch_size: int = 64
    learning_rate: float = 1e-3
    optimizer: str = "adamw"
    weight_decay: float = 1e-4
    schedule: Literal["trapezoid", "onecycle"] = "trapezoid"
    ema_decay: float | None = None
    patience: int | None = None
    valid: str | None = None
    valid_limit: int | None = 1000
    evaluate_every: int = 1000
    checkpoint_every: int = 200
    augment: bool = True
    seed: int = 0
    workers: int = 1
    device: str = "auto"
    amp: str = "off"

    def loop(self) -> LoopSettings:
        """Return what the loop is told.

        Raises:
            ConfigError: values that make no training.
        """
        return LoopSettings(
            steps=self.steps,
            learning_rate=self.learning_rate,
            warmup_steps=min(self.WARMUP_STEPS, self.steps // 10),
            checkpoint_every=self.checkpoint_every,
            evaluate_every=self.evaluate_every,
            schedule=self.schedule,
            ema_decay=self.ema_decay,
            patience=self.patience,
        )


def fit_recognizer(
    model: nn.Module,
    settings: Optimisation,
    *,
    sets: Sequence[WordSet],
    valid: WordSet | None,
    world: World,
    run: RunDirectory,
    state: Mapping[str, Any] | None,
    save: Callable[[Path], None],
    train_mode: Callable[[], object],
    ctc_aid: float = 0.0,
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
        world: the processes that train together.
        run: where it goes.
        state: what `run.begin` returned.
        save: writes the network's weights to a path.
        train_mode: puts the network in the mode in which it is trained.
        ctc_aid: weight of a CTC loss that helps an attention recognizer, see `recognizers.training`.
        scales: multiples of the learning rate for single parameters, see `make_optimizer`.
        mask_dropout: share of the words whose mask is left out when they are seen.
        timing: a fresh one is filled with how long the run worked and waited.

    Raises:
        ConfigError: the data cannot be mixed or shared in this way.
        DataError: there are no words, or none that can be used.
        TrainingError: the loss is not finite, or the state is another network's.
    """
    taught = _taught(model, ctc_aid)
    fit(
        taught,
        CountedLoss(model, world, settings.amp),
        recognition_batches(sets, model, settings=settings, world=world, mask_dropout=mask_dropout),
        make_optimizer(
            settings.optimizer,
            taught.parameters(),
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            slow=localiser_parameters(model),
            scales=scales,
        ),
        settings=settings.loop(),
        run=run,
        state=state,
        save=save,
        train_mode=train_mode,
        evaluate=None if valid is None else accuracy_of(model, valid, settings=settings, world=world),
        half=settings.amp == "fp16",
        world=world,
        timing=timing,
    )
    for reason, count in left_out(run.metrics).items() if world.is_main else ():
        LOGGER.warning("left out %d times while training: %s", count, reason)


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


class CountedLoss:
    """The loss of loaded batches, the mean over the words of all processes; words left out are counted beside it."""

    def __init__(self, model: nn.Module, world: World, amp: str) -> None:
        recognizer: Any = model
        self._reasons = reasons_for(recognizer.charset)
        spec = recognizer.input_spec
        self._no_images = torch.empty((0, spec.channels, spec.height, spec.width), dtype=torch.uint8)
        self._world, self._amp = world, amp

    def __call__(self, model: nn.Module, loaded: LoadedBatch) -> Mapping[str, Tensor]:
        """Return the terms of `recognition_loss` and the words that a step lost: `skipped`, and by reason.

        A process whose share holds no usable word adds nothing, as long as another one's does.

        Raises:
            DataError: all words are lost, or all but one and the network normalises over the words of a batch.
        """
        own = len(loaded.batch.lengths)
        lost = {reason: loaded.skipped.get(reason, 0) for reason in self._reasons}
        counted = self._world.sum({"words": own, **lost})
        words = counted.pop("words")
        if not words:
            reasons = ", ".join(f"{count:.0f} x {reason}" for reason, count in counted.items() if count)
            raise DataError(
                f"not one of {sum(counted.values()):.0f} words in a row can be used for training ({reasons}); "
                "check the data"
            )
        if words == 1 and any(isinstance(part, nn.BatchNorm1d) and part.training for part in model.modules()):
            raise DataError(
                "only 1 word of a batch can be used for training, but this network normalises over several; "
                "check the data, or raise --batch-size"
            )
        batch = loaded.batch if own else loaded.batch._replace(images=self._no_images)
        terms = recognition_loss(model, batch, device=self._world.device, amp=self._amp)
        processes = self._world.size  # the loop takes means over them: counts are to be sums, losses means of words
        if processes > 1:
            terms = {name: term * (own * processes / words) for name, term in terms.items()}
        counts = {_column(reason): float(count) * processes for reason, count in lost.items()}
        skipped = {"skipped": sum(counts.values()), **counts}
        return {**terms, **{name: torch.tensor(count) for name, count in skipped.items()}}


def left_out(metrics: Path) -> dict[str, int]:
    """Return how often words were left out of a run's batches, by reason, from its `metrics.jsonl`."""
    counts: Counter[str] = Counter()
    before = 0
    for line in read_regular_text(metrics, most=MOST_LOG_BYTES).splitlines():
        row = json.loads(line)
        if "loss" not in row:
            continue
        for name, mean in row.items():
            if name.startswith(_column("")) and mean:
                counts[name.removeprefix(_column(""))] += round(mean * (row["step"] - before))
        before = row["step"]
    return dict(counts)


def recognition_batches(
    sets: Sequence[WordSet], model: nn.Module, *, settings: Optimisation, world: World, mask_dropout: float = 0.0
) -> Callable[[int], Iterator[LoadedBatch]]:
    """Return the function that gives `fit` its batches for a recognizer.

    Raises:
        ConfigError: the ratios or the batch size cannot be.
        DataError: there are no words.
    """
    recognizer: Any = model
    charset: Charset = recognizer.charset
    frames = None if charset.is_attention else frames_of(model)
    max_length = int(recognizer.max_length) if charset.is_attention else None
    datasets = [
        RecognitionDataset(
            item,
            recognizer.input_spec,
            charset,
            frames=frames,
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


def frames_of(model: nn.Module) -> int:
    """Return how many CTC frames a recognizer gives for one word at its input size."""
    return _shape(model, model)[1]


def _taught(model: nn.Module, ctc_aid: float) -> nn.Module:
    """Return what is to be trained: the recognizer, within what also teaches its second decoder and its CTC head."""
    recognizer: Any = model
    if not recognizer.charset.is_attention or not (ctc_aid or getattr(model, "backward_decoder", None)):
        return model
    return CtcAided(model, _shape(model, recognizer.encode)[2], weight=ctc_aid).to(next(model.parameters()).device)


def _shape(model: nn.Module, function: Callable[[Tensor], Tensor]) -> tuple[int, ...]:
    """Return the shape of what a part of a recognizer gives for one word at its input size."""
    recognizer: Any = model
    spec = recognizer.input_spec
    training = model.training
    model.eval()
    with torch.inference_mode():
        device = next(model.parameters()).device
        shape = function(torch.zeros(1, spec.channels, spec.height, spec.width, device=device)).shape
    model.train(training)
    return tuple(shape)


def accuracy_of(model: nn.Module, valid: WordSet, *, settings: Optimisation, world: World) -> Evaluation:
    """Return what scores the model as it then is on the validation words: `score`, which is `accuracy`, and `ned`."""

    def evaluate() -> Mapping[str, float]:
        recognizer = Recognizer(model, device=world.device)
        scored = score_words(recognizer, valid.words, valid.masks, limit=settings.valid_limit, world=world)
        return {"score": scored.score.accuracy, "accuracy": scored.score.accuracy, "ned": scored.score.ned}

    return evaluate


def _column(reason: str) -> str:
    return f"skipped: {reason}"
