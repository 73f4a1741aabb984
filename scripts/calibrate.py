"""Fit a recognizer's temperature on words that it never saw, and draw how reliable its confidences are.

python scripts/calibrate.py MODEL --data WORDS --test NAME=WORDS --plot reliability.png [--write WEIGHTS]

Words are read with predicted masks where the model takes them, compared by letters and digits. --test databases are
only scored, before and after. --write stores the temperature in the header of that weights file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor

from recognizers import Recognizer, load_pretrained, normalise_label
from recognizers.decoding import read_logits
from segrec.core.checkpoint import load_weights, save_weights
from segrec.core.errors import DataError
from segrec.core.tables import markdown_table
from segrec.data.masks.predicted import as_stored, mask_bytes
from segrec.data.words import WordLmdb
from segrec.evaluation.calibration import Bin, calibration_error, fit_temperature, reliability, word_confidences
from segrec.reader import Segmenter
from segrec.weights import READER, SEGMENTER, resolve_weights

CHUNK = 256


class Seen(NamedTuple):
    """Words of a database as the model sees them: (T, classes) logits each, and whether the reading is right."""

    logits: list[Tensor]
    correct: NDArray[np.bool_]


def look(recognizer: Recognizer, segmenter: Segmenter, path: str, limit: int) -> Seen:
    """Return what the model makes of a database's usable words; labels without letters or digits are left out."""
    database = WordLmdb(path)
    words = [word for word in (database[place] for place in range(min(limit, len(database)))) if word.image is not None]
    words = [word for word in words if normalise_label(word.label)]
    if not words:
        raise DataError(f"{path} holds no usable word")
    logits: list[Tensor] = []
    for start in range(0, len(words), CHUNK):
        images = [word.image for word in words[start : start + CHUNK] if word.image is not None]
        masks = None
        if recognizer.needs_mask:
            masks = [as_stored(mask_bytes(mask)) for mask in segmenter.predict_detailed_text(images)]
        logits += recognizer.logits(images, masks)
    texts = [read_logits(one[None], recognizer.model.charset)[0].text for one in logits]
    right = [normalise_label(text) == normalise_label(word.label) for text, word in zip(texts, words, strict=True)]
    return Seen(logits, np.array(right))


def draw(path: str, panels: dict[str, tuple[list[Bin], list[Bin]]]) -> None:
    """Write accuracy over confidence, before and after, a panel a database."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(panels), 4), layout="constrained")
    for axes, (name, both) in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for rows, label in zip(both, ("before", "after"), strict=True):
            points: list[Any] = [[row.confidence for row in rows], [row.accuracy for row in rows]]
            axes.plot(*points, marker="o", label=f"{label}, ECE {calibration_error(rows):.3f}")
        axes.set(title=name, xlabel="confidence", ylabel="words that are right", xlim=(0, 1), ylim=(0, 1))
        axes.legend()
    figure.savefig(path, dpi=110)


def write(path: str | os.PathLike[str], temperature: float) -> None:
    """Store a temperature in the configuration of a weights file; its tensors stay as they are."""
    with safe_open(path, framework="pt") as file:
        half = any(file.get_tensor(name).dtype == torch.float16 for name in file.keys())  # noqa: SIM118 (no mapping)
    state, header = load_weights(path)
    header.config["temperature"] = temperature
    save_weights(path, state, header, half=half)


@click.command()
@click.argument("model", default=READER)
@click.option("--segmenter", default=SEGMENTER, show_default=True)
@click.option("--data", multiple=True, required=True, help="Words to fit on; the model was not trained on them.")
@click.option("--test", multiple=True, metavar="NAME=WORDS", help="Words to score only.")
@click.option("--limit", default=1_000_000, help="Most words of each database.")
@click.option("--plot", help="The picture to write.")
@click.option("--write", "target", help="Weights file whose header gets the temperature.")
def main(
    model: str,
    segmenter: str,
    data: tuple[str, ...],
    test: tuple[str, ...],
    limit: int,
    plot: str | None,
    target: str | None,
) -> None:
    """Fit the temperature of MODEL and print the expected calibration errors."""
    recognizer = Recognizer(load_pretrained(resolve_weights(model)))
    masks = Segmenter.from_pretrained(segmenter, device="cpu", scene_height=None)
    seen = [look(recognizer, masks, path, limit) for path in data]
    charset = recognizer.model.charset
    fitted = fit_temperature(
        [one for part in seen for one in part.logits], np.concatenate([part.correct for part in seen]).tolist(), charset
    )
    temperature = round(fitted, 3)
    print(f"temperature {temperature} from {sum(len(part.logits) for part in seen)} words")
    panels, rows = {}, []
    for name, path in [*((Path(path).name, path) for path in data), *(pair.split("=", 1) for pair in test)]:
        part = seen[data.index(path)] if path in data else look(recognizer, masks, path, limit)
        confidences = (word_confidences(part.logits, charset, value) for value in (1.0, temperature))
        before, after = (reliability(one, part.correct) for one in confidences)
        panels[name] = (before, after)
        figures = (part.correct.mean(), calibration_error(before), calibration_error(after))
        rows.append([name, str(len(part.logits)), *(f"{figure:.3f}" for figure in figures)])
    head = ["words", "n", "accuracy", "ECE before", "ECE after"]
    print(f"\n{markdown_table(head, rows, numbers=4)}", end="", flush=True)
    if plot is not None:
        draw(plot, panels)
    if target is not None:
        write(resolve_weights(target), temperature)


if __name__ == "__main__":
    main()
