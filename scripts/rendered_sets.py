"""The rendered words and scenes that the shipped weights learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from segrec.rendering.styles import USUAL, Style
from segrec.rendering.words import RenderSources
from segrec.rendering.writing import render_scenes, render_words

RECOGNIZER_SEEDS = (11, 12)
WORDS_A_SEED = 200_000


class Words(NamedTuple):
    """A set of rendered words."""

    count: int
    seed: int
    style: Style


FIRST = {
    "seg_words": Words(16_000, 21, USUAL),
    "hard_words": Words(12_000, 31, "hard"),
}
"""What the mask network's first recipe learns from."""
CROPS = {
    "mixed_crops": Words(20_000, 33102, "mixed"),
    "hard_crops": Words(20_000, 33101, "hard"),
    "sign_crops": Words(25_000, 33105, "signs"),
}
"""What its second and third learn from."""
MORE = {
    "mixed_more": Words(24_000, 41102, "mixed"),
    "hard_more": Words(24_000, 41101, "hard"),
    "sign_more": Words(24_000, 41105, "signs"),
}
"""What its next two learn from."""
OTHER = {
    "mixed_other": Words(20_000, 51102, "mixed"),
    "hard_other": Words(20_000, 51101, "hard"),
    "sign_other": Words(20_000, 51105, "signs"),
    "mixed_wide": Words(30_000, 61102, "mixed"),
    "hard_wide": Words(30_000, 61101, "hard"),
    "sign_wide": Words(10_000, 61105, "signs"),
}
"""What its last one learns from."""
TUNING = {
    "tune_mixed": Words(14_000, 33201, "mixed"),
    "tune_hard": Words(14_000, 33202, "hard"),
    "tune_signs": Words(12_000, 33203, "signs"),
}
"""What recognizers are fine-tuned on; the mask network has not seen these words."""


class Scenes(NamedTuple):
    """A set of rendered scenes, or of pictures without text."""

    count: int
    seed: int
    kind: dict[str, Any]


SCENES = {
    "seg_scenes": Scenes(800, 23, {}),
    "hard_scenes": Scenes(600, 36, {"style": "hard"}),
    "textfree": Scenes(900, 34, {"text_free": True}),
    "crop_scenes": Scenes(400, 33103, {}),
    "crop_textfree": Scenes(400, 33104, {"text_free": True}),
    "more_textfree": Scenes(700, 33106, {"text_free": True}),
    "last_scenes": Scenes(300, 41103, {}),
    "last_textfree": Scenes(500, 41104, {"text_free": True}),
    "wide_scenes": Scenes(700, 51103, {}),
    "wide_textfree": Scenes(500, 51104, {"text_free": True}),
    "more_scenes": Scenes(400, 61103, {}),
}


def render_sets(folder: Path, sources: RenderSources, workers: int) -> None:
    """Render every set that is not in the folder yet."""
    for seed in RECOGNIZER_SEEDS:
        name, words = f"train{seed}", Words(WORDS_A_SEED, seed, USUAL)
        _words(folder / name, words, masks=False, sources=sources, workers=workers)
    for name, words in {**FIRST, **CROPS, **MORE, **OTHER, **TUNING}.items():
        _words(folder / name, words, masks=True, sources=sources, workers=workers)
    for name, (count, seed, kind) in SCENES.items():
        if not (folder / name / "scenes.json").exists():
            render_scenes(folder / name, count, seed=seed, sources=sources, workers=workers, **kind)


def _words(folder: Path, words: Words, *, masks: bool, sources: RenderSources, workers: int) -> None:
    if not (folder / "data.mdb").exists():
        render_words(
            folder, words.count, seed=words.seed, style=words.style, masks=masks, sources=sources, workers=workers
        )
