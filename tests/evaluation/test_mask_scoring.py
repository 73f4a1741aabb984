"""Scoring segmenters on pictures with true masks."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from segmenter.augment import SegmentationSample
from segmenter.metrics import count_pixels
from segmenter.network import MutuallyGuidedNet
from segmenter.predictor import TorchSegmenter
from segrec.core.errors import DataError
from segrec.evaluation import mask_scoring
from segrec.evaluation.mask_scoring import score_segmenters
from segrec.jobs.evaluate_segmenter import score_segmenter


class Pictures:
    """Random pictures: even ones have both masks, odd ones only text, number 3 cannot be read, number 5 has none."""

    def __init__(self, count: int = 8) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def name(self, position: int) -> str:
        return f"picture-{position}"

    def sample(self, position: int) -> SegmentationSample:
        if position == 3:
            raise DataError("picture-3 is damaged")
        generator = np.random.default_rng(position)
        size = (9 + position, 20)
        image = generator.integers(0, 256, (*size, 3), dtype=np.uint8)
        text, region = generator.choice(np.array([0, 128, 255], np.uint8), (2, *size))
        if position == 5:
            return SegmentationSample(image, None, None)
        return SegmentationSample(image, text, None if position % 2 else region)


@pytest.fixture(scope="module")
def segmenter() -> TorchSegmenter:
    torch.manual_seed(0)
    return TorchSegmenter(MutuallyGuidedNet(width=2, working_height=16))


def test_every_image_is_scored_for_the_masks_it_has(segmenter):
    found = score_segmenters({"net": segmenter}, Pictures())["net"]
    assert [image.name[-1] for image in found.text.images] == list("012467")
    assert [image.name[-1] for image in found.region.images] == list("0246")
    assert found.total == 8 and found.problems == ["picture-3 is damaged"]
    for target, mask in ((found.text, "text"), (found.region, "region")):
        for scored in target.images:
            sample = Pictures().sample(int(scored.name[-1]))
            predicted = getattr(segmenter.predict([sample.image])[0], mask) >= 0.5
            truth = getattr(sample, mask)
            assert scored.counts == count_pixels(predicted, truth == 255, truth != 128)
            assert (scored.height, scored.width) == truth.shape
            assert scored.ignored == np.count_nonzero(truth == 128) > 0
    assert found.text.sweep is None


def test_the_score_does_not_depend_on_how_many_images_are_in_memory(segmenter, monkeypatch):
    whole = score_segmenters({"net": segmenter}, Pictures(), sweep=True)["net"]
    for images, pixels in ((1, 10**9), (100, 300)):
        monkeypatch.setattr(mask_scoring, "CHUNK_IMAGES", images)
        monkeypatch.setattr(mask_scoring, "CHUNK_PIXELS", pixels)
        parts = score_segmenters({"net": segmenter}, Pictures(), sweep=True)["net"]
        assert parts.text.images == whole.text.images and parts.region.images == whole.region.images
        assert parts.text.sweep.points() == whole.text.sweep.points()


def test_the_sweep_is_of_the_same_images_and_agrees_at_the_threshold(segmenter):
    found = score_segmenters({"net": segmenter}, Pictures(), sweep=True, threshold=0.25)["net"]
    for target in (found.text, found.region):
        point = target.sweep.points()[64]
        assert (target.sweep.images, point.threshold) == (len(target.images), 0.25)
        assert (point.f1, point.pooled_iou) == pytest.approx((target.score.f1, target.score.pooled_iou))


def test_one_target_scores_as_it_does_beside_the_other(segmenter):
    both = score_segmenters({"net": segmenter}, Pictures())["net"]
    text = score_segmenters({"net": segmenter}, Pictures(), targets=["text"])["net"]
    region = score_segmenters({"net": segmenter}, Pictures(), targets=["region"])["net"]
    assert (text.text, text.region.images) == (both.text, [])
    assert (region.region, region.text.images) == (both.region, [])


def test_a_limit_takes_the_first_images_and_no_image_gives_no_score(segmenter):
    found = score_segmenters({"net": segmenter}, Pictures(), limit=2)["net"]
    assert [image.name for image in found.text.images] == ["picture-0", "picture-1"] and found.total == 2
    assert score_segmenters({"net": segmenter}, Pictures(0))["net"].text.score.images == 0


def test_the_short_form_gives_both_scores_and_says_what_it_left_out(segmenter, caplog):
    caplog.set_level(logging.WARNING, "segrec")
    scores = score_segmenter(segmenter, Pictures())
    found = score_segmenters({"net": segmenter}, Pictures())["net"]
    assert scores == {"text": found.text.score, "region": found.region.score}
    assert caplog.messages == ["1 of 8 images cannot be read and are not scored, the first: picture-3 is damaged"]


def test_a_mask_of_another_size_than_its_image_is_a_problem_and_no_score(segmenter):
    class Cropped(Pictures):
        def sample(self, position: int) -> SegmentationSample:
            image, text, _ = super().sample(position)
            return SegmentationSample(image, text[1:] if position == 1 else text, None)

    found = score_segmenters({"net": segmenter}, Cropped(3))["net"]
    assert [image.name for image in found.text.images] == ["picture-0", "picture-2"]
    assert found.problems == ["picture-1: the text mask is (9, 20), expected (10, 20) like the image"]


def test_soft_masks_are_refused(segmenter):
    class Soft(Pictures):
        def sample(self, position: int) -> SegmentationSample:
            return SegmentationSample(super().sample(position).image, np.full((9, 20), 90, np.uint8), None)

    with pytest.raises(ValueError, match=r"255 \(text\), 0 \(not\) and 128 \(ignore\) only, got 90"):
        score_segmenters({"net": segmenter}, Soft(1))
