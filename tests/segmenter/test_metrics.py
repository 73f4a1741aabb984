"""Pixel scores, by hand and at every threshold."""

from __future__ import annotations

import numpy as np
import pytest

from segmenter.metrics import (
    LEVELS,
    PixelCounts,
    PixelScore,
    SweepPoint,
    ThresholdSweep,
    count_pixels,
    split_truth,
    top1_shares,
)


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


def test_the_figures_of_one_image_by_hand():
    counts = count_pixels(np.array([[1, 1, 1, 0, 0]]), np.array([[1, 0, 1, 1, 1]]), np.array([[1, 1, 1, 1, 0]]))
    assert counts == PixelCounts(true_positive=2, false_positive=1, false_negative=1)
    assert (counts.precision, counts.recall, counts.f1, counts.iou) == (2 / 3, 2 / 3, 4 / 6, 2 / 4)
    assert counts.mistakes == 2


def test_images_counted_before_score_like_images_added_one_by_one():
    images = [PixelCounts(3, 1, 0), PixelCounts(0, 0, 0), PixelCounts(0, 2, 5)]
    score = PixelScore.of(images)
    assert score.precisions == [3 / 4, 1, 0] and score.recalls == [1, 1, 0] and score.f1s == [6 / 7, 1, 0]
    assert (score.true_positive, score.false_positive, score.false_negative) == (3, 3, 5)
    assert PixelScore.of([]) == PixelScore() and PixelScore().f1 == PixelScore().f1_of_means == 0


def test_a_true_mask_is_text_where_255_and_silent_where_128():
    on, valid = split_truth(np.array([[0, 128, 255]], np.uint8))
    assert on.tolist() == [[False, False, True]] and valid.tolist() == [[True, False, True]]
    for strange in (1, 127, 254):
        with pytest.raises(ValueError, match=rf"255 \(text\), 0 \(not\) and 128 \(ignore\) only, got {strange}$"):
            split_truth(np.array([[0, strange, 255]], np.uint8))


