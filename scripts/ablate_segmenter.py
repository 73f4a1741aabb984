"""Compare the rungs of the segmenter's training (phase 1, guidance, subset, CRF) on equal budgets; resumable."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import click

from segrec.core.files import read_json, write_json
from segrec.core.tables import markdown_table
from segrec.jobs.evaluate_segmenter import SegmenterEvaluation, evaluate_segmenter
from segrec.jobs.segmenter_stages import Stage
from segrec.jobs.train_segmenter import SegmenterTraining, train_segmenter

RUNGS: dict[str, dict[str, Any]] = {
    "phase 1": {"phases": 1, "lambda1": 0.0, "lambda2": 0.0},
    "+ guidance": {"lambda1": 0.0, "lambda2": 0.0},
    "+ subset": {"lambda1": 1.0, "lambda2": 0.0},
    "+ CRF": {"lambda1": 1.0, "lambda2": 0.1},
    "+ CRF, lambda1 10": {"lambda1": 10.0, "lambda2": 0.1},
}
"""Rung by rung of the paper's ladder (Table IV a); its lambda1, 10, comes last because it is too much this early."""


class Ladder:
    """One ladder: a common first stage, then every rung from there for the same number of steps.

    Args:
        work: folder of runs and results.
        preset: of the network.
        seed: of weights, order and augmentation.
        data: settings of `SegmenterTraining` that all runs share.
        steps: of the first stage, of each rung, and of its end with frozen norms.
        lr: peak learning rates of the two.
        rungs: names in `RUNGS`.
    """

    def __init__(
        self,
        work: Path,
        preset: str,
        seed: int,
        data: dict[str, Any],
        steps: tuple[int, int, int],
        lr: tuple[float, float],
        rungs: Sequence[str],
    ) -> None:
        self._work, self._preset, self._seed, self._data = work, preset, seed, data
        self._steps, self._lr, self._rungs = steps, lr, rungs

    def run(self, held_out: Sequence[str], limits: tuple[int, int]) -> None:
        """Train and score what is not there yet; the limits are of word crops and of scenes."""
        words = [spec for spec in held_out if spec.startswith("words=")]
        scenes = [spec for spec in held_out if spec not in words]
        common = self._train("common", [Stage("phase 1", self._steps[0], self._lr[0], **RUNGS["phase 1"], warmup=20)])
        for rung in self._rungs:
            losses = RUNGS[rung]
            result = self._work / "results" / f"{self._preset} {self._seed} {rung}.json"
            if result.exists():
                continue
            stages = [
                Stage(rung, self._steps[1], self._lr[1], **losses),
                Stage(
                    f"{rung}, norms frozen", self._steps[2], self._lr[1], **losses, freeze_norms=True, decay_share=1.0
                ),
            ]
            run = self._train(rung, stages, str(common))
            rows = [
                row.row()
                for data, limit in zip((words, scenes), limits, strict=True)
                if data
                for row in evaluate_segmenter(
                    SegmenterEvaluation(data=data, segmenters={rung: str(run)}, limit=limit, device="cpu")
                )
            ]
            facts = {"preset": self._preset, "seed": self._seed, "rung": rung, "steps": list(self._steps)}
            write_json(result, {**facts, "rows": rows})

    def _train(self, name: str, stages: Sequence[Stage], pretrained: str | None = None) -> Path:
        output = self._work / f"{self._preset}-{self._seed}" / name.replace("+ ", "")
        return train_segmenter(
            SegmenterTraining(
                preset=self._preset,
                output=str(output),
                stages=stages,
                pretrained=pretrained,
                seed=self._seed,
                checkpoint_every=25,
                device="cpu",
                **self._data,
            )
        )


def table(files: Iterable[Path]) -> str:
    """Return a markdown table of mean F1 in per cent, plus and minus the deviation over seeds, by rung and data."""
    cells: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    columns: list[str] = []
    for file in sorted(files):
        result = read_json(file)
        for row in result["rows"]:
            column = f"{row['data']} {row['target']} (n {row['images']})"
            if column not in columns:
                columns.append(column)
            cells[result["preset"], result["rung"]][column].append(100 * row["f1"])
    rows = [
        (preset, rung, *(_figure(cells[preset, rung][column]) for column in columns))
        for preset in sorted({preset for preset, _ in cells})
        for rung in RUNGS
        if (preset, rung) in cells
    ]
    return markdown_table(("network", "rung", *columns), rows, numbers=len(columns))


def _figure(values: Sequence[float]) -> str:
    if len(values) < 2:
        return " ".join(f"{value:.1f}" for value in values)
    return f"{mean(values):.1f} ± {stdev(values):.1f} ({len(values)})"


@click.command()
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Folder of runs and results.")
@click.option("--words", multiple=True, help="Training data, see segrec train segmenter.")
@click.option("--scenes", multiple=True, help="Training data, see segrec train segmenter.")
@click.option("--eval", "held_out", multiple=True, help="KIND=PATH of held-out pictures, see segrec eval-segmenter.")
@click.option("--limit", "limits", nargs=2, type=int, default=(200, 16), show_default=True, help="Words and scenes.")
@click.option("--preset", "presets", multiple=True, default=["mgnet-slim", "mgnet-slim-plain"], show_default=True)
@click.option("--seed", "seeds", multiple=True, type=int, default=[0, 1, 2], show_default=True)
@click.option(
    "--steps", nargs=3, type=int, default=(160, 80, 40), show_default=True, help="First stage, each rung, norms frozen."
)
@click.option("--lr", nargs=2, type=float, default=(2e-3, 1.5e-3), show_default=True, help="First stage, each rung.")
@click.option("--rung", "rungs", multiple=True, type=click.Choice(list(RUNGS)), default=list(RUNGS), show_default=True)
@click.option("--word-batch", default=16, show_default=True)
@click.option("--scene-batch", default=3, show_default=True)
@click.option("--scene-every", default=2, show_default=True)
@click.option("--supervision", type=click.Choice(["draw", "both"]), default="both", show_default=True)
@click.option("--workers", default=1, show_default=True)
@click.option("--table-only", is_flag=True, help="Only print the table of the results so far.")
def main(
    work: Path,
    held_out: tuple[str, ...],
    limits: tuple[int, int],
    presets: tuple[str, ...],
    seeds: tuple[int, ...],
    steps: tuple[int, int, int],
    lr: tuple[float, float],
    rungs: tuple[str, ...],
    table_only: bool,
    **data: Any,
) -> None:
    """Run the ladder for each preset and seed and print the table; what was done before is not done again."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if not table_only:
        for seed in seeds:
            for preset in presets:
                Ladder(work, preset, seed, data, steps, lr, rungs).run(held_out, limits)
    click.echo(table((work / "results").glob("*.json")), nl=False)


if __name__ == "__main__":
    main()
