from __future__ import annotations

import numpy as np
import pytest
import torch

from recognizers import InputSpec
from recognizers.rectification import (
    ThinPlateSpline,
    edge_points,
    localiser_channels,
    localiser_view,
    pixel_points,
    warp,
)


def spline() -> tuple[ThinPlateSpline, np.ndarray, np.ndarray]:
    points = edge_points(6, low=(0.1, 0.2), high=(0.9, 0.8))
    pixels = pixel_points(np.linspace(0, 1, 5), np.linspace(0, 1, 3))
    return ThinPlateSpline(points, pixels), points, pixels


def test_edges_run_from_left_to_right_the_upper_one_first():
    expected = [[0.1, 0.2], [0.5, 0.2], [0.9, 0.2], [0.1, 0.8], [0.5, 0.8], [0.9, 0.8]]
    np.testing.assert_allclose(edge_points(6, low=(0.1, 0.2), high=(0.9, 0.8)), expected)


def test_points_that_stay_map_every_pixel_to_itself():
    module, points, pixels = spline()
    np.testing.assert_allclose(module(torch.from_numpy(points)[None])[0], pixels, atol=1e-6)


def test_an_affine_move_of_the_points_moves_every_pixel_alike():
    module, points, pixels = spline()
    linear, shift = np.array([[0.8, 0.3], [-0.2, 1.1]]), np.array([0.05, -0.1])
    moved = module(torch.from_numpy(points @ linear + shift)[None])[0]
    np.testing.assert_allclose(moved, pixels @ linear + shift, atol=1e-6)


def test_the_spline_goes_through_its_control_points():
    points = edge_points(6, low=(0.1, 0.2), high=(0.9, 0.8))
    source = torch.from_numpy(points + np.random.default_rng(0).normal(0, 0.1, points.shape)).float()
    torch.testing.assert_close(ThinPlateSpline(points, points)(source[None])[0], source, atol=1e-5, rtol=0)


def test_the_matrix_is_no_weight_and_can_be_had_again():
    module, points, _ = spline()
    assert not module.state_dict()
    expected = module(torch.from_numpy(points)[None])
    module.matrix.zero_()
    module.reset_derived()
    assert torch.equal(module(torch.from_numpy(points)[None]), expected)


def test_warping_by_the_identity_keeps_every_pixel():
    images = torch.rand(2, 3, 4, 7)
    across, down = torch.meshgrid(torch.linspace(-1, 1, 7), torch.linspace(-1, 1, 4), indexing="xy")
    grid = torch.stack((across, down), dim=2)[None].expand(2, -1, -1, -1)
    torch.testing.assert_close(warp(images, grid), images, atol=1e-5, rtol=0)


def test_a_localiser_sees_colour_without_the_mask_or_its_luma():
    images = torch.rand(2, 4, 3, 5)
    assert torch.equal(localiser_view(images, 4), images)
    assert torch.equal(localiser_view(images, 3), images[:, :3])
    expected = 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]
    torch.testing.assert_close(localiser_view(images, 1)[:, 0], expected)
    with pytest.raises(ValueError, match="a layer of 3 input channels cannot look at images of 1"):
        localiser_view(images[:, :1], 3)


def test_a_localiser_has_a_channel_for_the_mask_only_when_asked():
    masked = InputSpec(color="rgb", mask=True)
    assert localiser_channels(masked, False) == 3
    assert localiser_channels(masked, True) == 4
    assert localiser_channels(InputSpec(), True) == 1
