"""Make the shipped weights from nothing: render, train, fine-tune, store small; each stage is resumable."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from hinted_aster import train_with_hints
from rendered_sets import RECOGNIZER_SEEDS, TUNING, render_sets
from segmenter_recipes import BEGINNING, LONGER, READING, WIDE, SegmenterRecipes, steps_of
from store_join import store_join

from recognizers import load_pretrained, save_recognizer
from segmenter.loading import load_segmenter, save_segmenter
from segrec.core.checkpoint import read_header, state_digest
from segrec.core.errors import SegrecError
from segrec.core.printable import printable
from segrec.jobs.export import export_onnx
from segrec.jobs.finetune import FineTuning, finetune
from segrec.jobs.precompute import precompute_masks
from segrec.jobs.train_recognizer import RecognizerTraining, train_recognizer
from segrec.rendering.words import RenderSources
from segrec.weights import ASTER, FINDER, FOLDER, OUTLINES, PLAIN, QUANTIZED, SEGMENTER

ASTER_EXTRA = ("hard_words", "seg_words")
STAGES = ("render", "segmenter", "recognizer", "variants", "reading", "wide", "onnx", "aster", "aster-variants")
SEGMENTER_NOTE = (
    "rendered words and scenes, polygons of ICDAR-2015 and MLT-2017 scenes, transcripts of their words; "
    "see README.md beside this file"
)
NOTE = "rendered words only, no photograph; fonts under free licences; see README.md beside this file"
TUNING_NOTE = "rendered words, words of ICDAR-2015 and MLT-2017; see README.md beside this file"


TUNING_RATIOS = (0.25, 0.25, 0.15)
REAL_RATIOS = (0.15, 0.2)
"""Shares of a batch that each set of `TUNING` and each database of `--real-words` gets."""
VARIANTS = ("none", "random", "zero", "predicted")
JOINS: dict[str, dict[str, Any]] = {
    PLAIN: {"train": "all", "fusion": "stream"},
    ASTER: {"train": "input", "fusion": "stream", "learning_rate": 3e-4},
}
"""How masks join each plain network; `aster-slim` is frozen, and its variants' files hold no more than what joins."""
REAL_WORDS = ("icdar2015_words", "mlt17_words")
"""What the databases of `--real-words` are called in recipes."""


class Recipe:
    """Folders and settings of one run of the recipe."""

    def __init__(
        self,
        work: Path,
        sources: RenderSources,
        workers: int,
        output: Path,
        *,
        real_scenes: dict[str, Path],
        real_words: list[Path],
    ) -> None:
        self.data, self.runs = work / "data", work / "runs"
        self.sources, self.workers, self.output = sources, workers, output
        self.real_words = real_words
        words = dict(zip(REAL_WORDS, real_words, strict=False))
        self.recipes = SegmenterRecipes(self.data, self.runs, real_scenes, words)

    def render(self) -> None:
        """Render everything that is not there yet."""
        render_sets(self.data, self.sources, self.workers)

    def segmenter(self) -> None:
        """Train the mask network as far as it needs no recognizer, and store it."""
        self._store_segmenter(self.recipes.begin(), steps_of(*BEGINNING, LONGER))

    def reading(self, steps: int, seed: int) -> None:
        """Train it on with the recognizer that reads by its masks, store it, and train the variants anew."""
        run = self.recipes.read(self.output / f"{PLAIN}-predicted.safetensors")
        self._store_segmenter(run, steps_of(*BEGINNING, LONGER, READING))
        self.variants(PLAIN, steps, seed)

    def wide(self) -> None:
        """Train it on with more channels and store it under a name of its own; recognizers gain nothing by it."""
        self._store_segmenter(self.recipes.widen(), steps_of(*BEGINNING, LONGER, READING, WIDE), name=OUTLINES)

    def _store_segmenter(self, run: Path, steps: int, name: str = SEGMENTER) -> None:
        save_segmenter(
            self.output / f"{name}.safetensors",
            load_segmenter(run / "last.safetensors"),
            half=True,
            lean=True,
            notes={"data": SEGMENTER_NOTE, "steps": str(steps)},
        )

    def onnx(self) -> None:
        """Export the segmenter that is stored, for readers without PyTorch: as it is, quantized, and to find words."""
        weights = self.output / f"{SEGMENTER}.safetensors"
        export_onnx(weights, self.output / f"{SEGMENTER}.onnx")
        export_onnx(weights, self.output / f"{QUANTIZED}.onnx", int8=True)
        export_onnx(weights, self.output / f"{FINDER}.onnx", region=True, half_weights=True)

    def recognizer(self, steps: int) -> None:
        """Train the plain recognizer and store it."""
        run = train_recognizer(
            RecognizerTraining(
                data=[str(self.data / f"train{seed}") for seed in RECOGNIZER_SEEDS],
                output=str(self.runs / "crnn"),
                batch_size=32,
                checkpoint_every=200,
                steps=steps,
            )
        )
        model = load_pretrained(run / "last.safetensors")
        notes = {"data": NOTE, "steps": str(steps)}
        save_recognizer(self.output / f"{PLAIN}.safetensors", model, half=True, notes=notes)

    def aster(self, hinted_steps: int, steps: int) -> None:
        """Train the plain ASTER, its first steps with the plain CRNN's hints, and store it."""
        words = [str(self.data / name) for name in (*(f"train{seed}" for seed in RECOGNIZER_SEEDS), *ASTER_EXTRA)]
        begun = train_with_hints(
            RecognizerTraining(
                data=words,
                output=str(self.runs / "aster-hinted"),
                architecture="aster",
                steps=hinted_steps,
                batch_size=32,
                learning_rate=1.5e-3,
            ),
            load_pretrained(self.output / f"{PLAIN}.safetensors"),
        )
        run = train_recognizer(
            RecognizerTraining(
                data=words,
                output=str(self.runs / "aster"),
                architecture="aster",
                pretrained=str(begun),
                steps=steps,
            )
        )
        notes = {"data": NOTE, "steps": f"{hinted_steps} with hints of {PLAIN}, then {steps}"}
        save_recognizer(
            self.output / f"{ASTER}.safetensors", load_pretrained(run / "last.safetensors"), half=True, notes=notes
        )

    def variants(self, plain: str, steps: int, seed: int) -> None:
        """Train plain weights on with each kind of mask, as `JOINS` says, and store what `seed` made of them.

        Masks and runs lie in folders of the mask network that they are of. Without a mask there is nothing to train
        where all but the join is frozen: the control is then the join that saw empty masks.
        """
        data = [*(self.data / name for name in TUNING), *self.real_words]
        segmenter = self.output / f"{SEGMENTER}.safetensors"
        masks_of = state_digest(load_segmenter(segmenter).state_dict())[:8]
        stores = [self.data / f"masks-{masks_of}" / words.name for words in data]
        for words, store in zip(data, stores, strict=True):
            precompute_masks(words, store, segmenter=segmenter, workers=self.workers)
        common = FineTuning(
            data=[str(words) for words in data],
            ratios=[*TUNING_RATIOS, *REAL_RATIOS[: len(self.real_words)]],
            architecture=plain.partition("-")[0],
            pretrained=str(self.output / f"{plain}.safetensors"),
            output=str(self.runs / f"masks-{masks_of}"),
            steps=steps,
            batch_size=64,
            learning_rate=5e-4,
            evaluate_every=0,
            checkpoint_every=100,
            seed=seed,
            amp="auto",
            mask="none",
        )
        for variant in VARIANTS if JOINS[plain]["train"] == "all" else VARIANTS[1:]:
            join = {"train": "all"} if variant == "none" else JOINS[plain]
            masks = [str(store) for store in stores] if variant == "predicted" else []
            output = str(Path(common.output) / f"{plain}-{variant}" / f"seed-{seed}")
            run = finetune(replace(common, mask=variant, masks=masks, output=output, **join))
            notes = {"steps": str(steps), "mask": variant, "train": join["train"], "seed": str(seed)}
            self._store_variant(run, self.output / f"{plain}-{variant}.safetensors", notes)

    def _store_variant(self, run: Path, target: Path, notes: dict[str, str]) -> None:
        """Store what a run made of plain weights: the join alone where all else is theirs."""
        notes = {"data": TUNING_NOTE, **notes}
        if notes["train"] == "input":
            store_join(run, target, notes)
            return
        weights = run / "last.safetensors"
        header = read_header(weights)
        save_recognizer(
            target,
            load_pretrained(weights),
            parent=header.parent,
            parent_digest=header.parent_digest,
            half=True,
            notes=notes,
        )


