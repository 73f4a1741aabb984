"""The demonstration: render words, predict masks, read them with and without, compare, report."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from segrec.core import VERSION
from segrec.core.images import Array
from segrec.core.runlog import LOGGER
from segrec.data.masks.kinds import MaskKind
from segrec.data.masks.store import MaskStore
from segrec.data.words import WordLmdb
from segrec.evaluation.compare import Gain, gains
from segrec.evaluation.scoring import LabelRule
from segrec.jobs.demo_set import FOLDER, SEED, DemoSet, demo_set
from segrec.jobs.evaluate import Evaluation, EvaluationResult, evaluate
from segrec.jobs.precompute import precompute_masks
from segrec.reports.report import Report, ReportGain, ReportRow, WordPicture, write_report
from segrec.weights import CONTROL, PLAIN, weights_for

PICTURES = 48

READERS: tuple[tuple[str, MaskKind, str], ...] = (
    ("plain", "none", PLAIN),
    ("control", "none", CONTROL),
    ("random", "random", weights_for("random", PLAIN)),
    ("predicted", "predicted", weights_for("predicted", PLAIN)),
    ("oracle", "oracle", weights_for("oracle", PLAIN)),
)
"""Name in the report, kind of mask and weights of each reader; the control was tuned without a mask."""


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration found.

    Attributes:
        results: those of `READERS`, in their order, on the demo's test words.
        gains: of the others over the control.
        report: the written HTML file.
        seconds: how long it took.
    """

    results: list[EvaluationResult]
    gains: list[Gain]
    report: Path
    seconds: float

    @property
    def verdict(self) -> str:
        """What predicted masks gain, in a sentence."""
        return _verdict(self.results, self.gains)


def demo(output: str | Path = FOLDER, *, seed: int = 0, device: str = "auto") -> DemoResult:
    """Read a rendered set with the shipped weights and write `report.html` into `output`.

    Run again, it goes on where it stopped and renders and predicts nothing that is there.

    Args:
        output: folder for words, masks and the report.
        seed: of the random masks and the resampling.
        device: where to compute.
    """
    begun = time.monotonic()
    test = demo_set("test", Path(output))
    LOGGER.info("predicting masks of %s", test.words)
    precompute_masks(test.words, test.masks, device=device)
    results = [_read(test, mask, weights, seed=seed, device=device) for _, mask, weights in READERS]
    found = gains(results, over=CONTROL, seed=seed)
    report = Path(output) / "report.html"
    seconds = time.monotonic() - begun
    write_report(report, _report(results, found, test, seed=seed, seconds=seconds))
    return DemoResult(results, found, report, seconds)


def _read(test: DemoSet, mask: MaskKind, weights: str, *, seed: int, device: str) -> EvaluationResult:
    LOGGER.info("reading with %s and %s masks", weights, mask)
    evaluation = Evaluation(
        data={"demo-test": str(test.words)},
        masks={"demo-test": [str(test.masks), str(test.oracle)]},
        mask=[mask],
        models={weights: [weights]},
        seed=seed,
        device=device,
    )
    return evaluate(evaluation)[0]


def _verdict(results: list[EvaluationResult], found: list[Gain]) -> str:
    rows = {name: result.row() for (name, _, _), result in zip(READERS, results, strict=True)}
    gain = next(gain for gain in found if gain.mask == "predicted" and gain.over == CONTROL)
    points = f"{100 * gain.mean:+.1f} points ({100 * gain.low:+.1f} to {100 * gain.high:+.1f}, n {gain.words})"
    clear = "better" if gain.low > 0 else "worse" if gain.high < 0 else "no different beyond chance"
    return (
        f"With predicted masks the recognizer reads {rows['predicted']['accuracy']:.1%} of these words; tuned on the "
        f"same words without masks it reads {rows['control']['accuracy']:.1%}: {points}, {clear}."
    )


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


def _report(results: list[EvaluationResult], found: list[Gain], test: DemoSet, *, seed: int, seconds: float) -> Report:
    return Report(
        title="segrec demo: does a text mask help the recognizer?",
        intro=[
            _verdict(results, found),
            f"A small CRNN read rendered words that nothing here was trained on: as it is ({PLAIN}); trained on "
            f"without a mask ({CONTROL}, the fair control); and widened by a fourth input channel and trained on for "
            "as many steps on the same words: with random masks, and with masks that the shipped segmenter predicted. "
            "Oracle masks are the exact strokes from rendering, read by the same weights as predicted ones.",
        ],
        rows=[replace(report_row(result), mask=name) for (name, _, _), result in zip(READERS, results, strict=True)],
        gains=[
            ReportGain(f"{gain.model}, {gain.mask} masks, over {gain.over}", gain.mean, gain.low, gain.high)
            for gain in found
        ],
        pictures=_pictures(results, test),
        facts={
            "seed": str(seed),
            "demo set seed": str(SEED),
            "segrec": VERSION,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "time": f"{seconds:.0f} s",
        },
    )


def _pictures(results: list[EvaluationResult], test: DemoSet) -> list[WordPicture]:
    """Return crops on which the readers disagree first, then others, at most `PICTURES`."""
    words, predicted, oracle = WordLmdb(test.words), MaskStore(test.masks), MaskStore(test.oracle)
    by_name = {name: result.scored.outcomes for (name, _, _), result in zip(READERS, results, strict=True)}
    order = sorted(
        range(len(results[0].scored.outcomes)),
        key=lambda place: -len({outcomes[place].correct for outcomes in by_name.values()}),
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
                readings={name: outcomes[place].text for name, outcomes in by_name.items()},
            )
        )
    return pictures


def _shown(mask: Array) -> Array:
    return np.asarray(mask, dtype=np.uint8)
