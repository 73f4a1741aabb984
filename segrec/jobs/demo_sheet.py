"""The demonstration's sheet of photographs: the shipped crops, their predicted masks, and readings without and with."""

from __future__ import annotations

from pathlib import Path

from segrec.core.runlog import LOGGER
from segrec.evaluation.compare import gain_over
from segrec.evaluation.effects import Comparison
from segrec.jobs.demo_set import SAMPLES
from segrec.jobs.evaluate import Evaluation, evaluate
from segrec.jobs.precompute import precompute_masks
from segrec.jobs.word_pictures import WordPictures
from segrec.reports.sheet import Sheet
from segrec.weights import CONTROL, READER

NOTE = (
    "The crops are of the ICDAR-2015 incidental scene text test set (Karatzas et al. 2015), under CC BY 4.0 "
    "(creativecommons.org/licenses/by/4.0): cut out of photographs and drawn by a seed; nobody chose them. No weights "
    "were trained on them, but that test set is one of those by which the weights were developed."
)


def demo_sheet(folder: Path, *, device: str = "auto") -> Sheet:
    """Return the shipped crops as the fair control read them and as they are read with predicted masks.

    Args:
        folder: of the demonstration; the masks are stored within.
        device: where to compute.
    """
    name, masks = SAMPLES.name, folder / "masks" / SAMPLES.name
    LOGGER.info("predicting masks of %s and reading it", SAMPLES)
    precompute_masks(SAMPLES, masks, device=device)
    settings = Evaluation(
        data={name: str(SAMPLES)},
        masks={name: [str(masks)]},
        mask=["predicted"],
        models={CONTROL: [CONTROL], READER: [READER]},
        device=device,
    )
    control, masked = results = evaluate(settings)
    comparison = Comparison(control, masked, gain_over(masked, control, CONTROL))
    words = WordPictures(settings, results).of(comparison, range(len(masked.scored.outcomes)))
    return Sheet("words of photographs", list(words), measured="the project's docs/results.md", notes=[NOTE])
