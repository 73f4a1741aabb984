"""Promises of the segmenter's weights files, scores and package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import segmenter
from segmenter.loading import load_segmenter, save_segmenter
from segmenter.metrics import PixelScore
from segmenter.network import PRESETS, MutuallyGuidedNet
from segrec.core.checkpoint import WeightsHeader, load_weights, save_weights
from segrec.core.errors import CheckpointError


def test_a_saved_network_comes_back_with_its_outputs_and_working_height(tmp_path: Path):
    torch.manual_seed(0)
    model = MutuallyGuidedNet(width=2, skips=True, working_height=32).eval()
    save_segmenter(tmp_path / "net.safetensors", model, notes={"data": "rendered"})
    again = load_segmenter(tmp_path / "net.safetensors")
    images = torch.rand(1, 3, 32, 32)
    assert not again.training and again.working_height == 32 and again.config() == model.config()
    assert torch.equal(again.text_mask(images), model.text_mask(images))
    assert load_weights(tmp_path / "net.safetensors")[1].notes == {"data": "rendered"}


def test_the_slim_preset_in_float16_stays_below_four_million_bytes(tmp_path: Path):
    save_segmenter(tmp_path / "slim.safetensors", MutuallyGuidedNet(**PRESETS["mgnet-slim"]), half=True)
    assert (tmp_path / "slim.safetensors").stat().st_size < 4_000_000
    loaded = load_segmenter(tmp_path / "slim.safetensors")
    assert all(p.dtype == torch.float32 for p in loaded.parameters())


def test_other_files_are_refused_in_one_line(tmp_path: Path):
    state = MutuallyGuidedNet(width=2).state_dict()
    cases = {
        "crnn": (WeightsHeader("crnn", {}), state, "holds a model of architecture 'crnn', not a segmenter"),
        "option": (WeightsHeader("mgnet", {"depth": 3}), state, "has a header that no segmenter fits: .*'depth'"),
        "huge": (WeightsHeader("mgnet", {"width": 2**40}), state, "has a header that no segmenter fits"),
        "list": (WeightsHeader("mgnet", ["width"]), state, "has a damaged header"),  # type: ignore[arg-type]
        "wide": (
            WeightsHeader("mgnet", {"width": 4}),
            state,
            "does not fit the network of its own header: .*size mismatch",
        ),
        "short": (WeightsHeader("mgnet", {"width": 2}), dict(list(state.items())[3:]), "own header: .*Missing key"),
    }
    for name, (header, tensors, message) in cases.items():
        save_weights(tmp_path / f"{name}.safetensors", tensors, header)
        with pytest.raises(CheckpointError, match=message) as caught:
            load_segmenter(tmp_path / f"{name}.safetensors")
        assert "\n" not in str(caught.value) and name in str(caught.value)
    with pytest.raises(CheckpointError, match="no weights file"):
        load_segmenter(tmp_path / "absent.safetensors")


def test_scores_by_hand():
    score = PixelScore()
    truth = np.array([[1, 1, 0, 0]], np.uint8)
    score.add(np.array([[True, False, True, False]]), truth)  # P 1/2, R 1/2, F1 1/2
    score.add(np.array([[1, 1, 1, 1]]), truth)  # P 1/2, R 1, F1 2/3
    assert (score.images, score.precision, score.recall) == (2, 0.5, 0.75)
    assert score.f1 == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert score.f1_of_means == pytest.approx(2 * 0.5 * 0.75 / 1.25)
    assert (score.pooled_precision, score.pooled_recall) == (3 / 6, 3 / 4)
    assert score.pooled_f1 == pytest.approx(6 / 10) and score.pooled_iou == pytest.approx(3 / 7)


def test_empty_images_score_one_only_when_nothing_was_predicted():
    nothing, something = np.zeros((2, 2), bool), np.eye(2, dtype=bool)
    for predicted, truth, expected in ((nothing, nothing, 1), (something, nothing, 0), (nothing, something, 0)):
        score = PixelScore()
        score.add(predicted, truth)
        assert score.precision == score.recall == score.f1 == score.pooled_iou == score.pooled_f1 == expected


def test_ignored_pixels_do_not_score_and_shards_add_up():
    generator = np.random.default_rng(0)
    masks = generator.random((6, 3, 8, 8)) > 0.5
    whole, first, second = PixelScore(), PixelScore(), PixelScore()
    for index, (predicted, truth, valid) in enumerate(masks):
        whole.add(predicted, truth, valid)
        (first if index < 4 else second).add(predicted | ~valid, truth, valid)
    first.merge(second)
    assert first == whole and whole.images == 6


def test_scores_refuse_probabilities_and_other_shapes():
    with pytest.raises(ValueError, match="predicted must be bool or integer, got float32; compare it with a threshold"):
        PixelScore().add(np.zeros((2, 2), np.float32), np.zeros((2, 2), bool))
    with pytest.raises(ValueError, match=r"truth must be \(H, W\) like the prediction \(2, 2\), got \(2, 3\)"):
        PixelScore().add(np.zeros((2, 2), bool), np.zeros((2, 3), bool))


def test_every_public_name_resolves_and_the_package_imports_no_torch():
    assert sorted(segmenter.__all__) == dir(segmenter)
    for name in segmenter.__all__:
        assert getattr(segmenter, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        segmenter.absent  # noqa: B018
    code = "import sys, segmenter; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
