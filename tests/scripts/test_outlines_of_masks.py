"""Photographs with shrunk word masks become a set in the layout of ICDAR-2015."""

from __future__ import annotations

import cv2
import numpy as np
from click.testing import CliRunner

from segmenter.datasets import open_dataset
from segrec.core.images import write_png


def test_marks_become_the_outlines_of_their_words(tmp_path, scripts_on_the_path):
    from outlines_of_masks import main

    mask = np.zeros((100, 200), np.uint8)
    mask[40:60, 50:100] = 255
    tilted = np.array([[140, 30], [170, 45], [165, 55], [135, 40]])
    cv2.fillPoly(mask, [tilted], 255)
    mask[5, 5:8] = 255  # too little for a word
    for name in ("a", "b"):
        write_png(tmp_path / "images" / f"{name}.png", np.full((100, 200, 3), 90, np.uint8))
        write_png(tmp_path / "masks" / f"{name}.png", mask)
    given = [str(tmp_path / part) for part in ("images", "masks", "out")]
    outcome = CliRunner().invoke(main, [*given, "--grow", "1.5", "--longest-side", "100", "--without", "b"])
    assert (outcome.exit_code, outcome.output) == (0, f"{given[2]}: 1 photographs, 2 words\n")
    scenes = open_dataset("icdar15", given[2], "train")
    assert [scenes.name(place) for place in range(len(scenes))] == ["a"]
    level, slanted = sorted((word.outline for word in scenes.words(0)), key=lambda outline: outline[:, 0].min())
    middle, half = np.array([75, 50]) / 2, np.array([50, 20]) * 1.5 / 4  # of the mark, at half the size
    assert (
        np.abs(level.min(axis=0) - (middle - half)).max() <= 1
        and np.abs(level.max(axis=0) - (middle + half)).max() <= 1
    )
    assert np.abs(slanted.mean(axis=0) - tilted.mean(axis=0) / 2).max() <= 1
    assert [word.text for word in scenes.words(0)] == ["?", "?"]
    assert scenes.sample(0).image.shape == (50, 100, 3)


def test_masks_of_another_size_are_an_error_in_one_line(tmp_path, scripts_on_the_path):
    from outlines_of_masks import main

    write_png(tmp_path / "images" / "a.png", np.zeros((20, 30, 3), np.uint8))
    write_png(tmp_path / "masks" / "a.png", np.full((20, 31), 255, np.uint8))
    outcome = CliRunner().invoke(main, [str(tmp_path / part) for part in ("images", "masks", "out")])
    assert outcome.exit_code == 1 and "expected equal sizes" in outcome.output and outcome.output.count("\n") == 1
