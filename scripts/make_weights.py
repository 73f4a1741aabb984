"""Make the shipped weights from nothing: render, train, fine-tune, store small; each stage is resumable."""

from __future__ import annotations

import logging
import tomllib
from pathlib import Path
from typing import Any

import click
from hinted_aster import train_with_hints

from recognizers import input_layers, load_pretrained, save_recognizer
from segmenter.loading import load_segmenter, save_segmenter
from segrec.core.checkpoint import state_digest
from segrec.data.rendering.words import RenderSources
from segrec.data.rendering.writing import render_scenes, render_words
from segrec.jobs.finetune import FineTuning, finetune
from segrec.jobs.precompute import precompute_masks
from segrec.jobs.segmenter_stages import stage_of
from segrec.jobs.train_recognizer import RecognizerTraining, train_recognizer
from segrec.jobs.train_segmenter import SegmenterTraining, train_segmenter
from segrec.shipped import ASTER, FOLDER, PLAIN, SEGMENTER

RECOGNIZER_SEEDS = (11, 12)
WORDS_A_SEED = 200_000
SEGMENTER_WORDS, HARD_WORDS, SEGMENTER_SCENES, HARD_SCENES, TEXT_FREE = 16_000, 12_000, 800, 600, 900
TUNING_WORDS = 12_000
ASTER_EXTRA = ("hard_words", "seg_words")
VARIANTS = ("random", "zero", "predicted")
STAGES = ("render", "segmenter", "recognizer", "variants", "aster", "aster-variants")
SEGMENTER_RECIPE = Path(__file__).parent / "recipes" / "mgnet-slim.toml"
SEGMENTER_NOTE = "rendered words and scenes, polygons of ICDAR-2015 scenes; see README.md beside this file"
NOTE = "rendered words only, no photograph; fonts under free licences; see README.md beside this file"


class Recipe:
    """Folders and settings of one run of the recipe."""

    def __init__(
        self, work: Path, sources: RenderSources, workers: int, output: Path, real_scenes: Path | None
    ) -> None:
        self.data, self.runs = work / "data", work / "runs"
        self.sources, self.workers, self.output, self.real_scenes = sources, workers, output, real_scenes

    def render(self) -> None:
        """Render everything that is not there yet."""
        for seed in RECOGNIZER_SEEDS:
            self._words(f"train{seed}", WORDS_A_SEED, seed, masks=False)
        self._words("seg_words", SEGMENTER_WORDS, 21)
        self._words("hard_words", HARD_WORDS, 31, style="hard")
        self._words("tuning", TUNING_WORDS, 24)
        self._scenes("seg_scenes", SEGMENTER_SCENES, 23)
        self._scenes("hard_scenes", HARD_SCENES, 36, style="hard")
        self._scenes("textfree", TEXT_FREE, 34, text_free=True)

    def _scenes(self, name: str, count: int, seed: int, **kind: Any) -> None:
        if not (self.data / name / "scenes.json").exists():
            render_scenes(self.data / name, count, seed=seed, sources=self.sources, workers=self.workers, **kind)

    def _words(self, name: str, count: int, seed: int, **kind: Any) -> None:
        folder = self.data / name
        if not (folder / "data.mdb").exists():
            render_words(folder, count, seed=seed, sources=self.sources, workers=self.workers, **kind)

    def segmenter(self) -> None:
        """Train the segmenter by its recipe file and store it; real scenes only where they are given."""
        recipe = tomllib.loads(SEGMENTER_RECIPE.read_text(encoding="utf-8"))
        stages = [stage_of(table) for table in recipe.pop("stage")]
        settings = {key.replace("-", "_"): value for key, value in recipe.items()}
        settings["words"] = [self._here(spec) for spec in settings["words"]]
        settings["scenes"] = [
            self._here(spec) for spec in settings["scenes"] if self.real_scenes or not spec.startswith("icdar15")
        ]
        run = train_segmenter(
            SegmenterTraining(stages=stages, **{**settings, "output": str(self.runs / SEGMENTER), "seed": 3})
        )
        save_segmenter(
            self.output / f"{SEGMENTER}.safetensors",
            load_segmenter(run / "last.safetensors"),
            half=True,
            notes={"data": SEGMENTER_NOTE, "steps": str(sum(stage.steps for stage in stages))},
        )

    def _here(self, spec: str) -> str:
        """Return a spec of the recipe with the path it has in this run."""
        kind, _, path = spec.partition("=")
        return f"{kind}={self.real_scenes if kind.startswith('icdar15') else self.data / Path(path).name}"

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

    def variants(self, plain: str, steps: int, learning_rate: float) -> None:
        """Fine-tune the input layer of plain weights with each kind of mask and store only that layer."""
        parent = load_pretrained(self.output / f"{plain}.safetensors")
        digest = state_digest(parent.state_dict())
        words, masks = self.data / "tuning", self.data / "tuning-masks"
        precompute_masks(words, masks, segmenter=self.output / f"{SEGMENTER}.safetensors", workers=self.workers)
        for variant in VARIANTS:
            settings: dict[str, Any] = {"mask": variant}
            run = finetune(
                FineTuning(
                    data=[str(words)],
                    masks=[str(masks)] if variant == "predicted" else (),
                    architecture=plain.partition("-")[0],
                    pretrained=str(self.output / f"{plain}.safetensors"),
                    output=str(self.runs / f"{plain}-{variant}"),
                    steps=steps,
                    batch_size=128,
                    learning_rate=learning_rate,
                    **settings,
                )
            )
            model = load_pretrained(run / "last.safetensors")
            save_recognizer(
                self.output / f"{plain}-{variant}.safetensors",
                model,
                parent=plain,
                parent_digest=digest,
                only=[
                    name for name in model.state_dict() if name.startswith(tuple(f"{x}." for x in input_layers(model)))
                ],
                notes={"data": NOTE, "steps": str(steps), "mask": variant},
            )


