"""The demonstration: render words, predict masks, read them with and without, compare, show real words too, report."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path

from segrec.core.runlog import LOGGER
from segrec.data.masks.kinds import MaskKind
from segrec.jobs.demo_set import FOLDER, SEED, DemoSet, demo_set
from segrec.jobs.demo_sheet import demo_sheet
from segrec.jobs.evaluate import Evaluation, EvaluationResult, evaluate
from segrec.jobs.evaluation_report import evaluation_report
from segrec.jobs.precompute import precompute_masks
from segrec.reports.report import write_report
from segrec.reports.sheet import Sheet
from segrec.weights import CONTROL, PLAIN, weights_for

READERS: tuple[tuple[MaskKind, str], ...] = (
    ("none", PLAIN),
    ("none", CONTROL),
    ("random", weights_for("random", PLAIN)),
    ("predicted", weights_for("predicted", PLAIN)),
    ("oracle", weights_for("oracle", PLAIN)),
)
"""Kind of mask and weights of each reader; the control was fine-tuned without a mask."""

NOTE = (
    f"A small CRNN read rendered words that nothing here was trained on: as it is ({PLAIN}); fine-tuned without a mask "
    f"({CONTROL}, the fair control); and with a copy of its first layers, which reads a mask beside the picture, "
    "fine-tuned for as many steps on the same words, with random masks and with predicted ones. Oracle masks are the "
    "exact strokes, known from rendering; the weights tuned with predicted masks read them too."
)


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration found.

    Attributes:
        results: those of `READERS`, in their order, on the demo's test words.
        verdict: what predicted masks gain on these, in a sentence.
        sheet: the shipped crops of photographs, read without a mask and with predicted ones.
        report: the written HTML file.
        seconds: how long it took.
    """

    results: list[EvaluationResult]
    verdict: str
    sheet: Sheet
    report: Path
    seconds: float


def demo(output: str | Path = FOLDER, *, seed: int = 0, device: str = "auto") -> DemoResult:
    """Read a rendered set and the shipped crops with the shipped weights and write `report.html` into `output`.

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
    evaluations = [_evaluation(test, mask, weights, seed=seed, device=device) for mask, weights in READERS]
    results = []
    for (mask, weights), evaluation in zip(READERS, evaluations, strict=True):
        LOGGER.info("reading with %s and %s masks", weights, mask)
        results += evaluate(evaluation)
    sheet = demo_sheet(Path(output), device=device)
    seconds = time.monotonic() - begun
    report = evaluation_report(
        evaluations[0],
        results,
        over=CONTROL,
        title="segrec demo: does a text mask help the recognizer?",
        notes=[NOTE],
        commands=[f"segrec demo --output {shlex.quote(str(output))} --seed {seed}"],
        facts={"seed of the words": str(SEED), "time": f"{seconds:.0f} s"},
    )
    path = Path(output) / "report.html"
    write_report(path, replace(report, sheet=sheet))
    return DemoResult(results, report.verdict, sheet, path, seconds)


def _evaluation(test: DemoSet, mask: MaskKind, weights: str, *, seed: int, device: str) -> Evaluation:
    return Evaluation(
        data={"demo-test": str(test.words)},
        masks={"demo-test": [str(test.masks), str(test.oracle)]},
        mask=[mask],
        models={weights: [weights]},
        seed=seed,
        device=device,
    )
