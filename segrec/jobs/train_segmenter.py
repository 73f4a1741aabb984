"""Training the mutually guided network or another, in stages, on pictures with pixel masks, polygons or both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from segmenter.choices import OURS
from segmenter.crf import EXACT_SIDE, fits_exact
from segmenter.datasets import MaskedImages
from segmenter.interface import SegmentationNetwork
from segmenter.loading import save_segmenter
from segmenter.predictor import TorchSegmenter
from segmenter.preprocess import STRIDE
from segmenter.training import freeze_norms, segmentation_loss
from segrec.core.errors import ConfigError, DataError
from segrec.core.runlog import LOGGER
from segrec.data.masked_images import open_masked
from segrec.data.reading_batches import ReadingBatch, ReadingDataset, open_reading
from segrec.data.segmentation import SCENE_SCALE
from segrec.data.segmenter_batches import BatchSettings, StageData, StagedBatch, StagedBatches
from segrec.jobs.evaluate_segmenter import SCENE_HEIGHTS, check_part, pictures_of, score_segmenter
from segrec.jobs.reading_loss import ReadingLoss, left_out
from segrec.jobs.segmenter_board import shown
from segrec.jobs.segmenter_settings import SegmenterTraining, check_model
from segrec.jobs.segmenter_stages import Stage
from segrec.jobs.segmenter_start import initial_network
from segrec.training.distributed import World, launched
from segrec.training.loop import LoopSettings, Training, fit
from segrec.training.memory_format import with_channels_last
from segrec.training.precision import chosen_amp
from segrec.training.run_directory import RunDirectory
from segrec.training.tensorboard import Board

WIDEST_READ = 5
"""Words to be read that are longer, in heights, are squeezed: few are, and a batch is as wide as its widest word."""


def train_segmenter(settings: SegmenterTraining) -> Path:
    """Train from scratch, or resume the run in `settings.output`; return the run directory.

    Under torchrun all its processes train together: each takes its share of every batch.

    Raises:
        ConfigError: unknown preset, no data, settings that cannot work, or the run directory holds another run.
        DataError: the data cannot be read.
        LibraryError: TensorBoard is asked for and not installed.
    """
    check_model(settings)
    for name in ("working_height", "word_width", "scene_side"):
        if getattr(settings, name) < 1 or getattr(settings, name) % STRIDE:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{option} must be a multiple of {STRIDE}, got {getattr(settings, name)}")
    low, high = settings.scene_zoom or SCENE_SCALE
    if not 0 < low <= high < math.inf:
        raise ConfigError(f"--scene-zoom takes the smallest and the largest zoom above 0, got {low:g} and {high:g}")
    with launched(settings.device) as world:
        return _train(replace(settings, amp=chosen_amp(settings.amp, settings.output, world)), world)


def _train(settings: SegmenterTraining, world: World) -> Path:
    stages = settings.plan()
    loop = _loop(settings, stages)
    torch.manual_seed(settings.seed)
    model = with_channels_last(initial_network(settings).to(world.device))
    if settings.gradient_checkpointing:
        model.gradient_checkpointing = True
    run = RunDirectory(settings.output)
    reading = _reading_loss(settings, world)
    batches = _batches(settings, stages, world, reading)
    valid = [_validation(spec, settings.valid_limit, regions=model.has_region) for spec in settings.valid]
    board = None
    if settings.tensorboard and world.is_main:
        board = Board(run.path / "tensorboard", images=lambda: shown(model, (valid or [batches.images])[0]))
    world.on_main(lambda: _check_prolonged(run, settings))
    state = run.begin("train segmenter", settings, world=world)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    name = settings.preset if settings.model == OURS else settings.model
    LOGGER.info("training %s, %.1f M parameters, %d steps", name, parameters / 1e6, loop.steps)
    scored = _evaluation(settings, model, valid)
    fit(
        Training(
            model=model,
            loss=_loss(settings, stages, model, reading, world),
            optimizer=torch.optim.Adam(model.parameters(), lr=settings.learning_rate),
            save=lambda path: save_segmenter(path, model),
            train_mode=model.train,
            evaluate=(lambda: world.on_main(scored)) if valid else None,
            left_out=None if reading is None else lambda item: left_out(item.batch),
            half=settings.amp == "fp16",
            find_unused_parameters=True,  # the guidance encoder in phase 1, a decoder whose truth no image has
        ),
        batches,
        settings=loop,
        run=run,
        state=state,
        world=world,
        board=board,
    )
    return run.path


def _loss(
    settings: SegmenterTraining,
    stages: Sequence[Stage],
    model: SegmentationNetwork,
    reading: ReadingLoss | None,
    world: World,
) -> Callable[[nn.Module, StagedBatch], Mapping[str, Tensor]]:
    """Return the loss of a batch by its stage, of which the model also takes its passes and frozen statistics."""

    def loss(network: nn.Module, item: StagedBatch) -> Mapping[str, Tensor]:
        stage = stages[item.stage]
        freeze_norms(model, stage.freeze_norms)
        model.passes = stage.phases  # what is saved or evaluated now predicts as it was trained
        if isinstance(item.batch, ReadingBatch):
            assert reading is not None
            return reading(network, item.batch, phases=stage.phases)
        return segmentation_loss(
            network,
            item.batch,
            phases=stage.phases,
            device=world.device,
            amp=settings.amp,
            weights=stage.weights(settings.crf_backend),
        )

    return loss


def _check_prolonged(run: RunDirectory, settings: SegmenterTraining) -> None:
    """Refuse another number of steps where the run would fall back into the first phase or skip a part of it.

    Raises:
        ConfigError: the end of the first phase moves over steps that are done.
    """
    if settings.stages or not run.state.exists():
        return
    before = run.read_record()["settings"]
    steps = before.get("steps")
    if before.get("job") != "train segmenter" or not isinstance(steps, int):
        return
    earlier, later = (round(settings.phase1_share * length) for length in (steps, settings.steps))
    if earlier != later and run.load_state()["step"] > min(earlier, later):
        raise ConfigError(
            f"{run.path} was planned for {steps} steps, and --steps {settings.steps} would move the end of its first "
            f"phase from step {earlier} to {later}, over steps that are done; repeat --steps {steps}, or choose "
            f"another --output with --pretrained {run.path}"
        )


def _loop(settings: SegmenterTraining, stages: Sequence[Stage]) -> LoopSettings:
    steps = sum(stage.steps for stage in stages)
    return LoopSettings(
        steps=steps,
        learning_rate=settings.learning_rate,
        warmup_steps=min(100, steps // 10),
        checkpoint_every=settings.checkpoint_every,
        evaluate_every=settings.evaluate_every,
        stages=tuple(stage.rate() for stage in settings.stages),
    )


def _reading_loss(settings: SegmenterTraining, world: World) -> ReadingLoss | None:
    if not settings.reader:
        return None
    return ReadingLoss(settings.reader, settings.reading_weight, world=world, amp=settings.amp)


def _reading_words(settings: SegmenterTraining, reading: ReadingLoss | None) -> list[list[ReadingDataset]]:
    """Return each reader's words; readers that take turns draw augmentations of their own."""
    return [
        open_reading(
            settings.reading,
            reader,
            height=settings.working_height,
            widest=WIDEST_READ * settings.working_height,
            seed=settings.seed + number * len(settings.reading),
        )
        for number, reader in enumerate(reading.inputs if reading else ())
    ]