@click.command()
@click.option("--work", type=click.Path(path_type=Path), default=Path("weights-work"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
@click.option("--fonts", multiple=True, help="Folders of fonts; the system's by default.")
@click.option("--lexicon", help="One word a line; the system's by default.")
@click.option("--workers", default=2, show_default=True)
@click.option("--stage", multiple=True, type=click.Choice(STAGES))
@click.option(
    "--real-scenes", type=click.Path(path_type=Path), help="ICDAR-2015 training scenes.  [default: rendered only]"
)
@click.option("--recognizer-steps", default=7000, show_default=True)
@click.option("--hinted-steps", default=2000, show_default=True)
@click.option("--aster-steps", default=2400, show_default=True)
@click.option("--tuning-steps", default=100, show_default=True)
@click.option("--tuning-lr", default=5e-4, show_default=True)
def main(
    work: Path,
    output: Path,
    fonts: tuple[str, ...],
    lexicon: str | None,
    workers: int,
    stage: tuple[str, ...],
    real_scenes: Path | None,
    recognizer_steps: int,
    hinted_steps: int,
    aster_steps: int,
    tuning_steps: int,
    tuning_lr: float,
) -> None:
    """Make segrec's shipped weights; without --stage all stages run, in order."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = Recipe(work, RenderSources(fonts=fonts or None, lexicon=lexicon), workers, output, real_scenes)
    stages = {
        "render": recipe.render,
        "segmenter": recipe.segmenter,
        "recognizer": lambda: recipe.recognizer(recognizer_steps),
        "variants": lambda: recipe.variants(PLAIN, tuning_steps, tuning_lr),
        "aster": lambda: recipe.aster(hinted_steps, aster_steps),
        "aster-variants": lambda: recipe.variants(ASTER, tuning_steps, tuning_lr),
    }
    for name in stage or tuple(stages):
        stages[name]()


if __name__ == "__main__":
    main()