@click.command()
@click.option("--work", type=click.Path(path_type=Path), default=Path("weights-work"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
@click.option("--fonts", multiple=True, help="Folders of fonts; the system's by default.")
@click.option("--lexicon", help="One word per line; the system's by default.")
@click.option("--backgrounds", help="A folder of text-free photographs.  [default: procedural grounds]")
@click.option("--workers", default=2, show_default=True)
@click.option("--stage", multiple=True, type=click.Choice(STAGES))
@click.option(
    "--real-scenes",
    nargs=2,
    multiple=True,
    type=(click.Choice(["icdar2015", "mlt17"]), click.Path(path_type=Path)),
    help="Name and folder of training scenes in the layout of ICDAR-2015.  [default: rendered only]",
)
@click.option(
    "--real-words",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Training words for fine-tuning: of ICDAR-2015, then of MLT-2017.  [default: rendered only]",
)
@click.option("--recognizer-steps", default=7000, show_default=True)
@click.option("--hinted-steps", default=2000, show_default=True)
@click.option("--aster-steps", default=2400, show_default=True)
@click.option("--tuning-steps", default=1500, show_default=True)
@click.option("--aster-tuning-steps", default=500, show_default=True)
@click.option("--tuning-seed", default=0, show_default=True)
def main(
    work: Path,
    output: Path,
    fonts: tuple[str, ...],
    lexicon: str | None,
    backgrounds: str | None,
    workers: int,
    stage: tuple[str, ...],
    real_scenes: tuple[tuple[str, Path], ...],
    real_words: tuple[Path, ...],
    recognizer_steps: int,
    hinted_steps: int,
    aster_steps: int,
    tuning_steps: int,
    aster_tuning_steps: int,
    tuning_seed: int,
) -> None:
    """Make segrec's shipped weights; without --stage all stages run, in order."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    sources = RenderSources(fonts=fonts or None, lexicon=lexicon, backgrounds=backgrounds)
    recipe = Recipe(
        work, sources, workers, output, real_scenes=dict(real_scenes), real_words=list(real_words[: len(REAL_RATIOS)])
    )
    stages = {
        "render": recipe.render,
        "segmenter": recipe.segmenter,
        "recognizer": lambda: recipe.recognizer(recognizer_steps),
        "variants": lambda: recipe.variants(PLAIN, tuning_steps, tuning_seed),
        "reading": lambda: recipe.reading(tuning_steps, tuning_seed),
        "wide": recipe.wide,
        "onnx": recipe.onnx,
        "aster": lambda: recipe.aster(hinted_steps, aster_steps),
        "aster-variants": lambda: recipe.variants(ASTER, aster_tuning_steps, tuning_seed),
    }
    for name in stage or tuple(stages):
        try:
            stages[name]()
        except SegrecError as error:
            raise click.ClickException(printable(str(error))) from error


if __name__ == "__main__":
    main()
