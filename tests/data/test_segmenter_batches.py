"""Promises of the batches of a segmenter's training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segrec.core.errors import ConfigError
from segrec.core.images import encode_png
from segrec.data.segmenter_batches import BatchSettings, StageData, StagedBatches, turn_of

SETTINGS = BatchSettings(
    word_size=(16, 32),
    scene_size=(32, 32),
    word_batch=3,
    scene_batch=2,
    scene_every=3,
    supervision="both",
    seed=0,
    workers=0,
)


def folder(path: Path, *kinds: str, count: int = 4) -> str:
    """Write noise pictures with masks of the given kinds; return their spec."""
    for kind in ("images", *kinds):
        (path / kind).mkdir(parents=True)
        for number in range(count):
            noise = np.random.default_rng(number).integers(0, 256, (20, 40), dtype=np.uint8)
            content = noise if kind == "images" else np.where(noise > 128, 255, 0).astype(np.uint8)
            (path / kind / f"{number}.png").write_bytes(encode_png(content))
    return f"folder={path}"


@pytest.fixture
def plan(tmp_path) -> list[StageData]:
    regions, texts = folder(tmp_path / "regions", "region"), folder(tmp_path / "texts", "text")
    return [StageData(2, (), [regions]), StageData(5, [texts], [regions])]


def test_stages_follow_each_other_with_their_own_data(plan):
    batches = list(StagedBatches(plan, SETTINGS)(0))
    assert [item.stage for item in batches] == [0, 0, 1, 1, 1, 1, 1]
    assert [item.batch.images.shape[2:] for item in batches] == [(32, 32)] * 2 + [
        (16, 32),
        (16, 32),
        (32, 32),
        (16, 32),
        (16, 32),
    ]
    assert not any(item.batch.has_text.any() for item in batches[:2])
    assert batches[2].batch.has_text.all() and not batches[2].batch.has_region.any()


def test_a_run_goes_on_with_the_batches_it_would_have_had(plan):
    whole = list(StagedBatches(plan, SETTINGS)(0))
    for first in range(len(whole)):
        rest = list(StagedBatches(plan, SETTINGS)(first))
        assert len(rest) == len(whole) - first
        for here, there in zip(rest, whole[first:], strict=True):
            assert here.stage == there.stage
            assert all(bool((a == b).all()) for a, b in zip(here.batch, there.batch, strict=True))
    assert list(StagedBatches(plan, SETTINGS)(7)) == []


def test_a_stage_without_data_is_refused(plan):
    with pytest.raises(ConfigError, match="stage 2 has nothing to train on: name words, scenes or both"):
        StagedBatches([plan[0], StageData(1, (), ())], SETTINGS)


def test_steps_of_reading_leave_scenes_and_words_their_shares():
    def turns(*kinds):
        return [turn_of(step, kinds, scene_every=3, reading_every=2) for step in range(12)]

    assert turns("words", "scenes", "reading") == ["words", "reading"] * 2 + ["scenes", "reading"] + [
        "words",
        "reading",
    ] * 2 + ["scenes", "reading"]
    assert turns("words", "reading") == ["words", "reading"] * 6
    assert turns("scenes") == ["scenes"] * 12
    assert turns("words", "scenes") == ["words", "words", "scenes"] * 4
