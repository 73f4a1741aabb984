"""Table IV(b) as figures and as a page: accuracy of each variant and what it gains over each control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reproduction.published import TITLES
from reproduction.reading import Reading
from reproduction.reading_recipes import PRINTED, VARIANTS, ReadingRecipe
from segrec.core.tables import markdown_table
from segrec.evaluation.statistics import mcnemar, seeded_bootstrap

CONTROLS = ("plain", "no mask", "random")
Key = tuple[str, str]
"""Architecture and variant."""


def figures(recipe: ReadingRecipe, readings: Mapping[Key, Reading]) -> list[dict[str, Any]]:
    """Return a row for each recognizer, test set and variant; accuracies in per cent, gains in points."""
    found = []
    for architecture, recognizer in recipe.recognizers.items():
        done = {variant: readings[architecture, variant] for variant in VARIANTS if (architecture, variant) in readings}
        for test in recognizer.tests:
            right = {variant: _right(one, test) for variant, one in done.items() if test in one["tests"]}
            for variant, of_words in right.items():
                found.append(_row(recipe, architecture, test, variant, of_words, right))
    return found


def _right(reading: Reading, test: str) -> NDArray[np.bool_]:
    """Return (seeds, words), whether each word was read right."""
    return np.array([[word["correct"] for word in of_seed] for of_seed in reading["tests"][test]], dtype=bool)


def _row(
    recipe: ReadingRecipe,
    architecture: str,
    test: str,
    variant: str,
    right: NDArray[np.bool_],
    others: Mapping[str, NDArray[np.bool_]],
) -> dict[str, Any]:
    seeds, words = right.shape
    row: dict[str, Any] = {
        **{"recipe": recipe.name, "recognizer": architecture, "test": recipe.words[test].name, "variant": variant},
        **{"n": words, "seeds": seeds, "correct": int(right.sum()) / seeds, "accuracy": 100 * float(right.mean())},
        "paper": PRINTED.get((architecture, test), {}).get(variant),
    }
    for control in CONTROLS:
        name = control.replace(" ", "_")
        row |= dict.fromkeys((f"over_{name}", f"over_{name}_low", f"over_{name}_high", f"over_{name}_p"))
        if control != variant and control in others:
            gain = seeded_bootstrap(others[control], right)
            row |= {f"over_{name}": 100 * gain.mean, f"over_{name}_low": 100 * gain.low}
            row |= {f"over_{name}_high": 100 * gain.high, f"over_{name}_p": mcnemar(others[control], right)}
    return row


def markdown(
    recipe: ReadingRecipe, rows: Sequence[Mapping[str, Any]], absent: Mapping[str, str], *, segmenter: str | None
) -> str:
    """Return the table as a page.

    Args:
        recipe: of the rows.
        rows: from `figures`.
        absent: why recognizers or test sets were not run, by name.
        segmenter: weights that predicted the masks; None where there are none.
    """
    words = "all words of each test set" if recipe.limit is None else f"the first {recipe.limit:,} of each test set"
    masks = "" if segmenter is None else f", masks predicted by {Path(segmenter).name}"
    caption = (
        f"{recipe.says} All rows of a recognizer share the test words ({words}) and its one input size{masks}; masks "
        "enter as probabilities, without a threshold. Letters and digits, case folded, no lexicon, every word scored. "
        "All but the plain network are tuned for equal steps; in the last row, which the paper does not have, the mask "
        "joins by a stream of its own and the recognizer is frozen. Gains are in points, with the paired 95% interval "
        "over words and seeds and McNemar's p."
    )
    head = ["recognizer", "words", "variant", "n", "seeds", "correct", "accuracy %", "paper %"]
    head += [f"over {control}" for control in CONTROLS]
    cells = [_cells(row) for row in rows]
    parts = [f"## {TITLES['table4b']}", caption, markdown_table(head, cells, numbers=len(head) - 3)]
    if absent:
        parts.append("Not run: " + "; ".join(f"{name}: {why}" for name, why in absent.items()) + ".")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _cells(row: Mapping[str, Any]) -> list[str]:
    gains = []
    for control in CONTROLS:
        name = f"over_{control.replace(' ', '_')}"
        gain = ""
        if row[name] is not None:
            p = "<0.001" if row[f"{name}_p"] < 0.001 else f"{row[f'{name}_p']:.3f}"
            gain = f"{row[name]:+.2f} ({row[f'{name}_low']:+.2f} to {row[f'{name}_high']:+.2f}), p {p}"
        gains.append(gain)
    paper = "" if row["paper"] is None else f"{row['paper']:.2f}"
    correct = f"{row['correct']:.1f}" if row["seeds"] > 1 else f"{row['correct']:.0f}"
    numbers = [str(row["n"]), str(row["seeds"]), correct, f"{row['accuracy']:.2f}", paper]
    return [row["recognizer"], row["test"], row["variant"], *numbers, *gains]
