"""Print the text F1 of a segmenter on scenes, by the sizes at which they enter the network and how the maps are joined.

python scripts/scales.py --data folder=PICTURES --segmenter mgnet-slim
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

import click
import numpy as np
from numpy.typing import NDArray

from segmenter.loading import load_segmenter
from segmenter.network import MutuallyGuidedNet
from segmenter.predictor import TorchSegmenter
from segmenter.preprocess import rescale
from segmenter.pyramid import join_levels, level_sizes
from segrec.core.images import Array
from segrec.core.tables import markdown_table
from segrec.data.masked_images import open_masked
from segrec.evaluation.mask_scoring import TargetScore, ThresholdSweep
from segrec.weights import SEGMENTER, resolve_weights

Maps = NDArray[np.float32]
Rule = Callable[[Sequence[Maps]], Maps]

LISTS: dict[str, tuple[float, ...] | None] = {
    "1": (1,),
    "512": (512,),
    "256": (256,),
    "1,0.5": (1, 0.5),
    "1,0.5,0.25": (1, 0.5, 0.25),
    "auto": None,
    "1,512,256,128": (1, 512, 256, 128),
    "1,768,512,384,256,192,128": (1, 768, 512, 384, 256, 192, 128),
}
"""What `--scales` takes; None is `auto`."""

RULES: dict[str, Rule] = {
    "mean": lambda maps: np.mean(maps, axis=0, dtype=np.float32),
    "largest": lambda maps: np.max(maps, axis=0),
    "mean of logits": lambda maps: _of_logits(maps),
    "by confidence": lambda maps: _by_confidence(maps),
    "mean of squares": lambda maps: np.sqrt(np.mean(np.square(maps), axis=0, dtype=np.float32)),
    "in use": lambda maps: join_levels(maps, (maps[0].shape[0], maps[0].shape[1])),
}
"""Ways to join a picture's maps; the last is what `TorchSegmenter` does: halfway between the mean and the largest."""


def _of_logits(maps: Sequence[Maps]) -> Maps:
    odds = [np.log(one / (1 - one)) for one in (np.clip(level, 1e-4, 1 - 1e-4) for level in maps)]
    mean: Maps = 1 / (1 + np.exp(-np.mean(odds, axis=0, dtype=np.float32)))
    return mean


def _by_confidence(maps: Sequence[Maps]) -> Maps:
    weights = [np.abs(2 * level - 1) + np.float32(1e-3) for level in maps]
    total: Maps = sum(weight * level for weight, level in zip(weights, maps, strict=True)) / sum(weights)
    return np.minimum(total, 1)


class Scales:
    """The scores of one dataset by list of sizes and rule, and the seconds of processor time by list."""

    def __init__(self, model: MutuallyGuidedNet) -> None:
        self._model = model
        self.scores: dict[tuple[str, str], TargetScore] = defaultdict(lambda: TargetScore(sweep=ThresholdSweep()))
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, image: Array, truth: Array) -> None:
        """Score one picture (H, W, 3) against its mask (H, W); each size goes through the network once."""
        found: dict[int, tuple[Maps, float]] = {}
        for label, scales in LISTS.items():
            sides = [max(size) for size in level_sizes((image.shape[0], image.shape[1]), scales)]
            for side in sides:
                if side not in found:
                    segmenter = TorchSegmenter(self._model, scene_height=0, scales=side)
                    begun = time.process_time()
                    found[side] = (segmenter.predict_text([image])[0], time.process_time() - begun)
            self.seconds[label].append(sum(found[side][1] for side in sides))
            for rule, join in RULES.items():
                if scales is None or len(scales) > 1 or rule == "in use":
                    joined = join([found[side][0] for side in sides])
                    self.scores[label, rule].add(name, joined, truth, threshold=0.5)


@click.command()
@click.option("--data", multiple=True, required=True, help="KIND[:SPLIT]=PATH of scenes with text masks, repeatable.")
@click.option("--segmenter", default=SEGMENTER, show_default=True, help="Shipped name, run or weights.")
@click.option("--enlarge", type=click.IntRange(1), default=1, show_default=True, help="Enlarge the pictures first.")
@click.option("--limit", type=click.IntRange(1), help="Only the first pictures of each dataset.")
def main(data: tuple[str, ...], segmenter: str, enlarge: int, limit: int | None) -> None:
    """Print a markdown table of each dataset: F1 at threshold 0.5 and at the best one, and processor time."""
    model = load_segmenter(resolve_weights(segmenter))
    for spec in data:
        images, table = open_masked(spec), Scales(model)
        for position in range(min(limit or len(images), len(images))):
            image, text, _ = images.sample(position)
            if text is not None:
                size = (image.shape[0] * enlarge, image.shape[1] * enlarge)
                truth = np.repeat(np.repeat(text, enlarge, axis=0), enlarge, axis=1)
                table.add(images.name(position), rescale(image, size), truth)
        click.echo(f"\n{spec}, {segmenter}, enlarged {enlarge} times\n")
        rows = []
        for (label, rule), scored in table.scores.items():
            assert scored.sweep is not None
            best, f1 = scored.sweep.best(), scored.score.f1
            joined = rule if "," in label or label == "auto" else ""
            figures = (f"{f1:.3f}", f"{best.f1:.3f}", f"{best.threshold:.2f}", f"{np.mean(table.seconds[label]):.2f}")
            rows.append((label, joined, str(scored.score.images), *figures))
        head = ("scales", "joined by", "pictures", "F1", "best F1", "at", "seconds per picture")
        click.echo(markdown_table(head, rows, numbers=5), nl=False)


if __name__ == "__main__":
    main()