def _batches(
    settings: SegmenterTraining, stages: Sequence[Stage], world: World, reading: ReadingLoss | None
) -> StagedBatches:
    data = [
        StageData(stage.steps, stage.words, stage.scenes, stage.supervision)
        if stage.words or stage.scenes
        else StageData(stage.steps, settings.words, settings.scenes, stage.supervision)
        for stage in stages
    ]
    word_size, scene_size = (settings.working_height, settings.word_width), (settings.scene_side, settings.scene_side)
    for stage, given in zip(stages, data, strict=True):
        kinds = ((given.words, word_size), (given.scenes, scene_size))
        sizes = [size for specs, size in kinds if specs and stage.lambda2]
        if settings.crf_backend == "exact" and not all(fits_exact(size) for size in sizes):
            raise ConfigError(
                f"--crf-backend exact takes windows of at most {EXACT_SIDE}x{EXACT_SIDE} pixels; "
                "choose smaller ones, or nystrom, which approximates it at any size"
            )
    return StagedBatches(
        data,
        BatchSettings(
            word_size=word_size,
            scene_size=scene_size,
            word_batch=settings.word_batch,
            scene_batch=settings.scene_batch,
            scene_every=settings.scene_every,
            scene_zoom=settings.scene_zoom or SCENE_SCALE,
            supervision=settings.supervision,
            word_supervision=settings.word_supervision,
            seed=settings.seed,
            workers=settings.workers,
            reading_batch=settings.reading_batch,
            reading_every=settings.reading_every,
        ),
        reading=_reading_words(settings, reading),
        world=world,
    )


def _validation(spec: str, limit: int, *, regions: bool) -> MaskedImages:
    """Return the pictures of a `--valid`, of which at least one can be scored.

    Args:
        spec: see `open_masked`.
        limit: pictures that are looked at.
        regions: whether the network knows regions, so that a picture with no other mask can be scored.

    Raises:
        ConfigError: the split is not said where there are several.
        DataError: no picture can be read and has a mask.
    """
    check_part(spec)
    images = open_masked(spec if "=" in spec else f"words={spec}")
    problem = "without masks" if regions else "without pixel masks, and the network knows no regions"
    for position in range(min(limit, len(images))):
        try:
            sample = images.sample(position)
        except DataError as error:
            problem = str(error)
            continue
        if sample.text is not None or (regions and sample.region is not None):
            return images
    raise DataError(f"--valid {spec}: no picture of it can be scored: {problem}")


def _evaluation(
    settings: SegmenterTraining, model: SegmentationNetwork, valid: Sequence[MaskedImages]
) -> Callable[[], dict[str, float]]:
    """Return what scores the model on the validation data: mean text F1, or region F1 where there is no pixel mask."""

    def evaluate() -> dict[str, float]:
        figures: dict[str, float] = {}
        for spec, images in zip(settings.valid, valid, strict=True):
            segmenter = TorchSegmenter(
                model, device=next(model.parameters()).device, scene_height=SCENE_HEIGHTS[pictures_of(spec)]
            )
            scores = score_segmenter(segmenter, images, limit=settings.valid_limit)
            figures[f"f1 {spec}"] = scores["text" if scores["text"].images else "region"].f1
        return {"score": sum(figures.values()) / len(figures), **figures}

    return evaluate
