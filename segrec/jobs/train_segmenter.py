"""Training the mutually guided network on rendered words and scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from segmenter.loading import load_segmenter, save_segmenter
from segmenter.metrics import PixelScore
from segmenter.network import PRESETS, STRIDE, MutuallyGuidedNet
from segmenter.predictor import Segmenter
from segmenter.training import SegmentationBatch, segmentation_loss
from segrec.core.batches import Joined, step_batches
from segrec.core.device import autocast, resolve_device
from segrec.core.errors import ConfigError
from segrec.core.loop import LoopSettings, fit
from segrec.core.run_directory import RunDirectory
from segrec.core.runlog import LOGGER
from segrec.data.segmentation import (
    INK_SHARE,
    MaskedImages,
    MaskedScenes,
    MaskedWords,
    SegmentationDataset,
    collate,
)
from segrec.shipped import resolve_weights


@dataclass(frozen=True)
class SegmenterTraining:
    """Settings of a segmenter's training.

    Attributes:
        words: rendered word databases with their mask stores.
        scenes: rendered scene folders.
        output: the run directory.
        valid: a rendered word database for the evaluations that choose `best.safetensors`.
        preset: `mgnet`, `mgnet-skip` or `mgnet-slim`.
        working_height: height of word crops, a multiple of 16.
        word_width, scene_side: sizes of the training windows, multiples of 16.
        word_batch, scene_batch: pictures a step.
        scene_every: each so many-th step is one of scenes.
        steps: steps in all.
        phase1_share: share of the steps before the guided pass and the subset loss join in (Section III.B.2).
        learning_rate: peak of Adam's rate.
        lambda1: weight of the subset loss, Eq. 5.
        pretrained: weights to start from: shipped name, run directory or file; None starts from scratch.
    """

    words: Sequence[str]
    scenes: Sequence[str]
    output: str
    valid: str | None = None
    valid_limit: int = 300
    preset: str = "mgnet-slim"
    working_height: int = 32
    word_width: int = 112
    scene_side: int = 160
    word_batch: int = 32
    scene_batch: int = 4
    scene_every: int = 4
    steps: int = 2400
    phase1_share: float = 0.6
    learning_rate: float = 2e-3
    lambda1: float = 10.0
    pretrained: str | None = None
    seed: int = 0
    workers: int = 1
    checkpoint_every: int = 100
    evaluate_every: int = 300
    device: str = "auto"
    amp: str = "off"


class PhasedBatch(NamedTuple):
    """A batch and how many passes of the network it trains."""

    phases: int
    batch: SegmentationBatch


def train_segmenter(settings: SegmenterTraining) -> Path:
    """Train from scratch, or resume the run in `settings.output`; return the run directory.

    Raises:
        ConfigError: unknown preset, no data, or the run directory holds another run.
        DataError: the data cannot be read.
    """
    if settings.preset not in PRESETS:
        raise ConfigError(f"unknown preset {settings.preset!r}; use one of {', '.join(PRESETS)}")
    if settings.working_height < 1 or settings.working_height % STRIDE:
        raise ConfigError(f"--working-height must be a multiple of {STRIDE}, got {settings.working_height}")
    if not settings.words:
        raise ConfigError("training needs rendered words: name at least one --words folder (segrec render words)")
    device = resolve_device(settings.device)
    autocast(device, settings.amp)  # refuses what the device cannot do before anything is written
    loop = LoopSettings(
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        warmup_steps=min(100, settings.steps // 10),
        checkpoint_every=settings.checkpoint_every,
        evaluate_every=settings.evaluate_every,
    )
    torch.manual_seed(settings.seed)
    model = _initial(settings).to(device).to(memory_format=torch.channels_last)
    run = RunDirectory(settings.output)
    batches = _batches(settings)
    valid = None if settings.valid is None else MaskedWords(settings.valid)
    state = run.begin("train segmenter", settings)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    LOGGER.info("training %s, %.1f M parameters, %d steps", settings.preset, parameters / 1e6, settings.steps)

    def loss(network: nn.Module, item: PhasedBatch) -> Mapping[str, Tensor]:
        assert isinstance(network, MutuallyGuidedNet)
        return segmentation_loss(
            network, item.batch, phases=item.phases, device=device, amp=settings.amp, lambda1=settings.lambda1
        )

    def evaluate() -> Mapping[str, float]:
        assert valid is not None
        score = score_masks(Segmenter(model, device=device), valid, limit=settings.valid_limit)
        return {"score": score.f1, "f1": score.f1, "precision": score.precision, "recall": score.recall}

    fit(
        model,
        loss,
        batches,
        torch.optim.Adam(model.parameters(), lr=settings.learning_rate),
        settings=loop,
        run=run,
        state=state,
        save=lambda path: save_segmenter(path, model),
        train_mode=model.train,
        evaluate=None if valid is None else evaluate,
        half=settings.amp == "fp16",
    )
    return run.path


def _initial(settings: SegmenterTraining) -> MutuallyGuidedNet:
    """Return the network to train: fresh, or the pretrained weights in a network of the wanted preset.

    Raises:
        ConfigError: the pretrained network is of another preset.
    """
    model = MutuallyGuidedNet(**PRESETS[settings.preset], working_height=settings.working_height)
    if settings.pretrained is not None:
        loaded = load_segmenter(resolve_weights(settings.pretrained))
        if {**loaded.config(), "working_height": 0} != {**model.config(), "working_height": 0}:
            raise ConfigError(f"{settings.pretrained} is no {settings.preset}; name the --preset it was trained with")
        model.load_state_dict(loaded.state_dict())
    return model


def score_masks(segmenter: Segmenter, images: MaskedImages, *, limit: int | None = None) -> PixelScore:
    """Return the pixel score of a segmenter's text masks at threshold 0.5, each at its picture's own size."""
    score = PixelScore()
    count = len(images) if limit is None else min(limit, len(images))
    for position in range(count):
        sample = images.sample(position)
        if sample.text is not None:
            score.add(segmenter.predict_text([sample.image])[0] >= 0.5, sample.text >= INK_SHARE)
    return score


def _batches(settings: SegmenterTraining) -> Callable[[int], Iterator[PhasedBatch]]:
    """Return the interleaved batches of words and scenes, by step."""
    every = settings.scene_every if settings.scenes else settings.steps + 1
    words = _stream(
        [MaskedWords(path) for path in settings.words],
        (settings.working_height, settings.word_width),
        settings,
        words=True,
        batch_size=settings.word_batch,
    )
    scenes = _stream(
        [MaskedScenes(path) for path in settings.scenes],
        (settings.scene_side, settings.scene_side),
        settings,
        words=False,
        batch_size=settings.scene_batch,
    )
    assert words is not None
    phase1_steps = round(settings.phase1_share * settings.steps)

    def batches(first_step: int) -> Iterator[PhasedBatch]:
        seen = first_step // every
        word_batches = words(first_step - seen)
        scene_batches = scenes(seen) if scenes is not None else iter(())
        for step in range(first_step, settings.steps):
            batch = next(scene_batches if step % every == every - 1 else word_batches)
            yield PhasedBatch(1 if step < phase1_steps else 2, batch)

    return batches


def _stream(
    parts: Sequence[MaskedImages],
    size: tuple[int, int],
    settings: SegmenterTraining,
    *,
    words: bool,
    batch_size: int,
) -> Callable[[int], Iterator[SegmentationBatch]] | None:
    if not parts:
        return None
    datasets = [
        SegmentationDataset(part, size, seed=settings.seed + number, words=words) for number, part in enumerate(parts)
    ]
    return step_batches(
        Joined(datasets),
        collate,
        batch_size=batch_size,
        seed=settings.seed,
        steps=settings.steps,
        workers=settings.workers,
    )
