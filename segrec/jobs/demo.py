"""The demonstration: render words, predict masks, fine-tune with random and predicted masks, compare, report."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from segrec import __version__
from segrec.core.images import Array
from segrec.core.runlog import LOGGER
from segrec.data.mask_kinds import MaskKind
from segrec.data.mask_store import MaskStore
from segrec.data.words import WordLmdb
from segrec.jobs.compare import gains
from segrec.jobs.demo_set import FOLDER, SEED, DemoSet, demo_set
from segrec.jobs.evaluate import Evaluation, EvaluationResult, evaluate
from segrec.jobs.finetune import FineTuning, finetune
from segrec.jobs.precompute import precompute_masks
from segrec.jobs.scoring import LabelRule
from segrec.report import Report, ReportGain, ReportRow, WordPicture, write_report
from segrec.shipped import PLAIN

PICTURES = 48
LEARNING_RATE = 3e-3
"""High enough for the new channel to be learned in the few steps of a demonstration."""


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration found.

    Attributes:
        results: plain, random, predicted and oracle, on the demo's test words.
        report: the written HTML file.
        seconds: how long it took.
    """

    results: list[EvaluationResult]
    report: Path
    seconds: float


def demo(output: str | Path = FOLDER, *, steps: int = 150, seed: int = 0, device: str = "auto") -> DemoResult:
    """Run the whole pipeline on a rendered set and write `report.html` into `output`.

    Run again, it goes on where it stopped and repeats nothing that is finished.

    Args:
        output: folder for words, masks, runs and the report.
        steps: fine-tuning steps of each variant.
        seed: of the fine-tuning and the random masks.
    """
    begun = time.monotonic()
    folder = Path(output)
    train, test = demo_set("train", folder), demo_set("test", folder)
    for part in (train, test):
        LOGGER.info("predicting masks of %s", part.words)
        precompute_masks(part.words, part.masks, device=device)
    runs = {mask: _tuned(mask, folder, train, steps=steps, seed=seed, device=device) for mask in _TUNED}
    results = _compared(test, runs, seed=seed, device=device)
    report = folder / "report.html"
    seconds = time.monotonic() - begun
    write_report(report, _report(results, test, steps=steps, seed=seed, seconds=seconds))
    return DemoResult(results, report, seconds)


_TUNED: tuple[MaskKind, ...] = ("random", "predicted", "oracle")


def _tuned(mask: MaskKind, folder: Path, train: DemoSet, *, steps: int, seed: int, device: str) -> Path:
    return finetune(
        FineTuning(
            data=[str(train.words)],
            masks=[str(train.masks)] if mask == "predicted" else (),
            learning_rate=LEARNING_RATE,
            mask=mask,
            output=str(folder / "runs" / f"demo-{mask}"),
            steps=steps,
            seed=seed,
            device=device,
        )
    )


def _compared(test: DemoSet, runs: dict[MaskKind, Path], *, seed: int, device: str) -> list[EvaluationResult]:
    """Return the scores of plain, random, predicted and oracle, in this order."""
    variants: list[tuple[str, str]] = [
        ("none", PLAIN),
        ("random", str(runs["random"])),
        ("predicted", str(runs["predicted"])),
        ("oracle", str(runs["oracle"])),
    ]
    results = []
    for mask, model in variants:
        results += evaluate(
            Evaluation(
                data={"demo-test": str(test.words)},
                masks={"demo-test": [str(test.masks), str(test.oracle)]},
                mask=[mask],
                model=model,
                seed=seed,
                device=device,
            )
        )
    return [replace(result, asked="demo") for result in results]  # so that they are compared as masks of one model


def report_row(result: EvaluationResult) -> ReportRow:
    """Return the report's row of one result."""
    row = result.row()
    return ReportRow(
        dataset=row["dataset"],
        mask=row["mask"],
        model=row["model"],
        words=row["words"],
        correct=row["correct"],
        accuracy=row["accuracy"],
        ned=row["ned"],
        skipped=row["skipped"],
        interval=(row["interval"][0], row["interval"][1]),
    )


def _report(results: list[EvaluationResult], test: DemoSet, *, steps: int, seed: int, seconds: float) -> Report:
    return Report(
        title="segrec demo: does a text mask help the recognizer?",
        intro=[
            "A pretrained CRNN read rendered words that nothing here was trained on: as it is (none), and widened by a "
            "fourth input channel whose first layer alone was then fine-tuned: with random masks (the control), with "
            "masks that the shipped segmenter predicted, and with oracle masks, the exact strokes from rendering. The "
            "last show what the channel can carry when the mask is right.",
        ],
        rows=[report_row(result) for result in results],
        gains=[
            ReportGain(f"{gain.mask} over {gain.over}", gain.mean, gain.low, gain.high)
            for gain in gains(results, seed=seed)
        ],
        pictures=_pictures(results, test),
        facts={
            "fine-tuning steps": str(steps),
            "seed": str(seed),
            "demo set seed": str(SEED),
            "segrec": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "time": f"{seconds:.0f} s",
        },
    )


def _pictures(results: list[EvaluationResult], test: DemoSet) -> list[WordPicture]:
    """Return crops on which the variants disagree first, then others, at most `PICTURES`."""
    words, predicted, oracle = WordLmdb(test.words), MaskStore(test.masks), MaskStore(test.oracle)
    by_mask = {result.mask: result.scored.outcomes for result in results}
    order = sorted(
        range(len(results[0].scored.outcomes)),
        key=lambda place: -len({outcomes[place].correct for outcomes in by_mask.values()}),
    )
    pictures = []
    for place in order[:PICTURES]:
        outcome = results[0].scored.outcomes[place]
        word = words[outcome.index - 1]
        masks = {"predicted": predicted[outcome.index - 1], "oracle": oracle[outcome.index - 1]}
        if word.image is None:
            continue
        pictures.append(
            WordPicture(
                crop=word.image,
                masks={name: _shown(mask) for name, mask in masks.items() if mask is not None},
                truth=LabelRule()(word.label),
                readings={mask: outcomes[place].text for mask, outcomes in by_mask.items()},
            )
        )
    return pictures


def _shown(mask: Array) -> Array:
    return np.asarray(mask, dtype=np.uint8)
