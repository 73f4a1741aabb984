"""Exact masks lose where they are resampled or moved, and thin strokes of small words lose most."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from segrec.rendering.writing import render_words


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("ceiling") / "words"
    render_words(path, 12, seed=5)
    return str(path)


def test_what_is_moved_further_scores_less_and_a_low_working_height_least(words, scripts_on_the_path):
    from mask_ceiling import ceilings

    high, low = ceilings(words, 64), ceilings(words, 8)
    assert high["at height 64 and back"].images == 12
    assert high["at height 64 and back"].f1 > low["at height 8 and back"].f1 + 0.1
    assert 1 > high["0.25 pixels to the right"].f1 > high["0.5 pixels to the right"].f1 > 0.5


def test_the_script_prints_a_line_of_each_and_refuses_words_without_masks(words, scripts_on_the_path, tmp_path):
    from mask_ceiling import main

    outcome = CliRunner().invoke(main, [words])
    assert outcome.exit_code == 0 and outcome.output.count("F1 ") == 3, outcome.output
    render_words(tmp_path / "bare", 2, seed=5, masks=False)
    outcome = CliRunner().invoke(main, [str(tmp_path / "bare")])
    assert outcome.exit_code == 1 and "has no exact masks" in outcome.output