def random_images(count: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return probabilities, truths and valid pixels of odd sizes; the third image is empty, some pixels are 0 or 1."""
    generator = np.random.default_rng(5)
    images = []
    for number in range(count):
        size = (int(generator.integers(1, 9)), int(generator.integers(1, 9)))
        probabilities = generator.random(size, dtype=np.float32)
        probabilities[generator.random(size) < 0.2] = generator.integers(2)
        truth = (generator.random(size) < probabilities) & (number != 2)
        images.append((probabilities, truth, generator.random(size) < 0.8))
    return images


def test_the_sweep_is_the_direct_score_at_each_threshold():
    images = random_images(12)
    sweep = ThresholdSweep()
    for probabilities, truth, valid in images:
        sweep.add(probabilities, truth, valid)
    points = sweep.points()
    assert len(points) == LEVELS and sweep.images == 12
    for number, point in enumerate(points):
        score = PixelScore()
        for probabilities, truth, valid in images:
            score.add(probabilities >= number / LEVELS, truth, valid)
        assert point.threshold == number / LEVELS
        assert point[1:] == pytest.approx((score.precision, score.recall, score.f1, score.pooled_iou), abs=1e-12)


def test_the_best_threshold_by_hand():
    sweep = ThresholdSweep()
    # text .25 and .75, background .5: below .25 hits 2 of 3, from .25 to .5 misses one more, above .5 hits 1 of 1
    sweep.add(np.array([[0.25, 0.5, 0.75]], np.float32), np.array([[1, 0, 1]]))
    best = sweep.best()
    assert best == SweepPoint(threshold=0.25, precision=2 / 3, recall=1.0, f1=0.8, pooled_iou=2 / 3)
    assert sweep.points()[128] == SweepPoint(0.5, 0.5, 0.5, 0.5, 1 / 3)
    assert sweep.points()[192] == SweepPoint(0.75, 1.0, 0.5, 2 / 3, 1 / 2)


def test_the_best_threshold_depends_on_the_figure_asked_for():
    sweep = ThresholdSweep()
    for _ in range(2):  # two small images, and the one without text below, want a threshold above .25
        sweep.add(np.array([[0.25, 0.75]], np.float32), np.array([[0, 1]]))
    sweep.add(np.full((10, 10), 0.25, np.float32), np.ones((10, 10), bool))  # a large one wants at most .25
    sweep.add(np.full((1, 9), 0.25, np.float32), np.zeros((1, 9), bool))
    assert sweep.best("f1").threshold == 0.5
    assert sweep.best("pooled_iou").threshold == 0.25
    with pytest.raises(ValueError, match="by must be 'f1' or 'pooled_iou', got 'recall'"):
        sweep.best("recall")


def test_of_equally_good_thresholds_the_one_nearest_to_a_half_is_best():
    sweep = ThresholdSweep()
    sweep.add(np.array([[0.0, 1.0]], np.float32), np.array([[0, 1]]))
    assert sweep.best() == SweepPoint(0.5, 1.0, 1.0, 1.0, 1.0)


def test_shards_of_a_sweep_add_up_and_no_image_gives_zeros():
    whole, first, second = ThresholdSweep(), ThresholdSweep(), ThresholdSweep()
    for number, image in enumerate(random_images(7)):
        whole.add(*image)
        (first if number < 4 else second).add(*image)
    first.merge(second)
    assert first.images == whole.images == 7
    for merged, point in zip(first.points(), whole.points(), strict=True):
        assert merged == pytest.approx(point)
    assert set(ThresholdSweep().points()) == {SweepPoint(k / LEVELS, 0.0, 0.0, 0.0, 0.0) for k in range(LEVELS)}


def test_a_sweep_refuses_other_shapes_and_what_is_no_probability():
    one = np.zeros((2, 2), np.float32)
    with pytest.raises(ValueError, match=r"truth must be \(H, W\) like the probabilities \(2, 2\), got \(2, 3\)"):
        ThresholdSweep().add(one, np.zeros((2, 3), bool))
    with pytest.raises(ValueError, match=r"valid must be .* got \(4,\)"):
        ThresholdSweep().add(one, np.zeros((2, 2), bool), np.zeros(4, bool))
    for value in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match=r"probabilities must lie in \[0, 1\]"):
            ThresholdSweep().add(np.full((2, 2), value, np.float32), np.zeros((2, 2), bool))


def test_the_top1_rate_by_hand():
    f1s = [[0.9, 0.5, 0.2, 0.4], [0.8, 0.5, 0.3, 0.4], [0.1, 0.4, 0.3, 0.4]]
    assert top1_shares(f1s) == [3 / 4, 1 / 4, 0]
    assert top1_shares(f1s, ties="split") == pytest.approx(
        [(1 + 1 / 2 + 1 / 3) / 4, (1 / 2 + 1 / 2 + 1 / 3) / 4, 5 / 24]
    )
    assert top1_shares([[0.0, 0.0]]) == [1.0]


def test_top1_columns_are_whole_images_that_add_up_to_all():
    f1s = np.random.default_rng(1).integers(0, 4, (5, 301)) / 3  # many ties
    shares = top1_shares(f1s.tolist())
    wins = [share * 301 for share in shares]
    assert wins == pytest.approx([round(win) for win in wins]) and sum(map(round, wins)) == 301
    assert sum(top1_shares(f1s.tolist(), ties="split")) == pytest.approx(1)


@pytest.mark.parametrize(("f1s", "sizes"), [([], r"\[\]"), ([[]], r"\[0\]"), ([[1.0], [1.0, 0.0]], r"\[1, 2\]")])
def test_the_top1_rate_needs_the_same_images_of_each_method(f1s, sizes):
    with pytest.raises(ValueError, match=f"the same images, at least one; got {sizes} images"):
        top1_shares(f1s)
