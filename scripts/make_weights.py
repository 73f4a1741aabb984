"""Make the shipped weights from nothing: render, train, fine-tune, store small; each stage is resumable."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from recognizers.loading import load_pretrained, save_recognizer
from segmenter.loading import load_segmenter, save_segmenter
from segrec.core.checkpoint import state_digest
from segrec.data.rendering.words import RenderSources
from segrec.data.rendering.writing import render_scenes, render_words
from segrec.jobs.finetune import FineTuning, finetune
from segrec.jobs.precompute import precompute_masks
from segrec.jobs.train_recognizer import RecognizerTraining, train_recognizer
from segrec.jobs.train_segmenter import SegmenterTraining, train_segmenter
from segrec.shipped import FOLDER, PLAIN, SEGMENTER

RECOGNIZER_SEEDS = (11, 12)
WORDS_A_SEED = 200_000
SEGMENTER_WORDS, SEGMENTER_SCENES, VALID_WORDS = 16_000, 800, 1_000
TUNING_WORDS = 12_000
VARIANTS = ("random", "zero", "predicted")
NOTE = "rendered words only, no photograph; fonts under free licences; see README.md beside this file"


class Recipe:
    """Folders and settings of one run of the recipe."""

    def __init__(self, work: Path, sources: RenderSources, workers: int, output: Path) -> None:
        self.data, self.runs, self.sources, self.workers, self.output = (
            work / "data",
            work / "runs",
            sources,
            workers,
            output,
        )

    def render(self) -> None:
        """Render everything that is not there yet."""
        for seed in RECOGNIZER_SEEDS:
            self._words(f"train{seed}", WORDS_A_SEED, seed, masks=False)
        self._words("seg_words", SEGMENTER_WORDS, 21)
        self._words("seg_valid", VALID_WORDS, 22)
        self._words("tuning", TUNING_WORDS, 24)
        if not (self.data / "seg_scenes" / "scenes.json").exists():
            render_scenes(
                self.data / "seg_scenes", SEGMENTER_SCENES, seed=23, sources=self.sources, workers=self.workers
            )

    def _words(self, name: str, count: int, seed: int, *, masks: bool = True) -> None:
        folder = self.data / name
        if not (folder / "data.mdb").exists():
            render_words(folder, count, seed=seed, sources=self.sources, workers=self.workers, masks=masks)

    def segmenter(self, steps: int) -> None:
        """Train the segmenter and store it: five eighths of the steps without guidance, the rest mostly with it.

        The subset loss weighs 1, not the paper's 10: on rendered word crops, which the region fills, 10 made the
        strokes worse (see the card).
        """
        first = round(0.625 * steps)
        alone = self._segmenter_run("seg", first, phase1_share=1.0)
        guided = self._segmenter_run(
            "seg2", steps - first, phase1_share=0.4, lambda1=1.0, seed=1, pretrained=str(alone)
        )
        model = load_segmenter(guided / "last.safetensors")
        save_segmenter(
            self.output / f"{SEGMENTER}.safetensors", model, half=True, notes={"data": NOTE, "steps": str(steps)}
        )

    def _segmenter_run(self, name: str, steps: int, **settings: Any) -> Path:
        return train_segmenter(
            SegmenterTraining(
                words=[str(self.data / "seg_words")],
                scenes=[str(self.data / "seg_scenes")],
                valid=str(self.data / "seg_valid"),
                output=str(self.runs / name),
                valid_limit=200,
                evaluate_every=200,
                checkpoint_every=50,
                steps=steps,
                **settings,
            )
        )

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

    def variants(self, steps: int, learning_rate: float) -> None:
        """Fine-tune the input layer with each kind of mask and store only that layer."""
        plain = load_pretrained(self.output / f"{PLAIN}.safetensors")
        digest = state_digest(plain.state_dict())
        words, masks = self.data / "tuning", self.data / "tuning-masks"
        precompute_masks(words, masks, segmenter=self.output / f"{SEGMENTER}.safetensors", workers=self.workers)
        for variant in VARIANTS:
            settings: dict[str, Any] = {"mask": variant}
            run = finetune(
                FineTuning(
                    data=[str(words)],
                    masks=[str(masks)] if variant == "predicted" else (),
                    pretrained=str(self.output / f"{PLAIN}.safetensors"),
                    output=str(self.runs / f"crnn-{variant}"),
                    steps=steps,
                    batch_size=128,
                    learning_rate=learning_rate,
                    **settings,
                )
            )
            model: Any = load_pretrained(run / "last.safetensors")
            layer = model.input_layer
            save_recognizer(
                self.output / f"{PLAIN}-{variant}.safetensors",
                model,
                parent=PLAIN,
                parent_digest=digest,
                only=[name for name in model.state_dict() if name.startswith(f"{layer}.")],
                notes={"data": NOTE, "steps": str(steps), "mask": variant},
            )


@click.command()
@click.option("--work", type=click.Path(path_type=Path), default=Path("weights-work"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
@click.option("--fonts", multiple=True, help="Folders of fonts; the system's by default.")
@click.option("--lexicon", help="One word a line; the system's by default.")
@click.option("--workers", default=2, show_default=True)
@click.option("--stage", multiple=True, type=click.Choice(["render", "segmenter", "recognizer", "variants"]))
@click.option("--segmenter-steps", default=960, show_default=True)
@click.option("--recognizer-steps", default=7000, show_default=True)
@click.option("--tuning-steps", default=100, show_default=True)
@click.option("--tuning-lr", default=5e-4, show_default=True)
def main(
    work: Path,
    output: Path,
    fonts: tuple[str, ...],
    lexicon: str | None,
    workers: int,
    stage: tuple[str, ...],
    segmenter_steps: int,
    recognizer_steps: int,
    tuning_steps: int,
    tuning_lr: float,
) -> None:
    """Make segrec's shipped weights; without --stage all stages run, in order."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = Recipe(work, RenderSources(fonts=fonts or None, lexicon=lexicon), workers, output)
    stages = {
        "render": recipe.render,
        "segmenter": lambda: recipe.segmenter(segmenter_steps),
        "recognizer": lambda: recipe.recognizer(recognizer_steps),
        "variants": lambda: recipe.variants(tuning_steps, tuning_lr),
    }
    for name in stage or tuple(stages):
        stages[name]()


if __name__ == "__main__":
    main()
