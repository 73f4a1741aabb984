"""Promises of the parts of the dense CRF loss: area averages, blocks, landmarks, affinities."""

from __future__ import annotations

import math

import pytest
import torch

from segmenter.crf.affinity import gaussian
from segmenter.crf.nystrom import RIDGE, _inverse_root, find_landmarks, halved
from segmenter.crf.shrinking import shrink, shrunk_size


def test_shrinking_averages_areas_also_of_odd_sizes():
    row = torch.tensor([[[1.0, 2.0, 3.0]]])
    assert shrink(row, (1, 2))[0, 0].tolist() == pytest.approx([(1 + 0.5 * 2) / 1.5, (0.5 * 2 + 3) / 1.5])
    maps = torch.rand(2, 17, 23, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(shrink(maps, (5, 7)).mean((1, 2)), maps.mean((1, 2)))
    assert shrink(maps, (17, 23)) is maps


def test_the_working_size_keeps_the_shape_and_never_enlarges():
    assert shrunk_size((512, 512), 256) == (256, 256)
    assert shrunk_size((300, 900), 256) == (85, 256)
    assert shrunk_size((1, 5000), 256) == (1, 256)
    assert shrunk_size((60, 70), 256) == (60, 70)


def test_blocks_hold_every_point_once_and_are_compact():
    points = torch.rand(1000, 5, generator=torch.Generator().manual_seed(0))
    order = halved(points, 64)
    assert order.shape == (16, 63)
    assert sorted(order.flatten().tolist()) == list(range(1008))
    inside = torch.cat([points, points[-1:].expand(8, 5)])[order].var(1).mean()
    assert float(inside) < 0.5 * float(points.var(0).mean())


def test_landmarks_are_as_many_as_asked_or_all_points():
    points = torch.rand(300, 5, generator=torch.Generator().manual_seed(0))
    assert find_landmarks(points, 20).shape == (20, 5)
    assert torch.equal(find_landmarks(points, 300), points)


def test_the_affinity_of_a_pixel_to_itself_is_one_and_falls_with_the_distance():
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0], [300.0, 0.0]], dtype=torch.float64)
    expected = [[1, math.exp(-12.5), 0], [math.exp(-12.5), 1, 0], [0, 0, 1]]
    torch.testing.assert_close(gaussian(points, points), torch.tensor(expected, dtype=torch.float64))


def test_an_affinity_that_rounding_made_indefinite_is_factored_with_a_larger_ridge():
    affinity = torch.ones(8, 8) - 3 * RIDGE * torch.eye(8)
    root = _inverse_root(affinity)
    expected = torch.linalg.inv(affinity.double() + 10 * RIDGE * torch.eye(8, dtype=torch.float64))
    torch.testing.assert_close(root.double() @ root.double().T, expected, rtol=1e-3, atol=1e-1)


@pytest.mark.parametrize("affinity", [torch.full((4, 4), math.nan), -torch.eye(4)])
def test_an_affinity_without_a_root_is_refused_in_one_line(affinity):
    with pytest.raises(ValueError, match=r"of 4 landmarks is not positive definite, even with 0\.01 .*finite") as error:
        _inverse_root(affinity)
    assert "\n" not in str(error.value)
