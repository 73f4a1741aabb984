"""What TensorBoard shows of a run, read back from its event files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from curve_training import Crash, crash_in_step, train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from segrec.core.errors import LibraryError
from segrec.training.loop import LoopSettings
from segrec.training.tensorboard import Board

SETTINGS = LoopSettings(steps=12, learning_rate=0.05, checkpoint_every=4, log_every=3, evaluate_every=6)


def shown(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    return events


def pictures() -> dict[str, torch.Tensor | np.ndarray]:
    return {"input": torch.zeros(2, 3, 8, 6, dtype=torch.uint8), "mask": np.ones((3, 1, 8, 6), dtype=np.float32)}


def judged() -> dict[str, float]:
    return {"score": 0.25, "f1": 0.5}


def curves(events: EventAccumulator) -> dict[str, list[tuple[int, float]]]:
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_every_row_of_the_metrics_and_every_evaluation_is_shown(tmp_path):
    train(tmp_path, settings=SETTINGS, evaluate=judged, board=Board(tmp_path / "tensorboard", images=pictures))
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    found = curves(shown(tmp_path / "tensorboard"))
    assert set(found) == {f"train/{n}" for n in ("loss", "twice", "gradient_norm", "lr")} | {"valid/score", "valid/f1"}
    for name in ("loss", "lr", "gradient_norm"):
        expected = [(row["step"], row[name]) for row in rows if name in row]
        assert found[f"train/{name}"] == [(step, pytest.approx(value, abs=1e-6)) for step, value in expected]
    assert found["valid/f1"] == [(6, 0.5), (12, 0.5)]


def test_pictures_are_shown_at_each_evaluation(tmp_path):
    train(tmp_path, settings=SETTINGS, evaluate=judged, board=Board(tmp_path / "tensorboard", images=pictures))
    events = shown(tmp_path / "tensorboard")
    assert sorted(events.Tags()["images"]) == ["input", "mask"]
    for tag in ("input", "mask"):
        assert [image.step for image in events.Images(tag)] == [6, 12]
        assert events.Images(tag)[0].encoded_image_string.startswith(b"\x89PNG")


def test_a_resumed_run_shows_each_step_once(tmp_path):
    with pytest.raises(Crash):
        train(
            tmp_path, settings=SETTINGS, loss=crash_in_step(8), evaluate=judged, board=Board(tmp_path / "tensorboard")
        )
    assert [step for step, _ in curves(shown(tmp_path / "tensorboard"))["train/loss"]] == [3, 6]
    train(tmp_path, settings=SETTINGS, evaluate=judged, board=Board(tmp_path / "tensorboard"))
    found = curves(shown(tmp_path / "tensorboard"))
    assert [step for step, _ in found["train/loss"]] == [3, 6, 9, 12]
    assert [step for step, _ in found["valid/score"]] == [6, 12]


def test_a_finished_run_gets_no_further_event_file(tmp_path):
    train(tmp_path, settings=SETTINGS, board=Board(tmp_path / "tensorboard"))
    before = sorted((tmp_path / "tensorboard").iterdir())
    train(tmp_path, settings=SETTINGS, board=Board(tmp_path / "tensorboard"))
    assert sorted((tmp_path / "tensorboard").iterdir()) == before


def test_pictures_of_another_shape_are_refused(tmp_path):
    board = Board(tmp_path, images=lambda: {"mask": torch.zeros(4, 2, 8, 8)})
    with pytest.raises(ValueError, match=r"images 'mask' must be \(N, 3, H, W\) or \(N, 1, H, W\), got \(4, 2, 8, 8\)"):
        board.add_images(1)


def test_without_tensorboard_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard.writer", None)
    with pytest.raises(LibraryError, match=r"TensorBoard is not installed; run pip install 'segrec\[tensorboard\]'"):
        Board(tmp_path)
